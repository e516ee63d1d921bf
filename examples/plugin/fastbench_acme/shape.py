"""So many requests at once, again and again."""

from typing import Annotated, ClassVar

import numpy as np
from fastbench.plan.shapes import LoadShape, LoadSpec, Schedule, open_loop
from fastbench.units import Duration, format_duration
from msgspec import Meta


class Bursts(LoadShape, frozen=True, kw_only=True):
    """Bursts of requests."""

    name: ClassVar[str] = "bursts"

    size: Annotated[int, Meta(ge=1, le=10_000)]
    """Requests that go out together."""
    every: Duration
    """From one burst to the next."""

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        """Of `count` requests, or as many as begin before the time is over."""
        if spec.duration_ns is not None:
            count = self.size * -(-spec.duration_ns // self.every)
        return open_loop(spec, np.arange(count, dtype=np.int64) // self.size * self.every)

    def words(self) -> str:
        """As a plan shows it."""
        return f"bursts of {self.size} every {format_duration(self.every)}"
