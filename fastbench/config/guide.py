"""The guide's `synthetic_config` dict → fastbench's own fields."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from fastbench.config.check import check_fields
from fastbench.config.dataset_schema import Uniform
from fastbench.config.fields import Count, Frozen, Length
from fastbench.config.issues import Issues


class _Synthetic(Frozen, frozen=True, kw_only=True):
    Type: Annotated[Literal["string"], Meta(extra_json_schema={"description": '"string"'})]
    RequestCount: Count
    TrustRemoteCode: bool = False
    StringConfig: Any


class _StringConfig(Frozen, frozen=True, kw_only=True):
    Input: Any
    Output: Any


class _Method(Frozen, frozen=True, kw_only=True):
    Method: Annotated[Literal["uniform"], Meta(extra_json_schema={"description": '"uniform"'})]
    Params: Any


class _UniformParams(Frozen, frozen=True, kw_only=True):
    MinValue: Length
    MaxValue: Length


def from_guide(raw: object, path: str, issues: Issues) -> dict[str, object]:
    """The fields that a `synthetic_config` sets well; what it sets badly was added to `issues`."""
    if isinstance(raw, Mapping) and isinstance(raw.get("Type"), str):
        raw = {**raw, "Type": raw["Type"].lower()}
    synthetic = check_fields(_Synthetic, raw, path, issues)
    fields = {"count": synthetic["RequestCount"]} if "RequestCount" in synthetic else {}
    if "StringConfig" in synthetic:
        path = f"{path}.StringConfig"
        sides = check_fields(_StringConfig, synthetic["StringConfig"], path, issues)
        lengths = {side: _lengths(raw, f"{path}.{side}", issues) for side, raw in sides.items()}
        fields["input_len"] = lengths.get("Input")
        fields["output_len"] = lengths.get("Output")
    return {name: value for name, value in fields.items() if value is not None}


def _lengths(raw: object, path: str, issues: Issues) -> Uniform | None:
    method = check_fields(_Method, raw, path, issues)
    if len(method) < len(_Method.__struct_fields__):
        return None
    params = check_fields(_UniformParams, method["Params"], f"{path}.Params", issues)
    low, high = params.get("MinValue"), params.get("MaxValue")
    if low is None or high is None:
        return None
    if low > high:
        issues.wrong(f"{path}.Params.MaxValue", high, f"at least MinValue, {low}")
        return None
    return Uniform(low=low, high=high)
