"""A plan divided among workers into disjoint shares that add up to it; and the remainder of an interrupted run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastbench.errors import UsageError
from fastbench.plan.shapes import NO_LIMIT, Schedule, Slots


class Share(NamedTuple):
    """Share `number` of `of`, from 0."""

    number: int = 0
    of: int = 1

    @property
    def whole(self) -> bool:
        """Whether it is all there is."""
        return self.of == 1

    def part(self, total: int) -> int:
        """How many of `total` items this share has: equal parts, the larger ones first."""
        return total // self.of + (self.number < total % self.of)


WHOLE = Share()


class Queue(Protocol):
    """Places in the plan that workers take as they need them."""

    @property
    def left(self) -> int:
        """How many are not taken yet."""
        ...

    def take(self, most: int) -> range:
        """The next places, at most so many; empty when none are left."""
        ...


def share_of(schedule: Schedule, share: Share) -> Schedule:
    """The schedule of one worker. An open loop's times and a closed loop's slots are dealt out in turn, so that at any
    moment each share has its part of the rate, or of the slots.

    ValueError for a share without anything in flight.
    """
    limit = share.part(schedule.limit)
    if not limit:
        raise ValueError(f"{schedule.limit} in flight cannot be shared among {share.of} workers")
    slots, offsets = schedule.slots, schedule.offsets
    return schedule._replace(
        limit=limit,
        slots=None if slots is None else _dealt(slots, share),
        offsets=None if offsets is None else offsets[share.number :: share.of],
        total=None if schedule.total is None else share.part(schedule.total),
    )


def _dealt(slots: Slots, share: Share) -> Slots:
    """The slots of one share. The slot that closes is the last that opened, so each has its number in the pile."""
    moments = np.concatenate(slots)
    change = np.repeat([1, -1], [len(slots.openings), len(slots.closings)])
    order = np.argsort(moments, kind="stable")
    moments, change = moments[order], change[order]
    present = np.cumsum(change)
    mine = np.where(change > 0, present - 1, present) % share.of == share.number
    return Slots(moments[mine & (change > 0)], moments[mine & (change < 0)])


def places(share: Share, total: int | None) -> Iterator[int]:
    """The places in the plan that a share has from the start. total: None = without end."""
    return count(share.number, share.of) if total is None else iter(range(share.number, total, share.of))


def taken(queue: Queue, most: int, workers: int) -> Iterator[range]:
    """The places that a worker takes from a queue until it is empty: `most` at a time, fewer when little is left."""
    while piece := queue.take(max(1, min(most, queue.left // (8 * workers)))):
        yield piece


def in_pieces(places: Iterable[int], most: int) -> Iterator[list[int]]:
    """Places, `most` at a time."""
    places = iter(places)
    while piece := list(islice(places, most)):
        yield piece


class Remainder(NamedTuple):
    """Requests without an outcome, to be sent by a further leg of the run.

    places: (n,), those in the plan, rising. since_ns: when the first of them was to begin, since the plan's start.
    leg: which leg this is, from 1. part: the first file of the recording that is free. resumes_ns: where on the
    recording's axis the leg begins. tokens_per_word: of the prompts that were sent before.
    """

    places: NDArray[np.int64]
    since_ns: int
    leg: int
    part: int
    resumes_ns: int
    tokens_per_word: float

    def schedule(self, whole: Schedule) -> Schedule:
        """The schedule of the rest: the times between its requests are the plan's, and it begins at once."""
        offsets = whole.offsets
        return whole._replace(
            offsets=None if offsets is None else offsets[self.places] - self.since_ns,
            since_ns=self.since_ns,
            total=len(self.places),
        )

    def at(self, indices: Iterable[int]) -> Iterator[int]:
        """The places in the whole plan of those in the rest."""
        return (int(self.places[index]) for index in indices)


GAP_NS = 10_000_000
"""Assumed time between two tokens of a stream of a fast service."""
READ_NS = 8_000
"""CPU of one read with its share of the kernel's work, one event each, on the machine of the calibration."""
CALIBRATED_NS = 30
"""What `Machine.event_ns` was there."""
FEW = 100
"""Streams that one worker serves on any machine."""
BUSY = 0.5
"""A worker is to be busy for less than this share of the time: beyond it stamps come late."""


class Machine(NamedTuple):
    """The machine of the workers. processors: those that this process may use. event_ns: CPU of parsing one output
    event there, ns; asked only where it matters, as it takes some milliseconds."""

    processors: int
    event_ns: Callable[[], float]


@dataclass(frozen=True)
class WorkerPlan:
    """The workers of a task. shares_queue: whether they take places of the plan from one queue. reasons: for their
    number, a sentence each."""

    count: int
    shares_queue: bool
    reasons: tuple[str, ...] = ()


def worker_plan(asked: int | str, schedule: Schedule, machine: Machine) -> WorkerPlan:
    """As many as are asked for, or as the load needs ("auto"). Raises UsageError for more than can be."""
    count, reasons = (asked, ()) if isinstance(asked, int) else _automatic(schedule.limit, machine)
    check_shares(count, schedule, f"workers (--workers) is {count}")
    return WorkerPlan(count, count > 1 and schedule.slots is not None, reasons)


def check_shares(shares: int, schedule: Schedule, asked: str) -> None:
    """Raises UsageError where a share would have nothing in flight. asked: what asks for so many, in words."""
    if shares > schedule.limit:
        raise UsageError(
            f"{asked}, but at most {schedule.limit} may be in flight (--concurrency): each needs one request at least"
        )


def _automatic(limit: int, machine: Machine) -> tuple[int, tuple[str, ...]]:
    """One worker for as many streams as it can serve, by a short calibration; never more than half of the processors:
    the others are the kernel's and, often, the service's."""
    if limit <= FEW or limit >= NO_LIMIT:  # a run without a limit does not say how much it will be
        return 1, ()
    speed = machine.event_ns() / CALIBRATED_NS
    streams = max(1, int(GAP_NS * BUSY / (READ_NS * speed)))
    most = max(1, machine.processors // 2)
    workers = max(1, min(most, -(-limit // streams)))
    reason = (
        f"{workers} of at most {most} workers: {limit} in flight, and one worker serves {streams} streams of a token "
        f"each {GAP_NS // 1_000_000} ms on this machine ({speed:.2f} times the CPU of the one it was measured on)"
    )
    return workers, (reason,)
