"""How lengths in tokens are spread: three laws, each within `low` … `high`, both included."""

from typing import Annotated

from msgspec import Meta

from fastbench.config.fields import Frozen, Length

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
