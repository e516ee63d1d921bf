"""A run over time: requests in flight, token arrivals, and the time stamps of each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench._core.counts import count_arrivals
from fastbench.metrics.samples.selection import Mask, Rows, Selection
from fastbench.recording import FLAGS, ProgressCallback, Recording, TokenRun, in_threads
from fastbench.units import NS_PER_US

Moments = NDArray[np.int64]
EVENTS_AT_ONCE = 1 << 18


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
    recording: Recording, mask: Mask, origin_ns: int, width_ns: int, bins: int, progress: ProgressCallback | None = None
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
    counts: NDArray[np.int64] = np.sum(in_threads(share, runs, lambda run: run.gaps.nbytes, progress=progress), axis=0)
    return counts


class TokenTimes(NamedTuple):
    """The output events of some requests, one after the other.

    requests: (n,), which. offsets: (n + 1,), where each one's events begin. token_ns: (events,), ns of
    CLOCK_MONOTONIC. gaps_us: (events,), µs since the event before, 0 for a first one. tokens: (events,), how many an
    event held, 0 where the service did not say.
    """

    requests: NDArray[np.int64]
    offsets: NDArray[np.int64]
    token_ns: NDArray[np.int64]
    gaps_us: NDArray[np.int64]
    tokens: NDArray[np.uint16]


NO_TIMES = TokenTimes(
    *(
        np.zeros(0, np.int64),
        np.zeros(1, np.int64),
        np.zeros(0, np.int64),
        np.zeros(0, np.int64),
        np.zeros(0, np.uint16),
    )
)
"""Of no request."""


def token_times(recording: Recording, mask: Mask | None = None) -> Iterator[TokenTimes]:
    """Of the measured requests that had output, in the order in which they finished. mask: (rows,), of these alone."""
    chosen = Selection(recording).final_mask & (recording.rows["events"] > 0)
    if mask is not None:
        chosen &= mask
    return (_times(recording, run) for part in _parted(recording, chosen) for run in recording.token_runs(part))


def _parted(recording: Recording, chosen: Mask) -> Iterator[Mask]:
    """The rows of a mask in parts of about `EVENTS_AT_ONCE` events."""
    part = np.cumsum(np.where(chosen, recording.rows["events"], 0), dtype=np.int64) // EVENTS_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), chosen.size]
    for first, stop in pairwise(edges):
        here = np.zeros(chosen.size, bool)
        here[first:stop] = chosen[first:stop]
        if here.any():
            yield here


def _times(recording: Recording, run: TokenRun) -> TokenTimes:
    rows = recording.rows[run.first_row : run.stop_row]
    events = rows["events"].astype(np.int64)
    offsets = np.concatenate(([0], np.cumsum(events)))
    between = np.ones(int(offsets[-1]), bool)
    between[offsets[:-1]] = False
    all_gaps = np.zeros(between.size, np.int64)
    all_gaps[between] = run.gaps_us()
    elapsed = np.cumsum(all_gaps)
    origin = rows["first_token_ns"] - elapsed[offsets[:-1]] * NS_PER_US
    tokens = np.zeros(between.size, np.uint16)
    tokens[np.repeat(rows["flags"] & FLAGS["event_tokens"] != 0, events)] = run.event_tokens
    return TokenTimes(rows["request"], offsets, elapsed * NS_PER_US + np.repeat(origin, events), all_gaps, tokens)
