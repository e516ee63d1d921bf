"""Exact order statistics of all token gaps in one pass, without a copy of them.

Stored gaps are 2-byte µs: counting them into 65,536 bins keeps everything that there is to know about those
below 65.535 ms, and the few escaped ones are sorted apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from fastbench._core.hdr import GAP_VALUES, count_gaps
from fastbench.recording.format import ESCAPE
from fastbench.recording.sharing import Progress, shared_out
from fastbench.recording.table import TokenRun


class GapSamples:
    """Gaps in µs, as if sorted. counts: (65,536,), by value; escapes: in any order."""

    def __init__(self, counts: NDArray[np.int64], escapes: NDArray[np.int64]) -> None:
        self._counts = counts[:ESCAPE]
        self._ranks = np.cumsum(self._counts)
        self._escapes = np.sort(escapes)
        self.size = int(self._ranks[-1]) + int(self._escapes.size)

    @property
    def total(self) -> int:
        """Their exact sum."""
        below = sum(value * count for value, count in enumerate(self._counts.tolist()))
        return int(below + sum(self._escapes.tolist()))

    def at(self, rank: int) -> int:
        """The gap of that rank, from 0."""
        below = int(self._ranks[-1])
        if rank >= below:
            return int(self._escapes[rank - below])
        return int(np.searchsorted(self._ranks, rank, side="right"))


def count(runs: Iterable[TokenRun], threads: int | None = None, progress: Progress | None = None) -> GapSamples:
    """Counts all gaps of the runs. threads: None = as many as cores, when there are many gaps."""
    parts = list(runs)
    shares = shared_out(_count_share, parts, lambda part: part.gaps.nbytes, threads=threads, progress=progress)
    counts = np.sum(shares, axis=0)
    escapes = [part.escapes for part in parts if part.escapes.size]
    return GapSamples(counts, np.concatenate(escapes) if escapes else np.empty(0, np.int64))


def _count_share(parts: Iterator[TokenRun]) -> NDArray[np.int64]:
    counts = np.zeros(GAP_VALUES, np.int64)
    for part in parts:
        count_gaps(part.gaps, counts)
    return counts
