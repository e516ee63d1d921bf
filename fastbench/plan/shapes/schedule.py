"""The schedule that a load shape makes, and its checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.errors import ConfigError
from fastbench.plan.shapes.rates import Offsets
from fastbench.plan.shapes.slots import Slots
from fastbench.units import MAX_NS

NO_LIMIT = 100_001
"""Requests in flight that a run without a limit has room for: more than can be asked for."""


class Schedule(NamedTuple):
    """When requests (or conversations) begin. Open loop: slots is None. A trace has no offsets: its samples have."""

    limit: int
    """The most in flight."""
    slots: Slots | None
    """None = open loop."""
    offsets: Offsets | None
    """(count,) ns since the start, of an open loop; None in a closed loop, and for a trace."""
    total: int | None
    """How many begin, or of a trace that is cut by time, how many it has; None = as many as the time allows."""
    duration_ns: int | None
    """Nothing begins after it, ns since the start; the data is used again and again, but for a trace, which has its
    own times. None = no limit but `total`."""
    drain_ns: int | None
    """How long what is in flight may take after `duration_ns`; None = as long as it takes."""
    drop_when_full: bool
    speed: float = 1.0
    """A trace's times are divided by it."""
    since_ns: int = 0
    """A trace's times count from here: 0, or where it was interrupted."""

    @property
    def kind(self) -> str:
        """open or closed."""
        return "open" if self.slots is None else "closed"

    @property
    def timed_by_data(self) -> bool:
        """Whether each sample says itself when it goes out."""
        return self.slots is None and self.offsets is None

    @property
    def planned(self) -> int | None:
        """How many begin; None where only time limits them."""
        return None if self.timed_by_data and self.duration_ns is not None else self.total


def check_schedule(what: str, schedule: Schedule, count: int) -> None:
    """ConfigError for an invalid schedule. what: its maker, in words. count: of requests that there are. Checked before
    anything is sent: a load shape may come from another package."""
    for fault in _faults(schedule, count):
        raise ConfigError(f"{what} {fault}; fix its `schedule`")


def check_law(what: str, rates: Any, count: int) -> None:
    """ConfigError for what is no rate law of `count` requests, or clients: neither None nor (count,) above 0."""
    if rates is None:
        return
    if not isinstance(rates, np.ndarray) or rates.shape != (count,):
        form = rates.shape if isinstance(rates, np.ndarray) else type(rates).__name__
        raise ConfigError(f"{what} gives {form} rates for {count} requests, not an array ({count},); fix its `rates`")
    if not (np.isfinite(rates) & (rates > 0)).all():
        raise ConfigError(f"{what} gives rates that are not above 0; fix its `rates`")


def _faults(schedule: Schedule, count: int) -> Iterator[str]:
    """The faults of a schedule, as sentences after the shape's name; the first one counts."""
    if not isinstance(schedule, Schedule):
        yield f"gives {type(schedule).__name__} as its schedule, not a Schedule as open_loop or closed_loop makes it"
        return
    if not _whole(schedule.limit, NO_LIMIT):
        yield f"lets {schedule.limit!r} requests be in flight, not a whole number from 1 to {NO_LIMIT}"
    if schedule.duration_ns is not None and not _whole(schedule.duration_ns, MAX_NS):
        yield f"lasts {schedule.duration_ns!r} ns, not a whole number from 1 to {MAX_NS}"
    if schedule.total is None and schedule.duration_ns is None:
        yield "never ends: it says neither how many requests begin nor for how long"
    if schedule.total is not None and not _whole(schedule.total, MAX_NS):
        yield f"begins {schedule.total!r} requests, not a whole number of at least 1"
    elif schedule.total is not None and schedule.duration_ns is None and schedule.total > count:
        yield f"begins {schedule.total} requests of {count}, and has no duration for which the data could be used again"
    if schedule.offsets is not None:
        yield from _time_faults(schedule.offsets, "offsets")
        if len(schedule.offsets) != schedule.total:
            yield f"gives {len(schedule.offsets)} offsets for {schedule.total} requests"
    if schedule.slots is not None:
        yield from _slot_faults(schedule.slots, schedule)


def _whole(value: object, most: int) -> bool:
    return isinstance(value, int) and 1 <= value <= most


def _time_faults(times: NDArray[Any], name: str) -> Iterator[str]:
    if not isinstance(times, np.ndarray) or times.ndim != 1 or times.dtype != np.int64:
        dtype = f"{times.ndim}-dimensional of {times.dtype}" if isinstance(times, np.ndarray) else type(times).__name__
        yield f"gives {name} that are {dtype}, not an array (n,) of int64, ns since the start"
    elif times.size and (times[0] < 0 or times.max() > MAX_NS):
        yield f"gives {name} from {times[0]} to {times.max()} ns, not from 0 to {MAX_NS}"
    elif (falls := np.flatnonzero(times[1:] < times[:-1])).size:
        at = int(falls[0])
        yield f"gives {name} that fall: {times[at]} ns, then {times[at + 1]} ns at place {at + 1}"


def _slot_faults(slots: Slots, schedule: Schedule) -> Iterator[str]:
    yield from _time_faults(slots.openings, "openings of slots")
    yield from _time_faults(slots.closings, "closings of slots")
    opened, closed = len(slots.openings), len(slots.closings)
    if not opened:
        yield "opens no slot"
    elif closed > opened or (slots.closings < slots.openings[:closed]).any():
        yield "closes slots before it opened them"
    elif closed == opened and schedule.duration_ns is None:
        yield "closes all its slots, and has no duration that ends it"
    elif slots.most > schedule.limit:
        yield f"opens {slots.most} slots at once, and lets {schedule.limit} requests be in flight"
