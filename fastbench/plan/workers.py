"""How many workers a task has, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from fastbench.errors import UsageError
from fastbench.plan.shapes import NO_LIMIT, Schedule

GAP_NS = 10_000_000
"""What a fast service lets pass between two tokens of one stream, for the calculation."""
READ_NS = 8_000
"""CPU of one read with its share of the kernel's work, one event each, on the machine of the calibration."""
CALIBRATED_NS = 30
"""What `Machine.event_ns` was there."""
FEW = 100
"""So many streams one worker serves on any machine."""
BUSY = 0.5
"""A worker is to be busy for less than this share of the time: beyond it stamps come late."""


class Machine(NamedTuple):
    """Where the workers run. processors: that this process may use. event_ns: CPU of parsing one output event there,
    ns; asked only where it matters, as it takes some milliseconds."""

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
            f"{asked}, but only {schedule.limit} requests may be in flight (--concurrency): each needs one at least"
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
