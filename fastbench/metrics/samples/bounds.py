"""Error bounds of each latency statistic, from the recording's marks.

A mark says that some output events arrived up to a bound before their stamps. TTFT can only be shorter, TPOT longer by
its first event's bound. The gap before a marked event may be shorter, the one behind it longer; order statistics rise
with each sample, so those of all gaps at their shortest and at their longest enclose them. An average depends on the
first and the last event of each request alone: what one gap gains, the next one loses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.model import Interval, Number, Parameter
from fastbench.metrics.samples.gaps import moved
from fastbench.metrics.samples.latencies import US_PER_MS, e2el_ns, has_tpot, streamed_tokens, ttft_ns
from fastbench.metrics.samples.selection import Selection
from fastbench.metrics.samples.statistics import ArraySamples, statistics
from fastbench.units import NS_PER_MS, NS_PER_US

Bounds = dict[str, Interval]
"""By statistic: the least and the most that it can be, in ms; empty where no mark leaves any uncertain."""
AVERAGE = "Average"
JUDGED = ("Average", "Median", "P90")
"""Of a latency these decide on the verdict; others are marked where they are too uncertain."""
JUDGED_SHARE = 0.01
RARE_SHARE = 0.05
LEAST_MS = 0.05
"""Less uncertainty than this never counts."""


def e2el_bounds(selection: Selection, names: Sequence[str]) -> Bounds:
    """Of these statistics of E2EL."""
    edges = selection.edges
    if not edges.end.any():
        return {}
    high = e2el_ns(selection.ok)
    low = high.copy()
    low[selection.streamed_mask[selection.ok_mask]] -= edges.end
    return _between(np.maximum(low, 0), high, names)


def ttft_bounds(selection: Selection, names: Sequence[str]) -> Bounds:
    """Of these statistics of TTFT."""
    edges = selection.edges
    if not edges.first.any():
        return {}
    high = ttft_ns(selection.streamed)
    return _between(np.maximum(high - edges.first, 0), high, names)


def tpot_bounds(selection: Selection, names: Sequence[str]) -> Bounds:
    """Of these statistics of TPOT."""
    several = has_tpot(selection.streamed)
    first, end = selection.edges.first[several], selection.edges.end[several]
    if not first.any() and not end.any():
        return {}
    rows = selection.streamed[several]
    spent, tokens = e2el_ns(rows) - ttft_ns(rows), streamed_tokens(rows) - 1
    return _between(np.maximum(spent - end, 0) / tokens, (spent + first) / tokens, names)


def itl_bounds(selection: Selection, names: Sequence[str]) -> Bounds:
    """Of these statistics of ITL. RecordingError where marks do not fit their events."""
    if not selection.gaps.size or not selection.streamed["marks"].any():
        return {}
    by_rank = [name for name in names if name != AVERAGE]
    least, most = moved(selection.recording, selection.gaps, selection.runs)
    found = _intervals(statistics(least, by_rank, US_PER_MS), statistics(most, by_rank, US_PER_MS))
    if AVERAGE in names:
        found[AVERAGE] = _average_itl(selection)
    return found


def _average_itl(selection: Selection) -> Interval:
    rows, edges, gaps = selection.streamed, selection.edges, selection.gaps
    several = rows["events"] > 1
    spans = (rows["last_token_ns"] - rows["first_token_ns"])[several]
    less = int(np.minimum(edges.last[several], spans).sum()) / NS_PER_US
    more = int(edges.first[several].sum()) / NS_PER_US
    unit = gaps.size * US_PER_MS
    return (gaps.total - less) / unit, (gaps.total + more) / unit


def _between(low: NDArray[Any], high: NDArray[Any], names: Sequence[str]) -> dict[str, Interval]:
    """Of samples in ns, each at its least and at its most."""
    return _intervals(*(statistics(ArraySamples(values), names, NS_PER_MS) for values in (low, high)))


def _intervals(low: Mapping[str, Number], high: Mapping[str, Number]) -> dict[str, Interval]:
    pairs = ((name, low[name], high[name]) for name in low)
    return {name: (least, most) for name, least, most in pairs if least is not None and most is not None}


def unsure(row: Parameter) -> tuple[str, ...]:
    """The statistics of a latency that may be off by more than they may."""
    # A bound at the limit is not beyond it, however floats differ in their last bits.
    return tuple(name for name in row.bounds if off_ms(row, name) > _allowed_ms(row, name) * (1 + 1e-9))


def off_ms(row: Parameter, name: str) -> float:
    """By how much a statistic may be off at most."""
    value = row.values[name] or 0.0
    low, high = row.bounds.get(name, (value, value))
    return max(value - low, high - value)


def _allowed_ms(row: Parameter, name: str) -> float:
    share = JUDGED_SHARE if name in JUDGED else RARE_SHARE
    return max(share * (row.values[name] or 0), LEAST_MS)
