"""One plan shared out among workers, so that the shares together are the plan and no two have anything in common."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple, Protocol

import numpy as np

from fastbench.load.schedule import Schedule
from fastbench.load.slots import Slots


class Share(NamedTuple):
    """Share `number` of `of`, from 0."""

    number: int = 0
    of: int = 1

    @property
    def whole(self) -> bool:
        """Whether it is all there is."""
        return self.of == 1

    def part(self, total: int) -> int:
        """How many of `total` things this share has: as equal as can be, the larger parts first."""
        return total // self.of + (self.number < total % self.of)


class Queue(Protocol):
    """Places in the plan that workers take as they need them."""

    @property
    def left(self) -> int:
        """How many nobody has taken by now."""
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


def taken(queue: Queue, most: int, workers: int) -> Iterator[int]:
    """The places that a worker takes from a queue until it is empty: `most` at a time, fewer when little is left."""
    while piece := queue.take(max(1, min(most, queue.left // (8 * workers)))):
        yield from piece
