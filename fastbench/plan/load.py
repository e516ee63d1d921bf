"""The settings of a task → what is asked of its load."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile

from fastbench.config import Task
from fastbench.config.fields import PositiveRate
from fastbench.datasets import Sample
from fastbench.errors import DatasetError
from fastbench.plan.shapes import NO_LIMIT, LoadShape, LoadSpec, Schedule
from fastbench.plan.shapes.closed import Concurrency, Pressure
from fastbench.plan.shapes.open import Constant, Ramp, Trace, of_rate
from fastbench.plan.shapes.profile import Profile
from fastbench.units import MAX_NS


def load_of(task: Task) -> LoadSpec:
    """What `task` asks. AISBench's order holds: time stamps, then a ramp, then the rate."""
    shape = _shape(task)
    for_a_time = shape.opens_clients and (task.pressure or task.duration is None)
    duration = task.pressure_time if for_a_time else task.duration
    return LoadSpec(
        shape=shape,
        concurrency=task.service.batch_size if shape.held_by_limit else NO_LIMIT,
        duration_ns=None if duration is None else int(duration),
        drain_ns=None if task.drain is None else int(task.drain),
        drop_when_full=task.on_full == "drop",
        seed=task.arrival_seed,
    )


def _shape(task: Task) -> LoadShape:
    service = task.service
    if task.load is not None:
        return task.load  # type: ignore[no-any-return]  # the config has made a shape of it
    if task.profile:
        return Profile(steps=task.profile, burstiness=service.traffic_cfg.burstiness)
    if service.use_timestamp:
        return Trace(speed=task.trace_speed)
    law = _law(task)
    if task.pressure:
        return Pressure(opening=law)
    return law or Concurrency()


def _law(task: Task) -> Constant | Ramp | None:
    """Of requests, or of the clients that pressure adds; None = all at once."""
    traffic, rate = task.service.traffic_cfg, float(task.service.request_rate)
    if traffic.ramp is not None:
        start, end = map(PositiveRate, traffic.ramp)
        return Ramp(start=start, end=end, strategy=traffic.ramp_up_strategy or "linear", burstiness=traffic.burstiness)
    return of_rate(rate, traffic.burstiness) if rate else None


def scheduled(samples: Iterable[tuple[int, Sample]], schedule: Schedule) -> Iterator[tuple[int, Sample, int]]:
    """Each numbered sample with its offset, ns; of a trace, as far as its time allows.

    DatasetError for a sample of a trace without a time stamp.
    """
    if schedule.offsets is not None:
        # One at a time: a list of them all would be as large as a run is long.
        return (
            (number, sample, int(offset)) for (number, sample), offset in zip(samples, schedule.offsets, strict=False)
        )
    if not schedule.timed_by_data:
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
