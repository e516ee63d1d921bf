"""The 95 % intervals of a report's averages and percentiles, by blocks of time.

Of what each request has one of: order statistics at as many requests as tell as much independent ones. Of gaps: the
share of gaps up to the percentile scatters from block to block; its variance tells how many independent gaps they are
worth, and the order statistics of so many give the interval. Source: Woodruff, "Confidence intervals for medians and
other position measures", J. Am. Stat. Assoc. 47 (1952), with the variance of a ratio over clusters of Kish, "Survey
Sampling" (1965).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from fastbench.answers.statistics import (
    Interval,
    blocks_of,
    cut,
    design_effect,
    mean_interval,
    mean_variance,
    normal_quantile,
    percentile_places,
    ratio_interval,
    student_quantile,
)
from fastbench.metrics import ITL, OWN_METRICS, Computed, Metric, Parameter, Rows, Selection
from fastbench.metrics.samples import Mask, count_groups, percent_of

MOST_GAPS = 20_000_000
"""Of more gaps those of some requests, evenly spread, tell how they scatter: the interval is a little wider then."""
MOST_BLOCKS = 48
"""Of gaps, which are counted block by block."""
_AVERAGE = "Average"
_SURE = 0.975

Floats = NDArray[np.float64]


class Found(NamedTuple):
    """Intervals by statistic, in the unit of the samples; of how many blocks of time, 0: too short to tell."""

    intervals: Mapping[str, Interval]
    blocks: int


NOTHING = Found({}, 0)


class Times(NamedTuple):
    """When some successful requests were sent, and how long they took; (requests,) each."""

    sent_ns: NDArray[np.int64]
    took_ns: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Rows) -> Times:
        """Of rows."""
        sent = np.ascontiguousarray(rows["sent_ns"])
        return cls(sent, rows["end_ns"] - sent)

    def some(self, mask: Mask) -> Times:
        """Of some of them."""
        return Times(self.sent_ns[mask], self.took_ns[mask])

    @property
    def mean_ns(self) -> float:
        """How long they took on average."""
        return float(self.took_ns.mean())


def with_intervals(computed: Computed) -> Computed:
    """The same numbers, each row that is measured in a unit with its intervals."""
    metrics, selection = computed.metrics, computed.selection
    known = {metric.name: metric for metric in (*OWN_METRICS, *computed.plugged)}
    wanted: dict[str, dict[str, float]] = {}
    for row in (*metrics.parameters, *metrics.further, *computed.rows):
        if row.unit and row.samples and row.name in known:
            mine = wanted.setdefault(row.name, {})
            mine |= {name: value for name, value in row.values.items() if value is not None}
    times = {streams: Times.of(selection.streamed if streams else selection.ok) for streams in (False, True)}
    found = {
        name: _of_metric(known[name], selection, times[known[name].streams_only], values)
        for name, values in wanted.items()
    }

    def shown(rows: Iterable[Parameter]) -> tuple[Parameter, ...]:
        return tuple(_with(row, found.get(row.name, NOTHING), known.get(row.name)) for row in rows)

    metrics = replace(metrics, parameters=shown(metrics.parameters), further=shown(metrics.further))
    return computed._replace(metrics=metrics, rows=shown(computed.rows))


def _with(row: Parameter, found: Found, metric: Metric | None) -> Parameter:
    """A row with the intervals of its statistics, in the unit in which they are shown."""
    if metric is None or not found.blocks:
        return row
    scale = metric.scale
    intervals = {
        name: (found.intervals[name].low / scale, found.intervals[name].high / scale)
        for name in row.values
        if name in found.intervals and name not in row.marked
    }
    return replace(row, intervals=intervals, blocks=found.blocks)


def _of_metric(metric: Metric, selection: Selection, times: Times, values: Mapping[str, float]) -> Found:
    """values: by statistic, as they are shown."""
    names = [name for name in values if name == _AVERAGE or percent_of(name)]
    if metric.name == ITL.name:
        return of_gaps(selection, times, {name: values[name] * metric.scale for name in names})
    if metric.each is None and metric.values is None:
        return NOTHING
    each, known = metric.each_of(selection)
    if not known.all():
        times, each = times.some(known), each[known]
    return of_requests(times, each, names)


def of_requests(times: Times, values: NDArray[Any], names: Sequence[str]) -> Found:
    """Of what each of some successful requests has one of. values: (requests,)."""
    blocks = blocks_of(times.sent_ns, values, times.mean_ns) if values.size else None
    if blocks is None:
        return NOTHING
    ordered = np.sort(values)
    intervals = {}
    percents = {name: percent for name in names if (percent := percent_of(name))}
    for name, percent in percents.items():
        effect = design_effect(blocks, values <= np.percentile(ordered, percent))
        places = percentile_places(ordered.size, percent, effect)
        if places is not None:
            intervals[name] = Interval(float(ordered[places[0]]), float(ordered[places[1]]))
    if _AVERAGE in names:
        intervals[_AVERAGE] = mean_interval(blocks, values)
    return Found(intervals, blocks.number)


def of_gaps(selection: Selection, times: Times, points_us: Mapping[str, float]) -> Found:
    """Of the gaps of all successful streams, µs. times: of `selection.streamed`. points_us: the statistics, by name."""
    rows, sent = selection.streamed, times.sent_ns
    if not rows.size or not selection.gaps.size:
        return NOTHING
    gaps = np.maximum(rows["events"].astype(np.int64) - 1, 0)
    mean_us = (rows["last_token_ns"] - rows["first_token_ns"]) / np.maximum(gaps, 1)
    blocks = blocks_of(sent, mean_us, times.mean_ns)
    if blocks is None:
        return NOTHING
    if blocks.number > MOST_BLOCKS:
        begin = blocks.begin_ns
        span = blocks.length_ns * blocks.number
        blocks = cut(sent, begin, begin + span, span // MOST_BLOCKS)
    group = np.full(selection.rows.size, -1, np.int64)
    # Every so many requests in the order in which they finished.
    every = -(-int(gaps.sum()) // MOST_GAPS)
    group[selection.streamed_mask] = np.where(np.arange(rows.size) % every == 0, blocks.of, -1)
    counted = [one for one in count_groups(selection.shared.runs, selection.rows, group) if one.size]
    if len(counted) < 2:
        return NOTHING
    sizes = np.array([one.size for one in counted], np.float64)
    intervals = {}
    for name, point in points_us.items():
        percent = percent_of(name)
        if percent is None:
            intervals[name] = ratio_interval(np.array([one.total for one in counted], np.float64), sizes)
            continue
        upto = np.array([one.up_to(point) for one in counted], np.float64)
        places = percentile_places(selection.gaps.size, percent, _clustered(upto, sizes, selection.gaps.size))
        if places is not None:
            intervals[name] = Interval(float(selection.gaps.at(places[0])), float(selection.gaps.at(places[1])))
    return Found(intervals, len(counted))


def _clustered(upto: Floats, sizes: Floats, gaps: int) -> float:
    """The design effect of the share of gaps up to a point, (blocks,) each, among so many gaps; Student's t is in it,
    as the variance is of few blocks."""
    share = float(upto.sum() / sizes.sum())
    independent = share * (1 - share) / gaps
    if independent <= 0:
        return 1.0
    wider = student_quantile(_SURE, sizes.size - 1) / normal_quantile(_SURE)
    return max(1.0, mean_variance(upto, sizes) * wider**2 / independent)
