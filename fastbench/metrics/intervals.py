"""Latencies by the stretch of time in which they came to be, as histograms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench._core.hdr import Hdr
from fastbench.metrics.parameters import e2el_ns, has_tpot, tpot_ns, ttft_ns
from fastbench.metrics.selection import Selection
from fastbench.metrics.token_times import token_times
from fastbench.units import NS_PER_US

_VALUE_BITS = 11
"""The 2,048 steps of a histogram with 3 digits."""
_RANGE_BITS = 42
"""Of the highest value that it can hold, 3.6e12 ns."""

Values = NDArray[np.int64]


class Interval(NamedTuple):
    """One metric in one stretch of time. begin_ns: since the first request was sent. histogram: ns; it is used again
    for the next one."""

    metric: str
    begin_ns: int
    histogram: Hdr


def intervals(selection: Selection, width_ns: int, *, gaps: bool) -> Iterator[Interval]:
    """TTFT, TPOT and E2EL of the successful requests by their end, and ITL by each token's arrival if `gaps`; in the
    order of time. Stretches without a sample are left out."""
    ok, streamed = selection.ok, selection.streamed
    if not ok.size:
        return
    origin = int(selection.final["sent_ns"][selection.final["sent_ns"] > 0].min())
    several = streamed[has_tpot(streamed)]
    tallies = {
        "TTFT": _Tally.of((streamed["end_ns"] - origin) // width_ns, ttft_ns(streamed)),
        "TPOT": _Tally.of((several["end_ns"] - origin) // width_ns, np.rint(tpot_ns(several)).astype(np.int64)),
        "E2EL": _Tally.of((ok["end_ns"] - origin) // width_ns, e2el_ns(ok)),
    }
    if gaps:
        tallies["ITL"] = tally = _Tally()
        for times in token_times(selection.recording, selection.streamed_mask):
            follows = np.ones(times.token_ns.size, bool)
            follows[times.offsets[:-1]] = False
            tally.add((times.token_ns[follows] - origin) // width_ns, times.gaps_us[follows] * NS_PER_US)
    histogram = Hdr()
    for number in np.unique(np.concatenate([tally.numbers for tally in tallies.values()])).tolist():
        for metric, tally in tallies.items():
            values = tally.values(number)
            if values.size:
                histogram.clear()
                histogram.record_values(values)
                yield Interval(metric, number * width_ns, histogram)


class _Tally:
    """How often each value came in each interval; values to 3 digits, so that there are few of them."""

    def __init__(self) -> None:
        self._codes = np.empty(0, np.int64)
        self._counts = np.empty(0, np.int64)

    @classmethod
    def of(cls, numbers: Values, values: Values) -> _Tally:
        """Of all values at once. numbers: (n,), the interval of each."""
        tally = cls()
        tally.add(numbers, values)
        return tally

    def add(self, numbers: Values, values: Values) -> None:
        """Counts further values."""
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
    """Up to the upper end of the histogram's step that holds each, as HdrHistogram tells a maximum."""
    held = np.clip(values, 0, (1 << _RANGE_BITS) - 1)
    _, bits = np.frexp(held.astype(np.float64))
    shift = np.maximum(bits - _VALUE_BITS, 0)
    return np.asarray((((held >> shift) + 1) << shift) - 1, np.int64)
