"""The progress of a run line by line, for where there is no screen to draw on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from fastbench.live.files import Snapshot, Status, StatusFiles, run_is_over
from fastbench.live.texts import clock, counts, extent, number

EVERY_S = 10.0
"""Between two lines of a task whose status stays."""
LOOK_S = 1.0


def follow(run: Path, say: Callable[[str], None], over: Callable[[float], bool]) -> None:
    """Says how far each task is: when its status changes, and now and then; returns when the run is over.

    over: waits so many seconds, and says whether nobody wants to hear more. Raises UsageError for what is no run.
    """
    files, reported = StatusFiles(run), dict[str, _Reported]()
    while True:
        snapshots = files.read()
        for snapshot in snapshots:
            now = _Reported(snapshot.status, time.monotonic())
            last = reported.get(snapshot.task, _Reported(Status.NOT_START, now.at))
            if now.status is not last.status or (now.status.active and now.at - last.at >= EVERY_S):
                reported[snapshot.task] = now
                say(f"{_stamp()} {line(snapshot)}")
        if run_is_over(snapshots) or over(LOOK_S):
            return


class _Reported(NamedTuple):
    """The last line about a task."""

    status: Status
    at: float


def line(snapshot: Snapshot) -> str:
    """How far one task is."""
    done, total = extent(snapshot)
    unit = " s" if snapshot.planned is None and total is not None else ""
    parts = [
        snapshot.status.value,
        f"{done}{unit}" if total is None else f"{done}/{total}{unit}",
        " ".join(f"{name}={count}" for name, count in counts(snapshot).items()),
    ]
    if snapshot.status is Status.INFERENCING:
        parts += [f"{snapshot.in_flight:,} in flight", f"{number(snapshot.events_per_s)} output events/s"]
        if snapshot.to_go_ns is not None:
            parts.append(f"about {clock(snapshot.to_go_ns)} to go")
    return f"{snapshot.task}: {', '.join(parts)}"


def _stamp() -> str:
    now = time.time()
    return f"[{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))},{int(now * 1000) % 1000:03}] [fastbench] [INFO]"
