"""What goes out when, as a value: made of what was asked, before anything is sent."""

import math
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import NamedTuple

from fastbench.datasets.sample import Sample
from fastbench.errors import DatasetError
from fastbench.load.arrivals import Offsets, Process, Ramp, Step, count_within, ramped, steady, stepped
from fastbench.load.slots import Level, Slots, at_once
from fastbench.load.slots import stepped as stepped_slots
from fastbench.units import MAX_NS

NO_LIMIT = 100_001
"""Requests in flight that a run without a limit has room for: more than can be asked for."""


class Stage(NamedTuple):
    """A stretch of a profile: one rate per second, or one concurrency, for so long."""

    rate: float | None
    concurrency: int | None
    duration_ns: int


class Asked(NamedTuple):
    """What a user may ask of the load."""

    concurrency: int
    """Closed loop: requests in flight; open loop: the most of them."""
    rate: float = 0.0
    """Per second; 0 = closed loop."""
    process: Process = Process()
    ramp: Ramp | None = None
    trace: bool = False
    """Each sample goes out at its own time stamp."""
    speed: float = 1.0
    """A trace's times are divided by it."""
    profile: tuple[Stage, ...] = ()
    pressure: bool = False
    """The slots open one by one, `rate` a second."""
    duration_ns: int | None = None
    """Nothing begins after it; the data is used again and again."""
    drain_ns: int | None = None
    """How long what is in flight may take after `duration_ns`; None = as long as it takes."""
    drop_when_full: bool = False
    seed: int = 0


class Schedule(NamedTuple):
    """When requests (or conversations) begin."""

    arrival: str
    """concurrency, pressure, constant, poisson, gamma, ramp, trace or profile."""
    limit: int
    """The most in flight."""
    slots: Slots | None
    """None = open loop."""
    offsets: Offsets | None
    """(count,) ns since the start, of an open loop; None in a closed loop, and for a trace."""
    speed: float
    total: int | None
    """How many begin, or of a trace that is cut by time, how many it has; None = as many as the time allows."""
    duration_ns: int | None
    """Nothing begins after it, ns since the start; the data is used again and again, but for a trace, which has its
    own times. None = no limit but `count`."""
    drain_ns: int | None
    """How long what is in flight may take after `duration_ns`; None = as long as it takes."""
    drop_when_full: bool
    since_ns: int = 0
    """A trace's times count from here: 0, or where it was interrupted."""

    @property
    def kind(self) -> str:
        """open or closed."""
        return "open" if self.slots is None else "closed"

    @property
    def planned(self) -> int | None:
        """How many begin; None where only the time tells."""
        return None if self.arrival == "trace" and self.duration_ns is not None else self.total


def make_schedule(asked: Asked, count: int) -> Schedule:
    """The schedule for `count` requests, or for the time that was asked for, whatever comes first.

    ValueError for a rate that is not above 0 where one is needed.
    """
    if asked.profile:
        return _profile(asked)
    if asked.trace:
        return _open(asked, "trace", None, count)
    if asked.pressure:
        return _closed(asked, "pressure", _clients(asked), count)
    if asked.rate or asked.ramp is not None:
        return _open(asked, _arrival(asked), _offsets(asked, count), count)
    return _closed(asked, "concurrency", at_once(asked.concurrency), count)


def scheduled(samples: Iterable[tuple[int, Sample]], schedule: Schedule) -> Iterator[tuple[int, Sample, int]]:
    """Each numbered sample with its offset, ns; of a trace, as far as its time allows.

    DatasetError for a sample of a trace without a time stamp.
    """
    if schedule.offsets is not None:
        # One at a time: a list of them all would be as large as a run is long.
        return (
            (number, sample, int(offset)) for (number, sample), offset in zip(samples, schedule.offsets, strict=False)
        )
    if schedule.arrival != "trace":
        return ((number, sample, 0) for number, sample in samples)
    timed = ((number, sample, begins_at(sample, schedule)) for number, sample in samples)
    end_ns = schedule.duration_ns
    return timed if end_ns is None else takewhile(lambda item: item[2] < end_ns, timed)


def begins_at(sample: Sample, schedule: Schedule) -> int:
    """When a sample of a trace goes out, ns since the start. DatasetError for one without a time, or too late."""
    if sample.timestamp_ns is None:
        raise DatasetError(
            f"row {sample.index} of the data set has no time stamp, and use_timestamp (--use-timestamp) asks for it; "
            "leave it out, and set request_rate (--rate) or batch_size (--concurrency)"
        )
    begins_ns = round(sample.timestamp_ns / schedule.speed) - schedule.since_ns
    if begins_ns > MAX_NS:
        raise DatasetError(
            f"row {sample.index} of the data set goes out more than 146 years after the start; raise trace_speed "
            "(--trace-speed), or correct its time stamp"
        )
    return begins_ns


def _open(asked: Asked, arrival: str, offsets: Offsets | None, count: int) -> Schedule:
    return _begun(asked, arrival, count if offsets is None else len(offsets), offsets=offsets)


def _closed(asked: Asked, arrival: str, slots: Slots, count: int) -> Schedule:
    # A trace's speed and what becomes of a send without a place mean nothing where each one waits for a slot.
    asked = asked._replace(speed=1.0, drop_when_full=False)
    return _begun(asked, arrival, count if asked.duration_ns is None else None, slots=slots)


def _begun(
    asked: Asked, arrival: str, total: int | None, *, slots: Slots | None = None, offsets: Offsets | None = None
) -> Schedule:
    return Schedule(
        arrival=arrival,
        limit=asked.concurrency,
        slots=slots,
        offsets=offsets,
        speed=asked.speed,
        total=total,
        duration_ns=asked.duration_ns,
        drain_ns=asked.drain_ns,
        drop_when_full=asked.drop_when_full,
    )


def _clients(asked: Asked) -> Slots:
    """A slot for each client, opened as the rate says; without one, all at the start."""
    slots = at_once(asked.concurrency)
    if not asked.rate and asked.ramp is None:
        return slots
    return slots._replace(openings=_offsets(asked._replace(duration_ns=None), asked.concurrency))


def _arrival(asked: Asked) -> str:
    return "ramp" if asked.ramp else asked.process.name


def _offsets(asked: Asked, count: int) -> Offsets:
    """Of a rate that may ramp up: over all requests, or over the whole time."""
    if asked.duration_ns is not None:
        # A ramp ends with the time.
        rate = asked.rate if asked.ramp is None else _mean_rate(asked.ramp)
        count = max(1, count_within(rate, asked.duration_ns))
    if asked.ramp is None:
        return steady(asked.rate, count, asked.process, asked.seed)
    return ramped(asked.ramp, count, asked.process, asked.seed)


def _mean_rate(ramp: Ramp) -> float:
    """Requests over time of a ramp without scatter: the harmonic mean of its rates."""
    if ramp.start == ramp.end:
        return ramp.start
    if ramp.strategy == "exponential":
        return math.log(ramp.end / ramp.start) / (1 / ramp.start - 1 / ramp.end)
    return (ramp.end - ramp.start) / math.log(ramp.end / ramp.start)


def _profile(asked: Asked) -> Schedule:
    stages = asked.profile
    asked = asked._replace(duration_ns=sum(stage.duration_ns for stage in stages))
    if stages[0].concurrency is None:
        steps = [Step(stage.rate or 0.0, stage.duration_ns) for stage in stages]
        return _open(asked, "profile", stepped(steps, asked.process, asked.seed), 0)
    levels = [Level(stage.concurrency or 0, stage.duration_ns) for stage in stages]
    limit = max(1, *(level.concurrency for level in levels))
    return _closed(asked._replace(concurrency=limit), "profile", stepped_slots(levels), 0)
