"""Closed loops: a request goes out whenever a slot is free."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from fastbench.plan.shapes.open import Constant, Gamma, Poisson, Ramp
from fastbench.plan.shapes.rates import Rates
from fastbench.plan.shapes.schedule import Schedule
from fastbench.plan.shapes.shape import Begun, LoadShape, LoadSpec, Stretch, closed_loop
from fastbench.plan.shapes.slots import at_once

STEPS = 8
"""Stages of the clients that pressure adds."""

Opening = Constant | Poisson | Gamma | Ramp


class Concurrency(LoadShape, frozen=True, kw_only=True, tag_field="type", tag="concurrency"):
    """As many requests in flight as asked for, from the start to the end."""

    name: ClassVar[str] = "concurrency"
    closed: ClassVar[bool] = True

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        """All slots open at the start."""
        return closed_loop(spec, at_once(spec.concurrency), count)

    def words(self) -> str:
        """Empty: the default closed loop."""
        return ""

    def headline(self, limit: int | None) -> str:
        """The number in flight says it all."""
        return f"{'some' if limit is None else limit} in flight (closed loop)"


class Pressure(LoadShape, frozen=True, kw_only=True, tag_field="type", tag="pressure"):
    """Clients that are added one by one, each with its next request at once."""

    name: ClassVar[str] = "pressure"
    closed: ClassVar[bool] = True
    opens_clients: ClassVar[bool] = True

    opening: Opening | None = None
    """How clients are added; None = all at the start."""

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        """A slot for each client."""
        slots = at_once(spec.concurrency)
        if self.opening is not None:
            openings = self.opening.times(spec.concurrency, None, spec.seed)
            slots = slots._replace(openings=openings)
        return closed_loop(spec, slots, count)

    def rates(self, count: int) -> Rates | None:
        """Of the clients."""
        return None if self.opening is None else self.opening.rates(count)

    @property
    def burstiness(self) -> float:
        """Of the clients."""
        return 0.0 if self.opening is None else self.opening.burstiness

    @property
    def rate(self) -> float | None:
        """Clients per second."""
        return None if self.opening is None else self.opening.rate

    @property
    def rising(self) -> str | None:
        """How the rate of the clients changes."""
        return None if self.opening is None else self.opening.rising

    def stages(self, begun: Begun) -> Iterator[Stretch]:
        """Equal steps of the clients that were there."""
        starts = begun.starts_ns
        if not starts.size:
            return
        most = np.maximum.accumulate(begun.in_flight)
        sizes = np.unique(np.ceil(np.linspace(0, most[-1], STEPS + 1)[1:]).astype(int)).tolist()
        first = 0
        for size in sizes:
            stop = int(np.searchsorted(most, size, side="right")) if size < most[-1] else starts.size
            if stop > first:
                end = int(starts[stop]) if stop < starts.size else int(starts[-1]) + 1
                yield Stretch(f"up to {size} clients", int(starts[first]), end, None)
            first = max(first, stop)

    def words(self) -> str:
        """How they are added."""
        return "opened by pressure" if self.opening is None else f"opened by pressure, {self.opening.words()}"

    def headline(self, limit: int | None) -> str:
        """How many clients there were in the end."""
        how = "at once" if self.opening is None else "one by one"
        return f"up to {limit} clients, added {how} (closed loop)"
