"""The stages of a profile, as a config has them."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from fastbench.config.fields.check import Frozen
from fastbench.units import MAX_NS, Duration, Rate


class ProfileStage(Frozen, frozen=True, kw_only=True):
    """A stretch of a profile: a rate or a concurrency."""

    duration: Duration
    rate: Rate | None = None
    """Requests per second; 0 = none."""
    concurrency: Annotated[int, Meta(ge=0, le=100_000)] | None = None


def profile_fault(stages: Sequence[ProfileStage]) -> str | None:
    """Why these stages make no profile, as a sentence behind its name; None where they make one."""
    if not stages:
        return "is empty; give it a stage"
    if any((stage.rate is None) == (stage.concurrency is None) for stage in stages):
        return "has a stage with neither rate nor concurrency, or with both; give it one"
    if len({stage.rate is None for stage in stages}) > 1:
        return "has stages with a rate and stages with a concurrency; give all of them the same"
    if not any(stage.rate or stage.concurrency for stage in stages):
        return "sends nothing, as all of its stages are 0; give one of them more"
    if sum(stage.duration for stage in stages) > MAX_NS:
        return "lasts more than 146 years in all; give its stages shorter durations"
    return None
