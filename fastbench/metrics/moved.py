"""All token gaps with each marked event at its earliest: at their shortest, and at their longest.

Only the gaps beside marked events are looked at; the counts of all others stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fastbench._core.moves import move_gaps
from fastbench.errors import RecordingError
from fastbench.metrics.gaps import GapSamples
from fastbench.recording.reader import Recording
from fastbench.recording.sharing import shared_out
from fastbench.recording.table import TokenRun

LONG_US = 1 << 20
"""Counted by value up to so much beyond the longest gap that was; what is longer yet is sorted."""


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
                f"the recording contradicts itself: the marks from row {run.first_row} on do not fit: {error}"
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

    changes = shared_out(share, runs, lambda run: run.gaps.nbytes)
    return _changed(gaps, changes, 0), _changed(gaps, changes, 1)


def _changed(gaps: GapSamples, changes: Sequence[_Change], kind: int) -> GapSamples:
    counts = np.sum([change.counts[kind] for change in changes], axis=0)
    gone, come = (
        np.concatenate([np.empty(0, np.int64), *(part for change in changes for part in getattr(change, name)[kind])])
        for name in ("gone", "come")
    )
    return gaps.changed(counts, gone, come)
