"""What a load shape is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.config.fields import Frozen
from fastbench.errors import PluginError
from fastbench.plan.shapes.rates import Offsets, Rates
from fastbench.plan.shapes.schedule import Schedule, check_law, check_schedule
from fastbench.plan.shapes.slots import Slots
from fastbench.registry import SHAPES


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
        shape = self.shape
        with SHAPES.blaming(shape.name, "cannot make its schedule"):
            schedule = shape.schedule(self, count)
            check_schedule(SHAPES.told(shape.name), schedule, count)
        law_of(shape)
        begins = schedule.offsets if schedule.slots is None else schedule.slots.openings
        if begins is not None:
            shape_rates(shape, len(begins))
        if schedule.offsets is not None and len(schedule.offsets) and SHAPES.is_plugged(shape.name):
            # As a report will ask for them, of a run in which one request is in flight at a time.
            offsets = schedule.offsets.view()
            offsets.flags.writeable = False
            stages_of(shape, Begun(offsets, len(offsets), offsets, np.ones(len(offsets), np.int64)))
        return schedule


class Law(NamedTuple):
    """What a shape tells of itself in numbers and words, whatever the requests are."""

    burstiness: float
    rate: float | None
    rising: str | None
    headline: str


def law_of(shape: LoadShape, limit: int | None = None) -> Law:
    """What it tells. limit: of requests in flight, where there is one.

    ConfigError where a package's shape cannot tell it, or tells what cannot be.
    """
    with SHAPES.blaming(shape.name, "cannot tell its law"):
        burstiness, rate, rising = shape.burstiness, shape.rate, shape.rising
        if not _is_number(burstiness) or burstiness < 0:
            raise PluginError(f"its burstiness is {burstiness!r}, not a number from 0 on")
        if rate is not None and (not _is_number(rate) or rate <= 0):
            raise PluginError(f"its rate is {rate!r}, not a number above 0 or None")
        if rising is not None and not isinstance(rising, str):
            raise PluginError(f"its rising is {rising!r}, not the name of a law or None")
        headline: object = shape.headline(limit)
        if not isinstance(headline, str):
            raise PluginError(f"its `headline` gives {headline!r}, not text")
        return Law(burstiness, rate, rising, headline)


def shape_rates(shape: LoadShape, count: int) -> Rates | None:
    """Its rates for `count` requests or clients. ConfigError where they cannot be had, or are none."""
    with SHAPES.blaming(shape.name, "cannot give its rates"):
        rates = shape.rates(count)
    check_law(SHAPES.told(shape.name), rates, count)
    return rates


def stages_of(shape: LoadShape, begun: Begun) -> tuple[Stretch, ...]:
    """Its stages. ConfigError where they cannot be had, or are none."""
    with SHAPES.blaming(shape.name, "cannot tell its stages"):
        found = tuple(shape.stages(begun))
        for stage in found:
            if not isinstance(stage, Stretch):
                raise PluginError(f"its `stages` gives {type(stage).__name__}, not a Stretch")
            if not isinstance(stage.name, str) or not all(map(_is_whole, (stage.begin_ns, stage.stop_ns))):
                raise PluginError(f"its `stages` gives {stage!r}; its name must be text, and its times ns as int")
            if stage.rate is not None and not _is_number(stage.rate):
                raise PluginError(f"its `stages` gives {stage!r}; its rate must be a number or None")
        return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer)


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
