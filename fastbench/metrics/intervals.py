"""Latencies by the stretch of time in which they came to be, as histograms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench._core.counts import Hdr
from fastbench.errors import ConfigError
from fastbench.metrics.metric import Metric, Timed
from fastbench.metrics.own import OWN_METRICS
from fastbench.metrics.plugged import all_plugged
from fastbench.metrics.samples.selection import Selection
from fastbench.units import NS_PER_MS

_VALUE_BITS = 11
"""The 2,048 steps of a histogram with 3 digits."""
_RANGE_BITS = 42
"""Of the highest value that it can hold, 3.6e12 ns."""

Values = NDArray[np.int64]


class LatencyInterval(NamedTuple):
    """One metric in one stretch of time. begin_ns: since the first request was sent, of whatever class. histogram: ns;
    it is used again for the next one."""

    metric: str
    begin_ns: int
    histogram: Hdr


def latency_intervals(
    selection: Selection, width_ns: int, *, gaps: bool, told: Callable[[str], None]
) -> Iterator[LatencyInterval]:
    """The metrics that are in intervals, of the successful requests by their end, in the order of time; if `gaps` also
    those that have several samples of a request, by the moment of each. Stretches without a sample are left out.
    told: gets the fault of each metric of a package that is left out as it cannot be computed."""
    if not selection.ok.size:
        return
    everything = selection.stage.final["sent_ns"]
    origin = int(everything[everything > 0].min())
    tallies: dict[str, _Tally] = {}
    plugged, faults = all_plugged()
    for metric in (*OWN_METRICS, *plugged):
        if not metric.in_intervals or (metric.timed is not None and not gaps):
            continue
        try:
            tallies[metric.name] = _tally(metric, selection, origin, width_ns)
        except ConfigError as error:
            faults += (str(error),)
    for fault in faults:
        told(fault)
    histogram = Hdr()
    for number in np.unique(np.concatenate([tally.numbers for tally in tallies.values()])).tolist():
        for name, tally in tallies.items():
            values = tally.values(number)
            if values.size:
                histogram.clear()
                histogram.record_values(values)
                yield LatencyInterval(name, number * width_ns, histogram)


def _tally(metric: Metric, selection: Selection, origin: int, width_ns: int) -> _Tally:
    tally = _Tally()
    for moments_ns, samples in _timed(metric, selection):
        tally.add((moments_ns - origin) // width_ns, np.rint(samples * (NS_PER_MS / metric.scale)).astype(np.int64))
    return tally


def _timed(metric: Metric, selection: Selection) -> Iterator[Timed]:
    """The samples with their moments: a request's value has that of its end."""
    if metric.timed is not None:
        return metric.timed(selection)
    rows = selection.streamed if metric.streams_only else selection.ok
    found = metric.values_of(rows)
    return iter([(rows["end_ns"][found.known], found.samples)])


class _Tally:
    """Counts of each value in each interval; values to 3 digits, to keep them few."""

    def __init__(self) -> None:
        self._codes = np.empty(0, np.int64)
        self._counts = np.empty(0, np.int64)

    def add(self, numbers: Values, values: Values) -> None:
        """Counts further values. numbers: (n,), the interval of each."""
        codes, counts = np.unique((numbers << _RANGE_BITS) | _rounded(values), return_counts=True)
        every = np.concatenate((self._codes, codes))
        self._codes, places = np.unique(every, return_inverse=True)
        weights = np.concatenate((self._counts, counts))
        self._counts = np.zeros(self._codes.size, np.int64)
        np.add.at(self._counts, places, weights)

    @property
    def numbers(self) -> Values:
        """The intervals that have values."""
        return np.unique(self._codes >> _RANGE_BITS)

    def values(self, number: int) -> Values:
        """The values of an interval, each as often as it came."""
        first, stop = np.searchsorted(self._codes, [number << _RANGE_BITS, (number + 1) << _RANGE_BITS])
        return np.repeat(self._codes[first:stop] & ((1 << _RANGE_BITS) - 1), self._counts[first:stop])


def _rounded(values: Values) -> Values:
    """Up to the upper end of the histogram's step that holds each, as HdrHistogram reports a maximum."""
    held = np.clip(values, 0, (1 << _RANGE_BITS) - 1)
    _, bits = np.frexp(held.astype(np.float64))
    shift = np.maximum(bits - _VALUE_BITS, 0)
    return np.asarray((((held >> shift) + 1) << shift) - 1, np.int64)
