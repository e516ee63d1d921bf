"""Lengths in tokens: a number, a pair of bounds, or one of three laws within `low` … `high`, both included."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, cast

from msgspec import Meta

from fastbench.config.fields.check import MAX_LENGTH, Frozen, Length, check_fields, join
from fastbench.config.fields.issues import Issues, nearest, show

Alpha = Annotated[float, Meta(gt=1, le=10, extra_json_schema={"description": "a number above 1, at most 10"})]
Real = Annotated[float, Meta(ge=-3e38, le=3e38)]


class Uniform(Frozen, frozen=True, kw_only=True, tag_field="method", tag="uniform"):
    """Each length is as likely as the others."""

    low: Length
    high: Length


class Gaussian(Frozen, frozen=True, kw_only=True, tag_field="method", tag="gaussian"):
    """Normal law, rounded to the nearest whole number; what lies outside is moved to the nearer end."""

    mean: Real
    var: Annotated[float, Meta(ge=0, le=3e38)]
    """Variance, tokens squared."""
    low: Length
    high: Length


class Zipf(Frozen, frozen=True, kw_only=True, tag_field="method", tag="zipf"):
    """Power law: the chance of length k is k**-alpha / sum(j**-alpha for j in low … high)."""

    alpha: Alpha
    low: Length
    high: Length


Lengths = Annotated[
    Uniform | Gaussian | Zipf,
    Meta(
        extra_json_schema={
            "description": "a number of tokens, [least, most], or a dict with method uniform, gaussian or zipf"
        }
    ),
]

LAWS: dict[str, type[Uniform] | type[Gaussian] | type[Zipf]] = {
    "uniform": Uniform,
    "gaussian": Gaussian,
    "zipf": Zipf,
}
_FORM = (
    f"a whole number or [least, most], each from 1 to {MAX_LENGTH}, "
    f"or a dict with method {', '.join(LAWS)} and its parameters"
)


def build_lengths(value: object, path: str, issues: Issues) -> Lengths | None:
    """The lengths that `value` stands for, or None after the fault was added to `issues`."""
    if isinstance(value, Uniform | Gaussian | Zipf):
        return value
    if isinstance(value, Mapping):
        return _law(value, path, issues)
    pair = isinstance(value, Sequence) and not isinstance(value, str)
    bounds: Sequence[Any] = cast(Sequence[Any], value) if pair else (value, value)
    if len(bounds) != 2 or not all(type(bound) is int and 1 <= bound <= MAX_LENGTH for bound in bounds):
        issues.wrong(path, value, _FORM)
        return None
    low, high = bounds
    if low > high:
        issues.wrong(path, value, "given as [least, most], the least first")
        return None
    return Uniform(low=low, high=high)


def _law(raw: Mapping[str, object], path: str, issues: Issues) -> Lengths | None:
    method = raw.get("method")
    law = LAWS.get(method) if isinstance(method, str) else None
    if law is None:
        close = nearest(method, LAWS) if isinstance(method, str) else None
        hint = f"did you mean {close}?" if close else f"it must be {', '.join(LAWS)}"
        issues.add(join(path, "method"), f"is {show(method)}; {hint}" if "method" in raw else f"is missing; {hint}")
        return None
    fields = {name: value for name, value in raw.items() if name != "method"}
    return make_law(law, check_fields(law, fields, path, issues), join(path, "high"), "low", issues)


def make_law(
    law: type[Uniform] | type[Gaussian] | type[Zipf], fields: dict[str, Any], path: str, low: str, issues: Issues
) -> Lengths | None:
    """`law` of checked `fields`; None where some are missing, which `issues` knows, or the bounds are the wrong way.

    path: leads to the greater bound; low: what the lesser one is called there.
    """
    if len(fields) < len(law.__struct_fields__):
        return None
    if fields["low"] > fields["high"]:
        issues.wrong(path, fields["high"], f"at least {low}, {fields['low']}")
        return None
    return law(**fields)
