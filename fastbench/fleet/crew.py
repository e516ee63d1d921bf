"""How many workers a task has, and why."""

import os
from typing import NamedTuple

from fastbench.client.calibration import event_ns
from fastbench.config.plan import Task
from fastbench.datasets.dataset import Survey
from fastbench.errors import UsageError
from fastbench.fleet.asked import asked_of
from fastbench.load.schedule import NO_LIMIT, Schedule, make_schedule

GAP_NS = 10_000_000
"""What a fast service lets pass between two tokens of one stream, for the calculation."""
READ_NS = 8_000
"""CPU of one read with its share of the kernel's work, one event each, on the machine of the calibration."""
CALIBRATED_NS = 30
"""What `event_ns` was there."""
FEW = 100
"""So many streams one worker serves on any machine."""
BUSY = 0.5
"""A worker is to be busy for less than this share of the time: beyond it stamps come late."""


class Crew(NamedTuple):
    """The workers of a task. places: of the queue they share, None = without end. requests: of all of them, None = as
    many as the time allows. reasons: a sentence each."""

    workers: int
    shares_queue: bool
    places: int | None
    requests: int | None
    reasons: tuple[str, ...]


def crew_of(task: Task, survey: Survey) -> Crew:
    """As many as the task asks for, or as the load that it asks for needs. Raises UsageError for more than can be."""
    schedule = _schedule(task, survey)
    workers, reasons = (task.workers, ()) if isinstance(task.workers, int) else _automatic(schedule.limit)
    _check(workers, schedule, f"workers (--workers) is {workers}")
    closed = schedule.slots is not None
    return Crew(workers, workers > 1 and closed, schedule.total, _requests(task, survey, schedule), reasons)


def check_shares(shares: int, task: Task, survey: Survey, asked: str) -> None:
    """Raises UsageError where a share would have nothing in flight. asked: what asks for so many, in words."""
    _check(shares, _schedule(task, survey), asked)


def _check(shares: int, schedule: Schedule, asked: str) -> None:
    if shares > schedule.limit:
        raise UsageError(
            f"{asked}, but only {schedule.limit} requests may be in flight (--concurrency): each needs one at least"
        )


def _schedule(task: Task, survey: Survey) -> Schedule:
    return make_schedule(asked_of(task), survey.samples * task.service.repeats)


def _requests(task: Task, survey: Survey, schedule: Schedule) -> int | None:
    if survey.requests == survey.samples:
        return schedule.planned
    return None if schedule.duration_ns is not None else survey.requests * task.service.repeats


def _automatic(limit: int) -> tuple[int, tuple[str, ...]]:
    """One worker for as many streams as it can serve, by a short calibration; never more than half of the processors:
    the others are the kernel's and, often, the service's."""
    if limit <= FEW or limit >= NO_LIMIT:  # a run without a limit does not say how much it will be
        return 1, ()
    speed = event_ns() / CALIBRATED_NS
    streams = max(1, int(GAP_NS * BUSY / (READ_NS * speed)))
    most = max(1, len(os.sched_getaffinity(0)) // 2)
    workers = max(1, min(most, -(-limit // streams)))
    reason = (
        f"{workers} of at most {most} workers: {limit} in flight, and one worker serves {streams} streams of a token "
        f"each {GAP_NS // 1_000_000} ms on this machine ({speed:.2f} times the CPU of the one it was measured on)"
    )
    return workers, (reason,)
