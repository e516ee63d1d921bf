"""How far the client itself may be wrong: its lag, its stalls, and the gaps that they blurred."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench._core.hdr import Hdr
from fastbench.errors import RecordingError
from fastbench.metrics.model import ClientError, Quantity
from fastbench.metrics.selection import Selection, flagged
from fastbench.metrics.stalls import Stalls, begin_ns
from fastbench.units import NS_PER_MS, NS_PER_S, NS_PER_US

NOTABLE_SHARE = 0.01
"""A gap's uncertainty is worth a word above this share of the ITL median."""


def client_error(selection: Selection, gap_count: int, itl_median_us: float | None) -> ClientError:
    """The client's error over the whole run, and over the stage's gaps. itl_median_us: None without gaps."""
    health = selection.recording.health
    begin = begin_ns(selection)
    stalls_ns = Stalls.of(selection).lengths_ns
    marks = selection.marks()
    # The first event has no gap before it: its stamp is the TTFT's end.
    from_first = marks["event"] == 0
    gaps = np.maximum(marks["count"].astype(np.int64) - from_first, 0)
    notable = marks["bound_us"] > NOTABLE_SHARE * (itl_median_us or 0)
    uncertain, notable_gaps = int(gaps.sum()), int(gaps[notable].sum())
    streamed = selection.streamed
    under_load = [record for record in health if int(record.get("t_ns", 0)) > begin]
    real_time_ns = _sum(under_load, "real_time_ns")
    scheduled_ns = real_time_ns + _sum(under_load, "ordinary_ns")
    return ClientError(
        stamps=str(selection.header.get("stamps", "unknown")),
        kernel_stamp_share=_share(int(np.count_nonzero(flagged(streamed, "kernel"))), streamed.size),
        reads=_sum(health, "reads"),
        unstamped_reads=_sum(health, "unstamped_reads"),
        lag=lag(health),
        stalls=len(stalls_ns),
        stall_longest_ms=max(stalls_ns, default=0) / NS_PER_MS,
        stall_total_ms=sum(stalls_ns) / NS_PER_MS,
        starved=int(np.count_nonzero(flagged(selection.final, "starved"))),
        starved_turns=_sum(health, "starved"),
        uncertain_gaps=uncertain,
        uncertain_gap_share=_share(uncertain, gap_count),
        notable_gaps=notable_gaps,
        notable_gap_share=_share(notable_gaps, gap_count),
        bound_max_ms=_ms(marks["bound_us"]),
        uncertain_ttfts=int(np.count_nonzero(from_first)),
        ttft_bound_max_ms=_ms(marks["bound_us"][from_first]),
        clipped_requests=int(np.count_nonzero(flagged(streamed, "clipped"))),
        cpu_s=_sum(health, "cpu_ns") / NS_PER_S,
        real_time_share=_share(real_time_ns, scheduled_ns),
        busy_share=_share(_sum(under_load, "cpu_ns"), scheduled_ns),
    )


def lag(health: Iterable[dict[str, Any]]) -> Quantity:
    """From a read's arrival until the client noticed it, over these states."""
    counts = Hdr()
    for record in health:
        try:
            counts.add_sparse(record.get("lag", ()))
        except ValueError as error:
            raise RecordingError(f"the recording's health cannot be read: {error}") from error
    if not counts.total:
        return Quantity("us", 0, dict.fromkeys(("Median", "P99", "Max")))
    values = {"Median": counts.value_at_percentile(50), "P99": counts.value_at_percentile(99), "Max": counts.maximum}
    return Quantity("us", counts.total, {name: value / NS_PER_US for name, value in values.items()})


def _ms(bounds_us: NDArray[np.uint32]) -> float:
    """The greatest bound in ms."""
    return int(bounds_us.max(initial=0)) * NS_PER_US / NS_PER_MS


def _sum(health: list[dict[str, Any]], name: str) -> int:
    return sum(int(record.get(name, 0)) for record in health)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
