"""What a run tells of itself while it goes on."""

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fastbench.client.engine import Engine
from fastbench.load.recent import NOTHING, Recent, added


class Progress(NamedTuple):
    """One phase of load at one moment: of one worker, or of several together."""

    phase: str
    """"warm-up" or "measure"."""
    planned: int | None
    """Requests; None = as many as the time allows."""
    duration_ns: int | None
    """How long requests begin; None = until all have begun."""
    sent: int
    in_flight: int
    ok: int
    failed: int
    output_events: int
    elapsed_ns: int
    stopping: int
    """How often the user asked to stop."""
    failures: dict[str, int]
    """The failed ones by outcome."""
    recent: Recent = NOTHING
    ended: bool = False
    """Whether the phase is over."""
    pid: int = 0
    """The process that sends."""
    not_sent: int = 0
    """Dropped: the limit in flight was reached."""
    is_open: bool = False
    """Whether requests go out by a plan, however many are in flight."""


Observer = Callable[[Progress], None]


def progress_of(
    engine: Engine,
    phase: str,
    planned: int | None,
    duration_ns: int | None,
    stopping: int,
    recent: Recent = NOTHING,
    *,
    ended: bool = False,
    is_open: bool = False,
) -> Progress:
    """The engine's counters as progress."""
    now = engine.snapshot()
    ok = now["outcomes"]["ok"]
    # What was never sent neither went out nor failed: it has no part in how fast the load goes.
    outcomes = Counter(now["outcomes"]) - Counter(cancelled=now["unsent"])
    failures = {name: count for name, count in outcomes.items() if name not in ("ok", "dropped")}
    return Progress(
        phase=phase,
        planned=planned,
        duration_ns=duration_ns,
        sent=now["sent"],
        in_flight=now["in_flight"],
        ok=ok,
        failed=sum(failures.values()),
        output_events=now["output_events"],
        elapsed_ns=max(0, time.monotonic_ns() - engine.start_ns) if engine.start_ns else 0,
        stopping=stopping,
        failures=failures,
        recent=recent,
        ended=ended,
        pid=os.getpid(),
        not_sent=outcomes["dropped"],
        is_open=is_open,
    )


def together(parts: Sequence[Progress]) -> Progress:
    """The progress of a task that several workers share, from the last word of each; at least one.

    The phase is that of the worker that is least far; what others did in a further one counts when all are in it.
    """
    phase = "warm-up" if any(part.phase == "warm-up" for part in parts) else parts[0].phase
    parts = [part for part in parts if part.phase == phase]
    failures: Counter[str] = Counter()
    for part in parts:
        failures.update(part.failures)
    return Progress(
        phase=phase,
        planned=_sum_or_none([part.planned for part in parts]),
        duration_ns=parts[0].duration_ns,
        sent=sum(part.sent for part in parts),
        in_flight=sum(part.in_flight for part in parts),
        ok=sum(part.ok for part in parts),
        failed=sum(part.failed for part in parts),
        output_events=sum(part.output_events for part in parts),
        elapsed_ns=max(part.elapsed_ns for part in parts),
        stopping=max(part.stopping for part in parts),
        failures=dict(failures),
        recent=added(part.recent for part in parts),
        ended=all(part.ended for part in parts),
        pid=parts[0].pid,
        not_sent=sum(part.not_sent for part in parts),
        is_open=parts[0].is_open,
    )


def _sum_or_none(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
