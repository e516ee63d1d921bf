"""What a reader feels of a stream: stalls, and tokens that come later than one reads.

A stall is a gap between two output events that is longer than a limit, and than ten times the request's own median gap:
a slow stream does not stall all the time. The reader begins with the first token and reads at a steady speed: token k
has its deadline at the first token + k / speed. Source of the deadline: Liu et al., "Andes: Defining and Enhancing
Quality-of-Experience in LLM-Based Text Streaming Services", arXiv 2404.16283.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics import Selection
from fastbench.metrics.samples import TokenTimes, token_times
from fastbench.units import NS_PER_S, NS_PER_US

USUAL_STALL_NS = NS_PER_S
USUAL_SPEED = 10.0
"""Tokens a second: some 450 words a minute, faster than most people read."""
OF_MEDIAN = 10
_ROUNDING = 1e-9

Integers = NDArray[np.int64]


class Smoothness(NamedTuple):
    """Of the successful streams of a stage. streams: how many; stalls: gaps; stalled: streams with one at least;
    longest_ns: the longest stall, 0 without any. tokens: output events, each taken for as many tokens as it is known to
    hold; in_time: of them those that arrived by their deadline."""

    streams: int
    stalls: int
    stalled: int
    longest_ns: int
    tokens: int
    in_time: int

    @property
    def stalled_share(self) -> float | None:
        """Of the streams, of 1."""
        return self.stalled / self.streams if self.streams else None

    @property
    def in_time_share(self) -> float | None:
        """Of the tokens, of 1."""
        return self.in_time / self.tokens if self.tokens else None


def smoothness_of(selection: Selection, stall_ns: int = USUAL_STALL_NS, speed: float = USUAL_SPEED) -> Smoothness:
    """Of a stage. stall_ns: the gap from which on it may be a stall; speed: of reading, tokens/s, above 0."""
    found = Smoothness(0, 0, 0, 0, 0, 0)
    for times in token_times(selection.recording, selection.streamed_mask):
        tokens = np.maximum(times.tokens.astype(np.int64), 1)
        stalls, stalled, longest_us = _stalls(times, stall_ns // NS_PER_US)
        found = Smoothness(
            found.streams + times.offsets.size - 1,
            found.stalls + stalls,
            found.stalled + stalled,
            max(found.longest_ns, longest_us * NS_PER_US),
            found.tokens + int(tokens.sum()),
            found.in_time + in_time(times.token_ns, times.offsets, tokens, speed),
        )
    return found


def _stalls(times: TokenTimes, limit_us: int) -> tuple[int, int, int]:
    """How many gaps are stalls, how many streams have one, the longest of them in µs."""
    long = np.flatnonzero(times.gaps_us >= limit_us)
    streams = np.unique(np.searchsorted(times.offsets, long, side="right") - 1).tolist()
    of_each = [stalls_us(times.gaps_us[times.offsets[one] + 1 : times.offsets[one + 1]], limit_us) for one in streams]
    sizes = [stalls.size for stalls in of_each]
    return (
        sum(sizes),
        sum(size > 0 for size in sizes),
        max((int(stalls.max(initial=0)) for stalls in of_each), default=0),
    )


def stalls_us(gaps_us: Integers, limit_us: int) -> Integers:
    """(stalls,): the gaps of one stream that are stalls."""
    long = gaps_us[gaps_us >= limit_us]
    return long[long >= OF_MEDIAN * np.median(gaps_us)] if long.size else long


def in_time(token_ns: Integers, offsets: Integers, tokens: Integers, speed: float) -> int:
    """How many tokens of some streams had arrived when the reader came to them.

    token_ns, tokens: (events,), of each event, stream by stream; offsets: (streams + 1,), where each one's begin. The
    tokens of an event arrive together.
    """
    lengths = np.diff(offsets)
    before = np.cumsum(tokens) - tokens
    before -= np.repeat(before[offsets[:-1]], lengths)
    elapsed_ns = token_ns - np.repeat(token_ns[offsets[:-1]], lengths)
    # Token k is in time when k / speed is not before its arrival: all from the first such one on.
    first = np.ceil(elapsed_ns * (speed / NS_PER_S) - _ROUNDING).astype(np.int64)
    return int((tokens - np.clip(first - before, 0, tokens)).sum())
