"""How far each statistic of the latencies may be off, by the recording's marks.

A mark says that some output events arrived up to a bound before their stamps. TTFT can only be shorter, TPOT longer by
its first event's bound. The gap before a marked event may be shorter, the one behind it longer; order statistics rise
with each sample, so those of all gaps at their shortest and at their longest enclose them. An average depends on the
first and the last event of each request alone: what one gap gains, the next one loses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.gaps import GapSamples
from fastbench.metrics.model import Interval, Number
from fastbench.metrics.moved import moved
from fastbench.metrics.parameters import US_PER_MS, e2el_ns, has_tpot, streamed_tokens, ttft_ns
from fastbench.metrics.selection import Selection
from fastbench.metrics.statistics import ArraySamples, statistics
from fastbench.recording.table import TokenRun
from fastbench.units import NS_PER_MS, NS_PER_US

Bounds = dict[str, dict[str, Interval]]
"""By row and statistic: the least and the most that it can be, in ms."""
AVERAGE = "Average"


class _Edges(NamedTuple):
    """(streamed rows,) int64 ns: by how much the first event, the last one and the end may be earlier."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    end: NDArray[np.int64]


def bounds(selection: Selection, gaps: GapSamples, runs: Sequence[TokenRun], names: Sequence[str]) -> Bounds:
    """Of these statistics of TTFT, TPOT, ITL and E2EL, as far as marks leave them uncertain. gaps, runs: of the
    selection. RecordingError where marks do not fit their events."""
    if not selection.streamed["marks"].any():
        return {}
    edges = _edges(selection)
    found = {
        "E2EL": _e2el(selection, edges, names),
        "TTFT": _ttft(selection, edges, names),
        "TPOT": _tpot(selection, edges, names),
        "ITL": _itl(selection, gaps, runs, edges, names),
    }
    return {row: values for row, values in found.items() if values}


def _edges(selection: Selection) -> _Edges:
    rows, marks = selection.streamed, selection.recording.all_marks
    # Looked up, not copied: there may be as many marks as a tenth of the gaps.
    stops = np.cumsum(selection.rows["marks"], dtype=np.int64)[selection.streamed_mask]
    marked = rows["marks"] > 0
    head, tail = marks[(stops - rows["marks"])[marked]], marks[stops[marked] - 1]
    is_last = tail["event"].astype(np.int64) + tail["count"] == rows["events"][marked]
    first, last = np.zeros((2, rows.size), np.int64)
    first[marked] = np.where(head["event"] == 0, head["bound_us"], 0).astype(np.int64) * NS_PER_US
    last[marked] = np.where(is_last, tail["bound_us"], 0).astype(np.int64) * NS_PER_US
    # Where the end came in the last event's read, that read's one stamp may be that of what followed.
    return _Edges(first, last, np.where(rows["end_ns"] == rows["last_token_ns"], last, 0))


def _e2el(selection: Selection, edges: _Edges, names: Sequence[str]) -> dict[str, Interval]:
    if not edges.end.any():
        return {}
    high = e2el_ns(selection.ok)
    low = high.copy()
    low[selection.streamed_mask[selection.ok_mask]] -= edges.end
    return _between(np.maximum(low, 0), high, names)


def _ttft(selection: Selection, edges: _Edges, names: Sequence[str]) -> dict[str, Interval]:
    if not edges.first.any():
        return {}
    high = ttft_ns(selection.streamed)
    return _between(np.maximum(high - edges.first, 0), high, names)


def _tpot(selection: Selection, edges: _Edges, names: Sequence[str]) -> dict[str, Interval]:
    several = has_tpot(selection.streamed)
    first, end = edges.first[several], edges.end[several]
    if not first.any() and not end.any():
        return {}
    rows = selection.streamed[several]
    spent, tokens = e2el_ns(rows) - ttft_ns(rows), streamed_tokens(rows) - 1
    return _between(np.maximum(spent - end, 0) / tokens, (spent + first) / tokens, names)


def _itl(
    selection: Selection, gaps: GapSamples, runs: Sequence[TokenRun], edges: _Edges, names: Sequence[str]
) -> dict[str, Interval]:
    if not gaps.size:
        return {}
    by_rank = [name for name in names if name != AVERAGE]
    least, most = moved(selection.recording, gaps, runs)
    found = _intervals(statistics(least, by_rank, US_PER_MS), statistics(most, by_rank, US_PER_MS))
    if AVERAGE in names:
        found[AVERAGE] = _average_itl(selection, gaps, edges)
    return found


def _average_itl(selection: Selection, gaps: GapSamples, edges: _Edges) -> Interval:
    rows = selection.streamed
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
