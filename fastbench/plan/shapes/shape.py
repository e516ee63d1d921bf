"""What a load shape is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.config.fields import Frozen
from fastbench.errors import blamed
from fastbench.plan.shapes.rates import Offsets, Rates
from fastbench.plan.shapes.schedule import Schedule, check_law, check_schedule
from fastbench.plan.shapes.slots import Slots


class Begun(NamedTuple):
    """The requests of a recording that began by the plan, for the stages of its load.

    moments_ns: (n,) rising, when they were to begin. planned: how many the whole plan has, None = not known. starts_ns,
    in_flight: (m,), when each attempt began and how many were in flight then.
    """

    moments_ns: NDArray[np.int64]
    planned: int | None
    starts_ns: NDArray[np.int64]
    in_flight: NDArray[np.int64]


class Stretch(NamedTuple):
    """A stage of a load: when its requests begin, ns. rate: asked for, per second; None where clients decide."""

    name: str
    begin_ns: int
    stop_ns: int
    rate: float | None


class LoadShape(Frozen, frozen=True, kw_only=True):
    """How requests begin. Its fields are its parameters, in the units that a config has them in.

    A shape of another package is a subclass, found by its entry point in the group `fastbench.shapes`.
    """

    name: ClassVar[str]
    """As configs, recordings and reports have it."""
    closed: ClassVar[bool] = False
    """Whether requests wait for a free slot, so that the most in flight is the load itself and no bound of it."""
    opens_clients: ClassVar[bool] = False
    """Whether the rate law is that of the clients of a closed loop, and not of requests."""
    held_by_limit: ClassVar[bool] = True
    """Whether the most in flight that the service's settings name holds for it."""

    def faults(self) -> Iterator[tuple[str, str]]:
        """(field, sentence behind its name) for parameters that contradict each other."""
        yield from ()

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        """The schedule for `count` requests, or for the time that was asked for, whatever comes first."""
        raise NotImplementedError

    def rates(self, count: int) -> Rates | None:
        """(count,) per second: the rate law, what each of `count` requests, or clients, is planned with. None where no
        single law says it."""
        return None

    @property
    def burstiness(self) -> float:
        """Shape of the gamma distribution of the intervals around that law; 0 = no scatter."""
        return 0.0

    @property
    def rate(self) -> float | None:
        """Requests per second, where it is one."""
        return None

    @property
    def rising(self) -> str | None:
        """Name of the law by which the rate changes; None = constant, or no law."""
        return None

    def stages(self, begun: Begun) -> Iterator[Stretch]:
        """The stretches of a load that changes; none for a load of one rate."""
        yield from ()

    def words(self) -> str:
        """As a plan shows it, behind "open loop" or "closed loop, at most n in flight"; "" = nothing more."""
        return self.name

    def headline(self, limit: int | None) -> str:
        """In few words, as a report's head has it. limit: of requests in flight, where there is one."""
        most = f", {limit} in flight" if self.closed and limit is not None else ""
        return f"{self.name}{most} ({'closed' if self.closed else 'open'} loop)"


class LoadSpec(Frozen, frozen=True, kw_only=True):
    """The load of one task."""

    shape: LoadShape
    concurrency: int
    """Closed loop: requests in flight; open loop: the most of them."""
    duration_ns: int | None = None
    """Nothing begins after it; the data is used again and again."""
    drain_ns: int | None = None
    """How long what is in flight may take after `duration_ns`; None = as long as it takes."""
    drop_when_full: bool = False
    """Open loop: what is due while `concurrency` are in flight is dropped, and does not wait."""
    seed: int = 0
    """Of the scatter."""

    def schedule(self, count: int) -> Schedule:
        """The schedule for `count` requests, or for the time that was asked for, whatever comes first.

        ConfigError where the shape cannot make one, or makes an invalid one.
        """
        what = f"the load shape {self.shape.name}"
        with blamed(f"{what} cannot make its schedule"):
            schedule = self.shape.schedule(self, count)
        check_schedule(what, schedule, count)
        begins = schedule.offsets if schedule.slots is None else schedule.slots.openings
        if begins is not None:
            with blamed(f"{what} cannot give its rates"):
                rates = self.shape.rates(len(begins))
            check_law(what, rates, len(begins))
        return schedule


def open_loop(spec: LoadSpec, offsets: Offsets) -> Schedule:
    """Requests that go out at `offsets`."""
    return Schedule(
        limit=spec.concurrency,
        slots=None,
        offsets=offsets,
        total=len(offsets),
        duration_ns=spec.duration_ns,
        drain_ns=spec.drain_ns,
        drop_when_full=spec.drop_when_full,
    )


def closed_loop(spec: LoadSpec, slots: Slots, count: int) -> Schedule:
    """Requests that go out from slots; `drops` does not apply."""
    return Schedule(
        limit=spec.concurrency,
        slots=slots,
        offsets=None,
        total=count if spec.duration_ns is None else None,
        duration_ns=spec.duration_ns,
        drain_ns=spec.drain_ns,
        drop_when_full=False,
    )
