"""Exact order statistics of all token gaps in one pass, without a copy of them.

Stored gaps are 2-byte µs above a base that a whole run of rows has: counting them into 65,536 bins for each base loses
nothing, and the few escaped ones are sorted apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench._core.counts import GAP_VALUES, count_gaps, move_gaps
from fastbench.errors import RecordingError
from fastbench.recording import ESCAPE, ProgressCallback, Recording, TokenRun, in_threads

LONG_US = 1 << 20
"""Counted by value up to so much beyond the longest gap that was; what is longer yet is sorted."""


class GapSamples:
    """Gaps in µs, as if sorted. counts: (n,), by value; escapes: the others, in any order."""

    def __init__(self, counts: NDArray[np.int64], escapes: NDArray[np.int64]) -> None:
        inside = escapes < counts.size
        if inside.any():
            counts = counts + np.bincount(escapes[inside], minlength=counts.size)
        self._counts = counts
        self._ranks = np.cumsum(counts)
        self._escapes = np.sort(escapes[~inside])
        self.size = int(self._ranks[-1]) + int(self._escapes.size)

    @property
    def values(self) -> int:
        """How many values are counted: gaps from this one on are sorted."""
        return int(self._counts.size)

    def changed(self, counts: NDArray[np.int64], gone: NDArray[np.int64], come: NDArray[np.int64]) -> GapSamples:
        """The same with other gaps. counts: (n,), n >= values, the change of each value's count; gone, come: those from
        n on that are no more, and that are new."""
        counts = counts.copy()
        counts[: self._counts.size] += self._counts
        kept = _without(self._escapes, np.sort(gone))
        return GapSamples(counts, np.concatenate([kept, come]))

    @cached_property
    def total(self) -> int:
        """Their exact sum."""
        used = np.flatnonzero(self._counts)
        below = sum(value * count for value, count in zip(used.tolist(), self._counts[used].tolist(), strict=True))
        return int(below + sum(self._escapes.tolist()))

    @property
    def deviation(self) -> float:
        """Their standard deviation, as of a whole population; 0 without any."""
        if not self.size:
            return 0.0
        mean = self.total / self.size
        used = np.flatnonzero(self._counts)
        squares = float(np.sum(self._counts[used] * (used - mean) ** 2)) + float(np.sum((self._escapes - mean) ** 2))
        return math.sqrt(squares / self.size)

    def up_to(self, value_us: float) -> int:
        """How many are at most that."""
        inside = min(int(value_us), self._counts.size - 1)
        below = int(self._ranks[inside]) if inside >= 0 else 0
        return below + int(np.searchsorted(self._escapes, value_us, side="right"))

    @classmethod
    def joined(cls, parts: Sequence[GapSamples]) -> GapSamples:
        """All of them together."""
        counts = np.zeros(max((one.values for one in parts), default=1), np.int64)
        for one in parts:
            counts[: one.values] += one._counts
        return cls(counts, np.concatenate([np.empty(0, np.int64), *(one._escapes for one in parts)]))

    def binned(self, bin_of: Callable[[NDArray[np.int64]], NDArray[np.int64]], bins: int) -> NDArray[np.int64]:
        """(bins,): how many lie in each of some bins. bin_of: from values, (n,) µs, to the numbers of their bins."""
        used = np.flatnonzero(self._counts)
        counted = np.bincount(bin_of(used), weights=self._counts[used], minlength=bins).astype(np.int64)
        return counted + np.bincount(bin_of(self._escapes), minlength=bins)

    def at(self, rank: int) -> int:
        """The gap of that rank, from 0."""
        below = int(self._ranks[-1])
        if rank >= below:
            return int(self._escapes[rank - below])
        return int(np.searchsorted(self._ranks, rank, side="right"))


def _without(ordered: NDArray[np.int64], gone: NDArray[np.int64]) -> NDArray[np.int64]:
    """A multiset without some of its members; both in rising order."""
    places = np.searchsorted(ordered, gone)
    # Equal ones stand one behind the other.
    again = np.arange(gone.size) - np.searchsorted(gone, gone)
    return np.delete(ordered, places + again)


def count(runs: Iterable[TokenRun], threads: int | None = None, progress: ProgressCallback | None = None) -> GapSamples:
    """Counts all gaps of the runs. threads: None = as many as cores, for many gaps. Raises RecordingError."""
    parts = list(runs)
    shares = in_threads(_count_share, parts, lambda part: part.gaps.nbytes, threads=threads, progress=progress)
    counts = np.zeros(ESCAPE + max((part.base_us for part in parts), default=0), np.int64)
    for share in shares:
        for base_us, stored in share.items():
            counts[base_us : base_us + ESCAPE] += stored[:ESCAPE]
    escapes = np.concatenate([np.empty(0, np.int64), *(part.escapes for part in parts if part.escapes.size)])
    _check(escapes)
    return GapSamples(counts, escapes)


def _check(escapes: NDArray[np.int64]) -> None:
    """Raises RecordingError for what can be no gaps."""
    if (escapes < 0).any():
        raise RecordingError("the recording is inconsistent: an output event precedes the one before it")


def first_gaps(rows: NDArray[np.void], run: TokenRun) -> NDArray[np.int64]:
    """Of each of a run's rows that has several events, µs. rows: those of the run."""
    counts = np.maximum(rows["events"].astype(np.int64) - 1, 0)
    begins = np.cumsum(counts) - counts
    several = counts > 0
    gaps: NDArray[np.int64] = run.gaps[begins[several]].astype(np.int64)
    escaped = gaps == ESCAPE
    gaps += run.base_us
    # A row's first gap that is escaped is its first escape.
    escapes = (np.cumsum(rows["escapes"].astype(np.int64)) - rows["escapes"])[several]
    gaps[escaped] = run.escapes[escapes[escaped]]
    return gaps


def count_groups(
    runs: Iterable[TokenRun],
    rows: NDArray[np.void],
    group: NDArray[np.int64],
    number: int | None = None,
    progress: ProgressCallback | None = None,
) -> list[GapSamples]:
    """The gaps of each group. group: (rows,), that of each row of `rows`, from 0 on; -1 = in none. number: of groups,
    None = to the last that has rows. Raises RecordingError."""
    number = int(group.max(initial=-1)) + 1 if number is None else number
    changes = np.flatnonzero(np.diff(group)) + 1

    def share(parts: Iterator[TokenRun]) -> _Grouped:
        found = _Grouped({}, {})
        for run in parts:
            found.take(_pieces(run, rows, group, changes), run.base_us)
        return found

    shares = in_threads(share, list(runs), lambda run: run.gaps.nbytes, progress=progress)
    return [_group(shares, one) for one in range(number)]


class _Grouped(NamedTuple):
    """What one thread counted. counts: by group and base; escapes: by group."""

    counts: dict[tuple[int, int], NDArray[np.int64]]
    escapes: dict[int, list[NDArray[np.int64]]]

    def take(self, pieces: Iterable[tuple[int, NDArray[np.uint16], NDArray[np.int64]]], base_us: int) -> None:
        """Counts stretches of rows of one base."""
        for one, gaps, escaped in pieces:
            if (one, base_us) not in self.counts:
                self.counts[one, base_us] = np.zeros(GAP_VALUES, np.int64)
            count_gaps(gaps, self.counts[one, base_us])
            if escaped.size:
                self.escapes.setdefault(one, []).append(escaped)


def _group(shares: Sequence[_Grouped], one: int) -> GapSamples:
    """One group, of what all threads counted."""
    parts = [(base_us, counted) for share in shares for (its, base_us), counted in share.counts.items() if its == one]
    summed = np.zeros(ESCAPE + max((base_us for base_us, _ in parts), default=0), np.int64)
    for base_us, counted in parts:
        summed[base_us : base_us + ESCAPE] += counted[:ESCAPE]
    escapes = np.concatenate(
        [np.empty(0, np.int64), *(part for share in shares for part in share.escapes.get(one, ()))]
    )
    _check(escapes)
    return GapSamples(summed, escapes)


def _pieces(
    run: TokenRun, rows: NDArray[np.void], group: NDArray[np.int64], changes: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.uint16], NDArray[np.int64]]]:
    """(group, gaps, escapes) of each stretch of a run's rows that is of one group. changes: where groups change."""
    inner = changes[slice(*np.searchsorted(changes, (run.first_row + 1, run.stop_row)))]
    if not inner.size:
        if group[run.first_row] >= 0:
            yield int(group[run.first_row]), run.gaps, run.escapes
        return
    own = rows[run.first_row : run.stop_row]
    edges = np.concatenate(([0], inner - run.first_row, [own.size]))
    gaps = np.concatenate(([0], np.cumsum(np.maximum(own["events"].astype(np.int64) - 1, 0))))[edges].tolist()
    escapes = np.concatenate(([0], np.cumsum(own["escapes"], dtype=np.int64)))[edges].tolist()
    for place, first in enumerate(edges[:-1].tolist()):
        one = int(group[run.first_row + first])
        if one >= 0:
            yield one, run.gaps[gaps[place] : gaps[place + 1]], run.escapes[escapes[place] : escapes[place + 1]]


def _count_share(parts: Iterator[TokenRun]) -> dict[int, NDArray[np.int64]]:
    """By base: how often each stored value stands for a gap."""
    counts: dict[int, NDArray[np.int64]] = {}
    for part in parts:
        if part.base_us not in counts:
            counts[part.base_us] = np.zeros(GAP_VALUES, np.int64)
        count_gaps(part.gaps, counts[part.base_us])
    return counts


class _Change:
    """How the counts of the shortest [0] and of the longest gaps [1] differ from those of all gaps.

    counts: (2, size). gone, come: of each, the gaps from `size` on that are no more, and that are new.
    """

    def __init__(self, size: int) -> None:
        self.counts = np.zeros((2, size), np.int64)
        self.gone: tuple[list[NDArray[np.int64]], ...] = ([], [])
        self.come: tuple[list[NDArray[np.int64]], ...] = ([], [])

    def take(self, run: TokenRun, recording: Recording, marks: NDArray[np.uint32]) -> None:
        """Adds what the marks, (m, 3), of a run's rows change."""
        events, escaped, marked = (
            np.ascontiguousarray(recording.rows[name][run.first_row : run.stop_row])
            for name in ("events", "escapes", "marks")
        )
        room = min(int(marks[:, 1].sum(dtype=np.int64)), run.gaps.size)
        far = np.empty((2, 2, room), np.int64)
        try:
            held = move_gaps(run.gaps, run.escapes, run.base_us, events, escaped, marked, marks, self.counts, far)
        except ValueError as error:
            raise RecordingError(
                f"the recording is inconsistent: the marks from row {run.first_row} on do not fit: {error}"
            ) from error
        for kind in (0, 1):
            self.gone[kind].append(far[kind, 0, : held[2 * kind]].copy())
            self.come[kind].append(far[kind, 1, : held[2 * kind + 1]].copy())


def moved(recording: Recording, gaps: GapSamples, runs: Sequence[TokenRun]) -> tuple[GapSamples, GapSamples]:
    """The shortest and the longest gaps. gaps: all of those of the runs. RecordingError where marks do not fit."""
    marks = recording.all_marks.view(np.uint32).reshape(-1, 3)
    stops = np.cumsum(recording.rows["marks"], dtype=np.int64)
    size = gaps.values + min(int(marks[:, 2].max(initial=0)), LONG_US)

    def share(pieces: Iterator[TokenRun]) -> _Change:
        change = _Change(size)
        for run in pieces:
            start, stop = (int(stops[row - 1]) if row else 0 for row in (run.first_row, run.stop_row))
            if start < stop:
                change.take(run, recording, marks[start:stop])
        return change

    changes = in_threads(share, runs, lambda run: run.gaps.nbytes)
    return _changed(gaps, changes, 0), _changed(gaps, changes, 1)


def _changed(gaps: GapSamples, changes: Sequence[_Change], kind: int) -> GapSamples:
    counts = np.sum([change.counts[kind] for change in changes], axis=0)
    gone, come = (
        np.concatenate([np.empty(0, np.int64), *(part for change in changes for part in getattr(change, name)[kind])])
        for name in ("gone", "come")
    )
    return gaps.changed(counts, gone, come)
