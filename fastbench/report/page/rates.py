"""What went on in each stretch of a run: tokens and requests, and how many were in flight."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.selection import OK, Rows, Selection, output_tokens
from fastbench.metrics.timeline import arrivals
from fastbench.recording.format import OUTCOMES
from fastbench.report.page.packing import pack
from fastbench.units import NS_PER_US

MOST_STRETCHES = 20_000
LEAST_WIDTH_US = 1_000
DROPPED = OUTCOMES.index("dropped")


def rates(whole: Selection, rows: Rows, tokens_per_event: float | None) -> dict[str, Any]:
    """Counts in stretches of equal width since the first request was sent.

    rows: those that were sent and ended, at least one. width, duration: µs. tokens: output events, `per_event` tokens
    each; without a stream the tokens of the requests that ended. sent, ended, failed: requests. dropped: those that
    were never sent, when each was to be.
    """
    origin = int(rows["sent_ns"].min())
    dropped = whole.final["intended_ns"][whole.final["outcome"] == DROPPED]
    last = max(int(rows["end_ns"].max()), int(dropped.max(initial=0)))
    duration_us = -(-(last - origin) // NS_PER_US)
    width_us = round_width(duration_us)
    bins = duration_us // width_us + 1

    def counted(moments: NDArray[np.int64], weights: NDArray[np.int64] | None = None) -> dict[str, Any]:
        return pack(np.bincount((moments - origin) // (width_us * NS_PER_US), weights, bins))

    ok = whole.ok
    if whole.is_stream:
        tokens = pack(arrivals(whole.recording, whole.streamed_mask, origin, width_us * NS_PER_US, bins))
    else:
        tokens = counted(ok["end_ns"], output_tokens(ok))
    failed = rows[rows["outcome"] != OK]
    return {
        "width": width_us,
        "duration": duration_us,
        "tokens": tokens,
        "per_event": tokens_per_event if whole.is_stream and tokens_per_event else 1,
        "sent": counted(rows["sent_ns"]),
        "ended": counted(ok["end_ns"]),
        "failed": counted(failed["end_ns"]),
        # The first ones may have been due before anything was sent.
        "dropped": counted(np.maximum(dropped, origin)),
    }


def round_width(duration_us: int) -> int:
    """The least of 1, 2, 5, 10, … ms that cuts a duration into at most 20,000 stretches."""
    width = LEAST_WIDTH_US
    for factor in _factors():
        width = LEAST_WIDTH_US * factor
        if duration_us // width < MOST_STRETCHES:
            break
    return width


def _factors() -> list[int]:
    return [digit * 10**power for power in range(12) for digit in (1, 2, 5)]
