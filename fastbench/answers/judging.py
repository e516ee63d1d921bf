"""Requests of a run that goes on, judged as they end: which criteria each keeps, as bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.goodput import Mask, good_mask
from fastbench.metrics import Rows, Selection
from fastbench.metrics.samples import OK, is_streamed
from fastbench.recording import GAP_STEP, TokenRun
from fastbench.slo import Clause, Slo

MOST_CRITERIA = 31
CLEAR_BIT = np.uint32(1 << MOST_CRITERIA)
"""Of a request that keeps a quarter of each limit of all criteria."""
_QUARTER = 4

Bits = NDArray[np.uint32]


class Criterion(NamedTuple):
    """What is to hold for a share of the requests. tier: the number of its SLO."""

    tier: int
    share: float
    clauses: tuple[Clause, ...]


def criteria_of(slos: Sequence[Slo]) -> tuple[Criterion, ...]:
    """Of all SLOs, in their order."""
    return tuple(Criterion(tier, *group) for tier, slo in enumerate(slos) for group in slo.groups)


@dataclass(frozen=True)
class Judge:
    """Which criteria requests keep; picklable. stream: whether the service is asked for streams."""

    criteria: tuple[Criterion, ...]
    stream: bool

    def __call__(self, rows: Rows, gaps: NDArray[np.uint16], escapes: NDArray[np.int64]) -> Bits:
        """(rows,): bit k = criterion k is kept; `CLEAR_BIT`. gaps, escapes: of all rows, as a recording has them.

        UsageError where a clause does not fit what is measured.
        """
        return self.of(_Ended(rows, gaps, escapes, self.stream))

    def of_recording(self, selection: Selection) -> Bits:
        """(final rows,): the same of a recording."""
        return self.of(selection)

    def of(self, requests: _Ended | Selection) -> Bits:
        """(final rows,): the same."""
        bits = np.zeros(requests.final.size, np.uint32)
        clear = np.ones(requests.final.size, bool)
        for number, criterion in enumerate(self.criteria):
            bits |= good_mask(requests, criterion.clauses).astype(np.uint32) << np.uint32(number)
            clear &= good_mask(requests, [_quarter(clause) for clause in criterion.clauses])
        return bits | np.where(clear, CLEAR_BIT, np.uint32(0))


def _quarter(clause: Clause) -> Clause:
    return clause._replace(limit_ns=max(1, clause.limit_ns // _QUARTER))


@dataclass(frozen=True)
class _Ended:
    """Rows as they come from the load."""

    rows: Rows
    gaps: NDArray[np.uint16]
    escapes: NDArray[np.int64]
    is_stream: bool

    @property
    def final(self) -> Rows:
        return self.rows

    @cached_property
    def final_mask(self) -> Mask:
        return np.ones(self.rows.size, bool)

    @cached_property
    def runs(self) -> list[TokenRun]:
        """The tokens of each successful stream."""
        counts = np.maximum(self.rows["events"].astype(np.int64) - 1, 0)
        stops, escape_stops = np.cumsum(counts), np.cumsum(self.rows["escapes"].astype(np.int64))
        nothing = np.empty(0, np.uint16)
        return [
            TokenRun(
                row,
                row + 1,
                self.gaps[stops[row] - counts[row] : stops[row]],
                self.escapes[escape_stops[row] - self.rows["escapes"][row] : escape_stops[row]],
                nothing,
                int(self.rows["gap_base"][row]) * GAP_STEP,
            )
            for row in np.flatnonzero((self.rows["outcome"] == OK) & is_streamed(self.rows)).tolist()
        ]
