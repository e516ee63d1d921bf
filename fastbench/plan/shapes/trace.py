"""A trace: each sample of the data set goes out at its own time stamp."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from fastbench.plan.shapes.schedule import Schedule
from fastbench.plan.shapes.shape import LoadShape, LoadSpec


class Trace(LoadShape, frozen=True, kw_only=True, tag_field="type", tag="trace"):
    """The data set's own times."""

    name: ClassVar[str] = "trace"
    held_by_limit: ClassVar[bool] = False

    speed: Annotated[float, Meta(ge=0.001, le=1_000_000)] = 1.0
    """How many times as fast as the trace."""

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        """The times stand in the samples."""
        return Schedule(
            limit=spec.concurrency,
            slots=None,
            offsets=None,
            total=count,
            duration_ns=spec.duration_ns,
            drain_ns=spec.drain_ns,
            drop_when_full=spec.drop_when_full,
            speed=self.speed,
        )

    def words(self) -> str:
        """Where the times come from."""
        return f"by the data set's times, at {self.speed:g} times their speed"

    def headline(self, limit: int | None) -> str:
        """Whose times they are."""
        speed = "" if self.speed == 1 else f", {self.speed:g} times as fast"
        return f"at the data set's times{speed} (open loop)"
