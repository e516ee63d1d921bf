"""The progress of a run line by line, for where there is no screen to draw on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fastbench.dashboard.files import StatusFiles, run_is_over
from fastbench.dashboard.snapshot import Snapshot, Status
from fastbench.dashboard.table import counts, extent
from fastbench.dashboard.texts import clock, number

EVERY_S = 10.0


def follow(run: Path, say: Callable[[str], None], over: Callable[[float], bool]) -> list[Snapshot]:
    """Says how far each task is whenever it has come further, until the run is over; returns its last state.

    over: waits so many seconds, and says whether nobody wants to hear more. Raises UsageError for what is no run.
    """
    files, said = StatusFiles(run), dict[str, str]()
    while True:
        snapshots = files.read()
        for snapshot in snapshots:
            text = line(snapshot)
            if snapshot.status is not Status.NOT_START and said.get(snapshot.task) != text:
                said[snapshot.task] = text
                say(f"{_stamp()} {text}")
        if run_is_over(snapshots) or over(EVERY_S):
            return snapshots


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
