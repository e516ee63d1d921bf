"""The settings of a task → what is asked of the load."""

import math

from fastbench.client.engine import Shape
from fastbench.config.output_length import output_length
from fastbench.config.plan import Task
from fastbench.config.service_schema import ServiceConfig
from fastbench.load.arrivals import Process, Ramp
from fastbench.load.schedule import NO_LIMIT, Asked, Schedule, Stage
from fastbench.load.slots import Slots, at_once
from fastbench.units import MAX_NS, NS_PER_MS, NS_PER_S

SPARE_SECONDS = 0.1
"""Open loop: connections are kept open for the sends of this long."""
MAX_SPARE = 256
ROW_MARGIN = 16
"""Output events beyond the length asked for that a stream has room for at once."""
NEVER_NS = MAX_NS
LONGEST_PAUSE_NS = 4 * NS_PER_S
"""Before an attempt after the first: the reactor's longest."""


def asked_of(task: Task) -> Asked:
    """What `task` asks. The guide's order holds: time stamps, then a ramp, then the rate."""
    service, traffic = task.service, task.service.traffic_cfg
    ramp = traffic.ramp
    # A trace has no clients that pressure could add.
    duration = task.pressure_time if task.pressure and not service.use_timestamp else task.duration
    return Asked(
        # A trace says itself how much it brings: batch_size has no say, as in the guide.
        concurrency=NO_LIMIT if service.use_timestamp else service.batch_size,
        rate=float(service.request_rate),
        process=Process(traffic.burstiness),
        ramp=Ramp(traffic.ramp_up_strategy or "linear", *ramp) if ramp else None,
        trace=service.use_timestamp,
        speed=task.trace_speed,
        profile=tuple(
            Stage(None if stage.rate is None else float(stage.rate), stage.concurrency, int(stage.duration))
            for stage in task.profile
        ),
        pressure=task.pressure,
        # Plain numbers from here on: the header's JSON knows no durations.
        duration_ns=None if duration is None else int(duration),
        drain_ns=None if task.drain is None else int(task.drain),
        drop_when_full=task.on_full == "drop",
        seed=task.arrival_seed,
    )


def shape_of(task: Task, schedule: Schedule, longest_output: int | None) -> Shape:
    """The reactor's view of `schedule`. longest_output: the most tokens that a sample asks for, None = none says."""
    service = task.service
    slots = schedule.slots
    return Shape(
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


def warmup_shape(shape: Shape, count: int) -> Shape:
    """The same connections for a closed loop of `count` requests at most at a time."""
    slots = at_once(min(count, shape.limit))
    return shape._replace(
        limit=len(slots.openings),
        openings=slots.openings,
        closings=slots.closings,
        drop_when_full=False,
        stop_offset_ns=NEVER_NS,
        spare=len(slots.openings),
    )


_NO_SLOTS: Slots = at_once(0)


def _spare(schedule: Schedule) -> int:
    """Closed loop: a connection for every slot that opens at once; open loop: for the sends of the next moment."""
    if schedule.slots is not None:
        soon = schedule.slots.openings[schedule.slots.openings < 100 * NS_PER_MS]
        return max(1, len(soon))
    return min(math.ceil(_densest(schedule) * SPARE_SECONDS), MAX_SPARE, schedule.limit)


def _densest(schedule: Schedule) -> float:
    """Requests per second of the schedule as a whole; a trace tells only as it goes on."""
    offsets = schedule.offsets
    if offsets is None or len(offsets) < 2 or offsets[-1] == 0:
        return MAX_SPARE / SPARE_SECONDS
    return (len(offsets) - 1) / (float(offsets[-1]) / 1e9)
