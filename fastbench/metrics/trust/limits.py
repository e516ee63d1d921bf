"""How near what decides the verdict came to its limit: the same figures and limits as the verdict's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fastbench.metrics.model import Metrics, Number
from fastbench.metrics.samples.bounds import JUDGED_SHARE, LEAST_MS
from fastbench.metrics.trust.verdict import (
    DROPPED_SHARE,
    LATENESS_MS,
    LATENESS_SHARE,
    RAMP_MS,
    RAMP_SHARE,
    RATE_SHARE,
    SLOT_SHARE,
)


class Check(NamedTuple):
    """A figure and its limit. unit: ms, or "" for a share of 1. why: where the limit is from, a clause; what: of the
    figure."""

    name: str
    value: float
    limit: float
    unit: str
    what: str
    why: str

    @property
    def used(self) -> float:
        """The figure as a share of its limit."""
        return self.value / self.limit


def checks(metrics: Metrics, medians: Mapping[str, Number]) -> tuple[Check, ...]:
    """Those that a run of its kind has. medians: of TTFT, ITL and E2EL, ms, where there are any."""
    if not metrics.success:
        return ()
    parts = [*_latencies(metrics, medians)]
    parts += _open_loop(metrics, medians) if metrics.load.kind == "open" else _closed_loop(metrics, medians)
    return tuple(parts)


def _latencies(metrics: Metrics, medians: Mapping[str, Number]) -> Iterator[Check]:
    for name, off in metrics.effect.off_ms.items():
        median = medians.get(name)
        if median and "Median" in off:
            limit = max(JUDGED_SHARE * median, LEAST_MS)
            what = f"how far the median {name} may be off, as tokens were read late"
            yield Check(f"Median {name} off", off["Median"], limit, "ms", what, "1 % of it, at least 50 µs")


def _closed_loop(metrics: Metrics, medians: Mapping[str, Number]) -> Iterator[Check]:
    effect, median = metrics.effect, medians.get("E2EL")
    if effect.slot_share is not None:
        what = "the share of their time in which the client left its slots empty"
        yield Check("Slots left empty", effect.slot_share, SLOT_SHARE, "", what, "1 % of their time")
    if effect.own_ramp_ms is not None and median:
        limit = max(RAMP_MS, RAMP_SHARE * median)
        what = "how long the client took until all slots were in flight"
        yield Check("Start", effect.own_ramp_ms, limit, "ms", what, "10 % of the median E2EL, at least 50 ms")


def _open_loop(metrics: Metrics, medians: Mapping[str, Number]) -> Iterator[Check]:
    load, lateness = metrics.load, metrics.effect.lateness_ms
    if lateness is not None:
        limit = max(LATENESS_MS, LATENESS_SHARE * (medians.get("TTFT") or 0))
        what = "how late the client sent requests, P99"
        yield Check("Sent late", lateness, limit, "ms", what, "1 % of the median TTFT, at least 1 ms")
    if load.asked_rate and load.sent_rate:
        off = abs(load.sent_rate / load.asked_rate - 1)
        yield Check("Rate off", off, RATE_SHARE, "", "by how much the rate sent differs from the one asked", "1 %")
    if load.dropped:
        share = load.dropped / sum(metrics.outcomes.values())
        yield Check("Dropped", share, DROPPED_SHARE, "", "requests for which there was no place in flight", "0.1 %")
