"""The reactor's options, from a schedule."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.config.services import ServiceConfig
from fastbench.dialects import output_length
from fastbench.plan.shapes import Schedule, Slots, at_once
from fastbench.units import MAX_NS, NS_PER_MS, NS_PER_S

SPARE_SECONDS = 0.1
"""Open loop: connections are kept open for the sends of this long."""
MAX_SPARE = 256
ROW_MARGIN = 16
"""Output events beyond the length asked for that a stream has room for at once."""
NEVER_NS = MAX_NS
LONGEST_PAUSE_NS = 4 * NS_PER_S
"""Before an attempt after the first: the reactor's longest."""
_NO_SLOTS: Slots = at_once(0)


class ReactorOptions(NamedTuple):
    """Options of a worker's reactor. Offsets are ns since the start."""

    limit: int
    """The most requests in flight."""
    openings: NDArray[np.int64] | None
    """(n,): when each slot of a closed loop opens; None = open loop."""
    closings: NDArray[np.int64]
    """(m,): when a slot closes for good, as soon as it is free."""
    drop_when_full: bool
    """Open loop: drop requests that are due while the limit is reached, instead of letting them wait."""
    stop_offset_ns: int
    """Closed loop: nothing begins from then on."""
    spare: int
    """Connections to hold open beyond those in use."""
    precise: bool
    retry: int
    request_timeout_ns: int
    """Of one attempt, from its first byte sent."""
    total_timeout_ns: int
    """Of a request, with all its attempts, from when it goes out."""
    row_tokens: int
    """Output events a stream is expected to have at the most."""

    def for_warmup(self, count: int) -> "ReactorOptions":
        """The same connections for a closed loop of `count` requests at most at a time."""
        slots = at_once(min(count, self.limit))
        return self._replace(
            limit=len(slots.openings),
            openings=slots.openings,
            closings=slots.closings,
            drop_when_full=False,
            stop_offset_ns=NEVER_NS,
            spare=len(slots.openings),
        )


def reactor_options(service: ServiceConfig, schedule: Schedule, longest_output: int | None) -> ReactorOptions:
    """The options for one worker's schedule. longest_output: the most tokens that a sample asks for, None = unknown."""
    slots = schedule.slots
    return ReactorOptions(
        limit=schedule.limit,
        openings=None if slots is None else slots.openings,
        closings=(slots or _NO_SLOTS).closings,
        drop_when_full=schedule.drop_when_full,
        stop_offset_ns=NEVER_NS if schedule.duration_ns is None else schedule.duration_ns,
        spare=_spare(schedule),
        precise=service.precise,
        retry=service.retry,
        request_timeout_ns=service.request_timeout or NEVER_NS,
        total_timeout_ns=_total_timeout(service),
        row_tokens=(output_length(service).of(longest_output) or service.max_out_len) + ROW_MARGIN,
    )


def _total_timeout(service: ServiceConfig) -> int:
    """As the service's settings say, else so that no attempt is cut short by those before it, ns."""
    if service.total_timeout is not None:
        return service.total_timeout
    if service.request_timeout is None:
        return NEVER_NS
    attempt = service.connect_timeout + service.request_timeout
    return min(attempt + service.retry * (LONGEST_PAUSE_NS + attempt), NEVER_NS)


def _spare(schedule: Schedule) -> int:
    """Closed loop: a connection for every slot that opens at once; open loop: for the sends of the next moment."""
    if schedule.slots is not None:
        soon = schedule.slots.openings[schedule.slots.openings < 100 * NS_PER_MS]
        return max(1, len(soon))
    return min(math.ceil(_densest(schedule) * SPARE_SECONDS), MAX_SPARE, schedule.limit)


def _densest(schedule: Schedule) -> float:
    """Requests per second of the schedule as a whole; a trace has none beforehand."""
    offsets = schedule.offsets
    if offsets is None or len(offsets) < 2 or offsets[-1] == 0:
        return MAX_SPARE / SPARE_SECONDS
    return (len(offsets) - 1) / (float(offsets[-1]) / 1e9)
