"""Whether the load that was asked for went out, and when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.common import max_concurrency
from fastbench.metrics.model import Load, Quantity
from fastbench.metrics.selection import Rows, Selection, section
from fastbench.metrics.statistics import ArraySamples, statistics
from fastbench.recording.format import FLAGS
from fastbench.units import NS_PER_MS, NS_PER_S

STATS = ("Average", "Min", "Median", "P90", "P99", "Max")


def load(selection: Selection, dropped: int) -> Load:
    """The load of the stage. dropped: requests never sent because the limit in flight was reached."""
    final, ok, streamed = selection.final, selection.ok, selection.streamed
    asked = section(selection.header, "load")
    rate = asked.get("rate")
    kind = str(asked.get("kind", "closed"))
    sent = final[final["sent_ns"] > 0]
    planned = final[final["intended_ns"] > 0]
    return Load(
        kind=kind,
        peak_concurrency=peak_concurrency(sent),
        max_concurrency=max_concurrency(selection),
        asked_rate=float(rate) if isinstance(rate, int | float) else None,
        offered_rate=_rate(planned["intended_ns"]) if kind == "open" else None,
        achieved_rate=_rate(sent["sent_ns"]),
        send_lateness=_since_intended(sent, "sent_ns"),
        response_time=_since_intended(ok, "end_ns"),
        ttft_from_intended=_since_intended(streamed, "first_token_ns"),
        dropped=dropped,
        resent_requests=int(np.count_nonzero(final["flags"] & FLAGS["resent"])),
        retried_requests=int(np.count_nonzero(final["attempt"])),
        failed_attempts=selection.failed_attempts,
    )


def peak_concurrency(rows: Rows) -> int:
    """The highest number of requests between their first byte sent and their end, at any moment."""
    ended = rows[rows["end_ns"] > 0]
    starts, ends = np.sort(ended["sent_ns"]), np.sort(ended["end_ns"])
    # At each start: those begun by then, less those that had ended; one that ends at that moment has left.
    in_flight = np.arange(1, starts.size + 1) - np.searchsorted(ends, starts, side="right")
    return int(in_flight.max(initial=0))


def _since_intended(rows: Rows, moment: str) -> Quantity:
    rows = rows[rows["intended_ns"] > 0]
    samples = ArraySamples(rows[moment] - rows["intended_ns"])
    return Quantity("ms", samples.size, statistics(samples, STATS, NS_PER_MS))


def _rate(moments_ns: NDArray[np.int64]) -> float | None:
    """req/s: intervals over the time that they span; None for fewer than two moments."""
    span = int(moments_ns.max() - moments_ns.min()) if moments_ns.size > 1 else 0
    return (moments_ns.size - 1) * NS_PER_S / span if span else None
