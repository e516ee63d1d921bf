"""One level of a closed loop whose number of slots changes while it runs: what a search for the capacity sends."""

from __future__ import annotations

from typing import ClassVar

from fastbench.config.fields import Count
from fastbench.plan.shapes.schedule import Schedule
from fastbench.plan.shapes.shape import LoadShape, LoadSpec, closed_loop
from fastbench.plan.shapes.slots import at_once


class Levels(LoadShape, frozen=True, kw_only=True, tag_field="type", tag="levels"):
    """So many requests in flight, as a visit of a level by `fastbench saturate`. By itself it stays at its level."""

    name: ClassVar[str] = "levels"
    closed: ClassVar[bool] = True

    level: Count
    """Requests in flight."""
    visit: int = 0
    """How often the search had been at this level before."""
    purpose: str = ""
    """Why the search went there."""

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        """All slots of the level open at the start; the load may change them, up to the limit, while it runs."""
        return closed_loop(spec, at_once(min(self.level, spec.concurrency)), count)

    def words(self) -> str:
        """The level, and what it is for."""
        why = f" ({self.purpose})" if self.purpose else ""
        return f"level {self.level}{why}"

    def headline(self, limit: int | None) -> str:
        """As of any closed loop."""
        return f"{self.level} in flight (closed loop)"
