"""How a run went on in time: requests in flight, and tokens as they arrived."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench._core.timeline import count_arrivals
from fastbench.metrics.selection import Mask, Rows
from fastbench.recording.reader import Recording
from fastbench.recording.sharing import Progress, shared_out
from fastbench.recording.table import TokenRun

Moments = NDArray[np.int64]


class InFlight(NamedTuple):
    """The number of requests between their first byte sent and their end. starts, ends: (n,) rising, ns."""

    starts: Moments
    ends: Moments

    @classmethod
    def of(cls, rows: Rows) -> InFlight:
        """Of the rows that were sent and ended."""
        flown = rows[(rows["sent_ns"] > 0) & (rows["end_ns"] > 0)]
        return cls(np.sort(flown["sent_ns"]), np.sort(flown["end_ns"]))

    def at_starts(self) -> Moments:
        """(n,): the number in flight just after each start; one that ends at that moment has left."""
        return np.arange(1, self.starts.size + 1) - np.searchsorted(self.ends, self.starts, side="right")

    @property
    def peak(self) -> int:
        """The highest number at any moment."""
        return int(self.at_starts().max(initial=0))

    def mean(self, begin_ns: int, end_ns: int) -> float | None:
        """The number over a stretch of time, averaged by time; None for a stretch without time."""
        if end_ns <= begin_ns:
            return None
        return float(self.means(np.array([begin_ns, end_ns]))[0])

    def means(self, edges_ns: Moments) -> NDArray[np.float64]:
        """(edges - 1,): the average number between neighbouring edges."""
        flown = np.diff(_elapsed(self.starts, edges_ns) - _elapsed(self.ends, edges_ns))
        return flown / np.diff(edges_ns)


def _elapsed(moments: Moments, edges_ns: Moments) -> Moments:
    """(edges,): at each edge, the time since each earlier moment, added up, modulo 2^64.

    A day of requests adds up to more than an int64 holds; the difference that is made of it holds again.
    """
    before = np.searchsorted(moments, edges_ns, side="right")
    sums = np.concatenate(([0], np.cumsum(moments)))
    return before * edges_ns - sums[before]


def arrivals(
    recording: Recording, mask: Mask, origin_ns: int, width_ns: int, bins: int, progress: Progress | None = None
) -> NDArray[np.int64]:
    """(bins,): output events of the rows of a mask that arrived in each stretch of `width_ns` since `origin_ns`."""

    def share(runs: Iterator[TokenRun]) -> NDArray[np.int64]:
        counts = np.zeros(bins, np.int64)
        for run in runs:
            rows = recording.rows[run.first_row : run.stop_row]
            first = np.ascontiguousarray(rows["first_token_ns"]) - origin_ns
            events = np.ascontiguousarray(rows["events"])
            count_arrivals(run.gaps, run.escapes, run.base_us, first, events, width_ns, counts)
        return counts

    runs = list(recording.token_runs(mask))
    counts: NDArray[np.int64] = np.sum(shared_out(share, runs, lambda run: run.gaps.nbytes, progress=progress), axis=0)
    return counts
