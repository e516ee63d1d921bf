"""How near what decides the verdict came to its limit: the same figures and limits as the verdict's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fastbench.metrics.model import Metrics, Number
from fastbench.metrics.own import TTFT
from fastbench.metrics.samples.bounds import JUDGED, JUDGED_SHARE, LEAST_MS, off_ms
from fastbench.metrics.trust.verdict import (
    DROPPED_SHARE,
    RAMP_MS,
    RAMP_SHARE,
    RATE_SHARE,
    SLOT_SHARE,
)
from fastbench.units import quantity, share
from fastbench.verdict_limits import LATENESS_SHARE, lateness_limit_ms


class Check(NamedTuple):
    """A figure and its limit. unit: ms, or "" for a share of 1. what: a clause with {} in the figure's place; why:
    where the limit is from."""

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

    @property
    def shown(self) -> tuple[str, str]:
        """Figure and limit as texts."""
        value, limit = (quantity(one, self.unit) if self.unit else share(one) for one in (self.value, self.limit))
        return value, limit

    @property
    def told(self) -> str:
        """The figure in a clause, with its limit."""
        value, limit = self.shown
        return f"{self.what.format(value)} (limit {limit})"


def checks(metrics: Metrics, medians: Mapping[str, Number]) -> tuple[Check, ...]:
    """Those that a run of its kind has. medians: of TTFT, ITL and E2EL, ms, where there are any."""
    if not metrics.success:
        return ()
    parts = [*_latencies(metrics, medians)]
    parts += _open_loop(metrics, medians) if metrics.load.kind == "open" else _closed_loop(metrics, medians)
    return tuple(parts)


def reach_ms(metrics: Metrics) -> float | None:
    """Where a run is INVALID for nothing but that its own times are short: how long times have to be, ms, for what the
    client left uncertain to be within its limits. None where it is VALID, or anything else is wrong."""
    off = [off_ms(row, name) for row in metrics.parameters for name in JUDGED if name in row.unsure]
    ttft = next((row.values.get("Median") for row in metrics.parameters if row.name == TTFT.name), None)
    late = metrics.effect.lateness_ms if metrics.load.kind == "open" else None
    sent_late = late is not None and late > lateness_limit_ms(ttft)
    if metrics.verdict.valid or len(metrics.verdict.reasons) != bool(off) + sent_late:
        return None
    reached = max(off, default=0.0) / JUDGED_SHARE
    return max(reached, late / LATENESS_SHARE) if late is not None and sent_late else reached


def _latencies(metrics: Metrics, medians: Mapping[str, Number]) -> Iterator[Check]:
    for name, off in metrics.effect.off_ms.items():
        median = medians.get(name)
        if median and "Median" in off:
            limit = max(JUDGED_SHARE * median, LEAST_MS)
            what = f"the median {name} may be off by {{}}"
            yield Check(f"Median {name} off", off["Median"], limit, "ms", what, "1 % of it, at least 50 µs")


def _closed_loop(metrics: Metrics, medians: Mapping[str, Number]) -> Iterator[Check]:
    effect, median = metrics.effect, medians.get("E2EL")
    if effect.slot_share is not None:
        what = "slots stood empty for {} of the time"
        yield Check("Slots left empty", effect.slot_share, SLOT_SHARE, "", what, "1 % of their time")
    if effect.own_ramp_ms is not None and median:
        limit = max(RAMP_MS, RAMP_SHARE * median)
        what = "the client took {} to fill all slots"
        yield Check("Start", effect.own_ramp_ms, limit, "ms", what, "10 % of the median E2EL, at least 50 ms")


def _open_loop(metrics: Metrics, medians: Mapping[str, Number]) -> Iterator[Check]:
    load, lateness = metrics.load, metrics.effect.lateness_ms
    if lateness is not None:
        limit = lateness_limit_ms(medians.get("TTFT"))
        what = "requests were sent {} late at P99"
        yield Check("Sent late", lateness, limit, "ms", what, "1 % of the median TTFT, at least 1 ms")
    if load.asked_rate and load.sent_rate:
        off = abs(load.sent_rate / load.asked_rate - 1)
        yield Check("Rate off", off, RATE_SHARE, "", "the rate sent differs by {} from the one asked", "1 %")
    if load.dropped:
        dropped = load.dropped / sum(metrics.outcomes.values())
        what = "{} of the requests were dropped, as there was no place in flight"
        yield Check("Dropped", dropped, DROPPED_SHARE, "", what, "0.1 %")
