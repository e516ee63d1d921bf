"""What a reader feels of a stream: stalls, and tokens that come later than one reads.

A stall is a gap between two output events that is longer than a limit, and than ten times the request's own median gap:
a slow stream does not stall all the time. The reader begins with the first token and reads at a steady speed: token k
has its deadline at the first token + k / speed. Source of the deadline: Liu et al., "Andes: Defining and Enhancing
Quality-of-Experience in LLM-Based Text Streaming Services", arXiv 2404.16283.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from fastbench.answers.uncertainty import Times, of_requests
from fastbench.metrics import ArraySamples, Parameter, Selection, Smoothness
from fastbench.metrics.samples import TokenTimes, percent_of, statistic, token_times, too_few
from fastbench.units import NS_PER_MS, NS_PER_S, NS_PER_US

USUAL_STALL_NS = NS_PER_S
USUAL_SPEED = 10.0
"""Tokens a second: some 450 words a minute, faster than most people read."""
OF_MEDIAN = 10
_ROUNDING = 1e-9

Integers = NDArray[np.int64]


class Streams(NamedTuple):
    """Of each successful stream, (streams,) each. stalls: how many; longest_ns: its longest stall, 0 without any.
    tokens: of its output events, each taken for as many as it is known to hold; in_time: of them those that arrived by
    their deadline."""

    stalls: Integers
    longest_ns: Integers
    tokens: Integers
    in_time: Integers

    def together(self, stall_ns: int | None, speed: float | None) -> Smoothness:
        """All of them. stall_ns, speed: as they were asked for; None: not asked."""
        stalls, reads = stall_ns is not None, speed is not None
        return Smoothness(
            streams=self.stalls.size,
            stall_ms=None if stall_ns is None else stall_ns / NS_PER_MS,
            stalls=int(self.stalls.sum()) if stalls else 0,
            stalled=int(np.count_nonzero(self.stalls)) if stalls else 0,
            longest_ms=int(self.longest_ns.max(initial=0)) / NS_PER_MS if stalls else None,
            reading_speed=None if speed is None else float(speed),
            tokens=int(self.tokens.sum()),
            in_time=int(self.in_time.sum()) if reads else 0,
        )


def smoothness_of(
    selection: Selection, stall_ns: int | None = USUAL_STALL_NS, speed: float | None = USUAL_SPEED
) -> Smoothness:
    """Of a stage. stall_ns: the gap from which on it may be a stall; speed: of reading, tokens/s, above 0; None: not
    asked."""
    return streams_of(selection, stall_ns, speed).together(stall_ns, speed)


def streams_of(selection: Selection, stall_ns: int | None, speed: float | None) -> Streams:
    """As `smoothness_of`, stream by stream."""
    least_us, speed = (stall_ns or USUAL_STALL_NS) // NS_PER_US, speed or USUAL_SPEED
    parts = [Streams(*(np.zeros(0, np.int64) for _ in Streams._fields))]
    for times in token_times(selection.recording, selection.streamed_mask):
        tokens = np.maximum(times.tokens.astype(np.int64), 1)
        stalls, longest_us = _stalls(times, least_us)
        begins = times.offsets[:-1]
        parts.append(
            Streams(
                stalls,
                longest_us * NS_PER_US,
                np.add.reduceat(tokens, begins),
                in_time(times.token_ns, times.offsets, tokens, speed),
            )
        )
    return Streams(*map(np.concatenate, zip(*parts, strict=True)))


def smoothness_rows(
    streams: Streams, times: Times, stats: Sequence[str], *, stalls: bool, reads: bool
) -> tuple[Parameter, ...]:
    """The rows of the further table: of stalls, and of the reader's deadline; none without streams. times: of each
    stream."""
    rows: list[tuple[str, str, NDArray[Any], float]] = []
    if stalls:
        rows += [("Stalls", "", streams.stalls, 1.0), ("Longest Stall", "ms", streams.longest_ns, float(NS_PER_MS))]
    if reads:
        rows += [("Tokens In Time", "%", 100 * streams.in_time / np.maximum(streams.tokens, 1), 1.0)]
    return tuple(_row(name, unit, values / scale, times, stats) for name, unit, values, scale in rows if values.size)


def _row(name: str, unit: str, values: NDArray[np.float64], times: Times, stats: Sequence[str]) -> Parameter:
    samples = ArraySamples(values)
    figures = {one: statistic(samples, one) for one in stats}
    marked = too_few(stats, values.size)
    row = Parameter(name, unit, figures, values.size, values.size, marked)
    if not unit:
        return row
    told = [one for one in stats if one == "Average" or percent_of(one)]
    found = of_requests(times, values, told)
    intervals = {one: tuple(value) for one, value in found.intervals.items() if one not in marked}
    return replace(row, intervals=intervals, blocks=found.blocks)


def _stalls(times: TokenTimes, limit_us: int) -> tuple[Integers, Integers]:
    """(streams,) each: how many stalls a stream has, and its longest one in µs, 0 without any."""
    count, longest = (np.zeros(times.offsets.size - 1, np.int64) for _ in range(2))
    long = np.flatnonzero(times.gaps_us >= limit_us)
    for one in np.unique(np.searchsorted(times.offsets, long, side="right") - 1).tolist():
        found = stalls_us(times.gaps_us[times.offsets[one] + 1 : times.offsets[one + 1]], limit_us)
        count[one], longest[one] = found.size, found.max(initial=0)
    return count, longest


def stalls_us(gaps_us: Integers, limit_us: int) -> Integers:
    """(stalls,): the gaps of one stream that are stalls."""
    long = gaps_us[gaps_us >= limit_us]
    return long[long >= OF_MEDIAN * np.median(gaps_us)] if long.size else long


def in_time(token_ns: Integers, offsets: Integers, tokens: Integers, speed: float) -> Integers:
    """(streams,): how many tokens of each had arrived when the reader came to them.

    token_ns, tokens: (events,), of each event, stream by stream; offsets: (streams + 1,), where each one's begin. The
    tokens of an event arrive together.
    """
    lengths = np.diff(offsets)
    before = np.cumsum(tokens) - tokens
    before -= np.repeat(before[offsets[:-1]], lengths)
    elapsed_ns = token_ns - np.repeat(token_ns[offsets[:-1]], lengths)
    # Token k is in time when k / speed is not before its arrival: all from the first such one on.
    first = np.ceil(elapsed_ns * (speed / NS_PER_S) - _ROUNDING).astype(np.int64)
    return np.asarray(np.add.reduceat(tokens - np.clip(first - before, 0, tokens), offsets[:-1]), np.int64)
