"""What a recording leaves to be sent of its task."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastbench.config import Task
from fastbench.datasets import Dataset
from fastbench.errors import UsageError
from fastbench.plan import Remainder, Requests, TaskPlan, begins_at
from fastbench.plan.shapes import Schedule
from fastbench.recording import NOT_FINAL, OUTCOMES, Recording, has_writer, part_number, part_paths

CANCELLED = OUTCOMES.index("cancelled")


def remainder_of(plan: TaskPlan, directory: Path, dataset: Dataset) -> Remainder | None:
    """The requests of `plan` that have no outcome in the recording, or that the user's stop cancelled; None = it has
    all there is to have.

    Raises UsageError where they cannot be sent by themselves, or while the recording has a writer.
    """
    task = plan.task
    paths = part_paths(directory)
    if any(map(has_writer, paths)):
        raise UsageError(f"--reuse: the run is still going, the recording {directory} has a writer at work")
    recording = Recording.open(directory)
    if _is_share(recording):
        raise _cannot(task, "is one share of a plan (--shard)", "the other shares are not here; merge them first")
    rows = recording.rows[recording.rows["flags"] & NOT_FINAL == 0]
    ended = rows[rows["outcome"] != CANCELLED]
    planned = recording.header.get("load", {}).get("planned")
    if planned is None:
        if recording.footer is not None and not recording.footer.get("interrupted"):
            return None
        raise _cannot(task, "was to send for a time (duration, pressure or profile)", "the rest of it is gone")
    ratio = float(recording.header.get("tokens_per_word", 1.0))
    if planned != plan.requests:
        raise UsageError(
            f"--reuse: {task.name} has {plan.requests} requests now, and had {planned}: the data set has "
            "changed since; give it as it was, or leave --reuse out"
        )
    places = np.setdiff1d(np.arange(planned), ended["request"])
    if not places.size:
        return None
    if plan.has_turns or ended["session"].any():
        raise _cannot(task, "is of conversations", "what was said before is not there to go on from")
    requests = Requests(plan.changed(tokens_per_word=ratio), dataset)
    since_ns = _offset(int(places[0]), plan.schedule, requests)
    return Remainder(
        places=places,
        since_ns=since_ns,
        leg=recording.legs,
        part=1 + max(part_number(path) for path in paths),
        resumes_ns=_resumes_ns(recording, rows, plan.schedule, requests, since_ns),
        tokens_per_word=ratio,
    )


def _cannot(task: Task, what: str, why: str) -> UsageError:
    return UsageError(f"--reuse cannot continue {task.name}: it {what}, and {why}; leave --reuse out to measure anew")


def _is_share(recording: Recording) -> bool:
    """Whether others, on other hosts, had the rest of the plan: their clocks were compared, and they are not here."""
    shares = [part.header.get("share") or {} for part in recording.parts if "clock" in part.header]
    of = max((int(share.get("of", 1)) for share in shares), default=0)
    return len({share.get("number") for share in shares}) < of


def _offset(place: int, schedule: Schedule, requests: Requests) -> int:
    """When a request was to begin, since the plan's start; 0 in a closed loop."""
    if schedule.offsets is not None:
        return int(schedule.offsets[place])
    if not schedule.timed_by_data:
        return 0
    ((_, sample),) = requests.numbered([place])
    return begins_at(sample, schedule)


def _resumes_ns(
    recording: Recording, rows: NDArray[np.void], schedule: Schedule, requests: Requests, since_ns: int
) -> int:
    """Where the rest begins on the recording's axis: an open loop's goes on where the plan has it, a closed loop's
    follows on the last moment."""
    timed = rows[rows["intended_ns"] > 0]
    if not timed.size:
        return int(recording.header.get("mono_ns", 0))
    if schedule.slots is not None:
        return int(rows["end_ns"].max())
    first = timed[np.argmin(timed["intended_ns"])]
    return int(first["intended_ns"]) - _offset(int(first["request"]), schedule, requests) + since_ns
