"""What a run tells of itself while it goes on, of several workers together."""

from typing import Any

import numpy as np
import pytest

from fastbench._core.counts import Hdr
from fastbench.live.progress import Progress, Recent, latency_counts, merge_progress
from fastbench.units import NS_PER_S as S


def progress(phase: str, **more: Any) -> Progress:
    """Of one worker."""
    fields: dict[str, Any] = {
        "planned": 10,
        "duration_ns": None,
        "sent": 5,
        "in_flight": 2,
        "ok": 2,
        "failed": 1,
        "output_events": 40,
        "elapsed_ns": S,
        "stopping": 0,
        "failures": {"timeout": 1},
        "recent": Recent([[100, 3]], [], [[7, 1]], 1, [[50, 3]], [[9, 3]], 40, 20),
    }
    return Progress(phase, **(fields | more))


def test_workers_together() -> None:
    """Counts, failures and what happened lately add up; the task has ended when each worker has."""
    both = merge_progress(
        [
            progress("measure", elapsed_ns=2 * S, ended=True, pid=7),
            progress("measure", failures={"timeout": 1, "reset": 2}, failed=3, stopping=1, pid=8),
        ]
    )
    assert (both.planned, both.sent, both.in_flight, both.ok, both.failed) == (20, 10, 4, 4, 4)
    assert both.failures == {"timeout": 2, "reset": 2}
    assert (both.elapsed_ns, both.stopping, both.ended, both.pid) == (2 * S, 1, False, 7)
    assert both.recent == Recent([[100, 6]], [], [[7, 2]], 2, [[50, 6]], [[9, 6]], 80, 40)


def test_workers_apart() -> None:
    """While one worker still warms up, that is what the task does; what has no plan has none together."""
    assert merge_progress([progress("measure", sent=9), progress("warm-up", sent=1)]).sent == 1
    assert merge_progress([progress("measure", planned=None), progress("measure")]).planned is None


def test_percentiles_keep_two_digits() -> None:
    """The layout tells a latency to 1 %."""
    counts = latency_counts()
    counts.record_values(np.arange(1, 100_001))
    assert counts.value_at_percentile(99) == pytest.approx(99_000, rel=0.01)
    assert isinstance(counts, Hdr)
