"""What a run tells of itself while it goes on."""

import time
from collections.abc import Callable
from typing import NamedTuple

from fastbench.client.engine import Engine


class Progress(NamedTuple):
    """One phase of load at one moment."""

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


Observer = Callable[[Progress], None]


def progress_of(engine: Engine, phase: str, planned: int | None, duration_ns: int | None, stopping: int) -> Progress:
    """The engine's counters as progress."""
    now = engine.snapshot()
    ok = now["outcomes"]["ok"]
    return Progress(
        phase=phase,
        planned=planned,
        duration_ns=duration_ns,
        sent=now["sent"],
        in_flight=now["in_flight"],
        ok=ok,
        failed=sum(now["outcomes"].values()) - ok,
        output_events=now["output_events"],
        elapsed_ns=max(0, time.monotonic_ns() - engine.start_ns) if engine.start_ns else 0,
        stopping=stopping,
    )
