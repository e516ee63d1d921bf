"""AISBench's `synthetic_config` dict → native fields."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from fastbench.config import Issues
from fastbench.config.fields import MAX_LENGTH, Alpha, Frozen, Length, Real, check_fields

_MAX_REQUESTS = 2**20


class _Synthetic(Frozen, frozen=True, kw_only=True):
    Type: Annotated[Literal["string", "tokenid"], Meta(extra_json_schema={"description": '"string" or "tokenid"'})]
    RequestCount: Annotated[int, Meta(ge=1, le=_MAX_REQUESTS)]
    TrustRemoteCode: bool = False
    StringConfig: Any = None
    TokenIdConfig: Any = None


_Side = Annotated[Any, Meta(extra_json_schema={"description": "a dict with Method and Params"})]


class _StringConfig(Frozen, frozen=True, kw_only=True):
    Input: _Side
    Output: _Side


class _TokenIdConfig(Frozen, frozen=True, kw_only=True):
    RequestSize: Length
    PrefixLen: Annotated[int, Meta(ge=0, le=MAX_LENGTH)] = 0
    VocabSize: Length | None = None


class _Method(Frozen, frozen=True, kw_only=True):
    Method: Annotated[
        Literal["uniform", "gaussian", "zipf"],
        Meta(extra_json_schema={"description": '"uniform", "gaussian" or "zipf"'}),
    ]
    Params: Annotated[
        Any, Meta(extra_json_schema={"description": "a dict with MinValue, MaxValue and what else the Method has"})
    ]


class _UniformParams(Frozen, frozen=True, kw_only=True):
    MinValue: Length
    MaxValue: Length


class _GaussianParams(_UniformParams, frozen=True, kw_only=True):
    Mean: Real
    Var: Annotated[float, Meta(ge=0, le=3e38)]


class _ZipfParams(_UniformParams, frozen=True, kw_only=True):
    Alpha: Alpha


_PARAMS: dict[str, type[Frozen]] = {"uniform": _UniformParams, "gaussian": _GaussianParams, "zipf": _ZipfParams}
_OWN_NAMES = {"MinValue": "low", "MaxValue": "high", "Mean": "mean", "Var": "var", "Alpha": "alpha"}


def translate_synthetic(raw: object, path: str, issues: Issues) -> dict[str, object]:
    """The valid fields of a `synthetic_config`; faults are added to `issues`."""
    if isinstance(raw, Mapping) and isinstance(raw.get("Type"), str):
        raw = {**raw, "Type": raw["Type"].lower()}
    synthetic = check_fields(_Synthetic, raw, path, issues)
    fields: dict[str, object] = {}
    if "RequestCount" in synthetic:
        fields["count"] = synthetic["RequestCount"]
    # If Type is wrong, all fields are checked.
    kinds = [synthetic["Type"]] if "Type" in synthetic else list(_SECTIONS)
    for section, read in map(_SECTIONS.__getitem__, kinds):
        if synthetic.get(section) is not None:
            fields |= read(synthetic[section], f"{path}.{section}", issues)
        elif "Type" in synthetic:
            issues.missing(f"{path}.{section}", f'a dict of settings, as Type is "{synthetic["Type"]}"')
    return {name: value for name, value in fields.items() if value is not None}


def _string(raw: object, path: str, issues: Issues) -> dict[str, object]:
    sides = check_fields(_StringConfig, raw, path, issues)
    lengths = {side: _lengths(value, f"{path}.{side}", issues) for side, value in sides.items()}
    return {"input_len": lengths.get("Input"), "output_len": lengths.get("Output")}


def _tokenid(raw: object, path: str, issues: Issues) -> dict[str, object]:
    given = check_fields(_TokenIdConfig, raw, path, issues)
    size, prefix = given.get("RequestSize"), given.get("PrefixLen", 0)
    if size is None:
        return {}
    if prefix > size:
        issues.wrong(f"{path}.PrefixLen", prefix, f"at most RequestSize, {size}")
        return {}
    return {
        "input_len": size,
        "shared_prefix": prefix,
        "vocab_size": given.get("VocabSize"),
    }


_SECTIONS = {"string": ("StringConfig", _string), "tokenid": ("TokenIdConfig", _tokenid)}


def _lengths(raw: object, path: str, issues: Issues) -> dict[str, object] | None:
    method = check_fields(_Method, _lower(raw), path, issues)
    if len(method) < len(_Method.__struct_fields__):
        return None
    name = method["Method"]
    params = check_fields(_PARAMS[name], method["Params"], f"{path}.Params", issues)
    if len(params) < len(_PARAMS[name].__struct_fields__):
        return None
    if params["MinValue"] > params["MaxValue"]:
        issues.wrong(f"{path}.Params.MaxValue", params["MaxValue"], f"at least MinValue, {params['MinValue']}")
        return None
    return {"method": name, **{_OWN_NAMES[field]: value for field, value in params.items()}}


def _lower(raw: object) -> object:
    """With the method in small letters; anything that is not such a dict as it is."""
    if isinstance(raw, Mapping) and isinstance(raw.get("Method"), str):
        return {**raw, "Method": raw["Method"].lower()}
    return raw
