"""What was seen of each level: counts by block, and the evidence that they are for each criterion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.capacity.bracket import MOST_LOG_ODDS, Told
from fastbench.answers.capacity.curve import Measured
from fastbench.answers.statistics import (
    LEAST_BLOCKS,
    Evidence,
    evidence_of,
    ratio_interval,
    raw_design_effect,
    student_quantile,
)

_USUAL_DEFF, _USUAL_WEIGHT = 2.0, 10.0
"""What is thought of the design effect before anything was seen, and how many blocks that is worth."""
_OTHERS_WEIGHT = 10.0
"""How many telling blocks of its own a level's design effect must have to count as much as that of all levels."""
_NOTABLE_DRIFT, _LEAST_BLOCKS = 0.05, 2
_LONG = 2.0
"""A confirmation may claim so much more than a short visit of a level."""

Floats = NDArray[np.float64]


class Purpose(Enum):
    """Why a level is measured."""

    LADDER = "ladder"
    BISECT = "bisection"
    CONFIRM = "confirmation"
    OPEN = "open loop"
    AGAIN = "again"


@dataclass(frozen=True)
class Seen:
    """What one visit of a level has shown so far, in whole blocks of time since it counts, all of whose requests are
    known. Shapes: (blocks,), good: (criteria, blocks).

    requests: sent in each block; good: of them, by criterion; ended_per_s: requests that ended in each, 1/s; e2el_ns:
    their mean; measured_ns: the blocks' time. clear: 50 requests or more, none failed, and the P95 of each metric is
    below a quarter of its limit. behind: a queue grows (an open loop's). client_limited: the client could not send
    more.
    """

    requests: Floats
    good: Floats
    ended_per_s: Floats
    e2el_ns: float
    measured_ns: int
    clear: bool = False
    behind: bool = False
    client_limited: bool = False

    @property
    def blocks(self) -> int:
        """How many."""
        return int(self.requests.size)

    @cached_property
    def scatter(self) -> tuple[tuple[float, int], ...]:
        """By criterion: the design effect as it was seen, and of how many blocks: those that have any of the rarer kind
        of request, good ones or others, as no others tell how these come together. The largest of the effects by
        blocks, by pairs of them, by fours, as long as there are six: short blocks depend on each other."""
        return tuple(_scatter(good, self.requests) for good in self.good)


def _scatter(good: Floats, requests: Floats) -> tuple[float, int]:
    count = float(requests.sum())
    share = float(good.sum()) / count if count else 0.0
    telling = min(int(np.count_nonzero(good)), int(np.count_nonzero(requests - good)))
    found = (0.0, 0)
    while good.size >= 2 and telling:
        raw = raw_design_effect(good, requests, share * (1 - share))
        if raw is not None and raw > found[0]:
            found = (raw, telling)
        if good.size < 2 * LEAST_BLOCKS:
            break
        pairs = good.size // 2 * 2
        good, requests = good[:pairs].reshape(-1, 2).sum(axis=1), requests[:pairs].reshape(-1, 2).sum(axis=1)
    return found


class Visit(NamedTuple):
    """A visit that is over."""

    purpose: Purpose
    seen: Seen


@dataclass
class Level:
    """A level and its visits."""

    level: float
    visits: list[Visit] = field(default_factory=list)

    def counts(self, criterion: int) -> tuple[float, float]:
        """(good, all) requests of all visits."""
        good = sum(float(visit.seen.good[criterion].sum()) for visit in self.visits)
        return good, sum(float(visit.seen.requests.sum()) for visit in self.visits)

    def throughput(self) -> Measured | None:
        """Of all visits; None for fewer than two blocks."""
        rates = np.concatenate([visit.seen.ended_per_s for visit in self.visits])
        if rates.size < 2:
            return None
        low, high = ratio_interval(rates, np.ones(rates.size))
        return Measured(self.level, float(rates.mean()), low, high)


class Levels:
    """All levels that were measured. shares: asked for, by criterion."""

    def __init__(self, shares: Sequence[float]) -> None:
        self.shares = tuple(shares)
        self.measured: dict[float, Level] = {}

    def add(self, level: float, purpose: Purpose, seen: Seen) -> None:
        """A visit that is over."""
        self.measured.setdefault(level, Level(level)).visits.append(Visit(purpose, seen))

    def visits(self, level: float) -> list[Visit]:
        """Of a level."""
        return self.measured[level].visits if level in self.measured else []

    def deff(self, criterion: int, visits: Sequence[Seen]) -> float:
        """The design effect of some visits of one level. What few blocks say of it is drawn to what all levels say, and
        that to a usual value, so that a level without failures is not taken for independent."""
        weight, total = _USUAL_WEIGHT, _USUAL_WEIGHT * _USUAL_DEFF
        for level in self.measured.values():
            for visit in level.visits:
                raw, degrees = visit.seen.scatter[criterion]
                weight, total = weight + degrees, total + degrees * raw
        own_weight, own_total = _OTHERS_WEIGHT, _OTHERS_WEIGHT * total / weight
        for seen in visits:
            raw, degrees = seen.scatter[criterion]
            own_weight, own_total = own_weight + degrees, own_total + degrees * raw
        return max(1.0, own_total / own_weight)

    def evidence(self, criterion: int, visits: Sequence[Seen]) -> Evidence:
        """Of some visits of one level together."""
        good = sum(float(seen.good[criterion].sum()) for seen in visits)
        count = sum(float(seen.requests.sum()) for seen in visits)
        return evidence_of(good, count, self.shares[criterion], self.deff(criterion, visits))

    def log_odds(self, criterion: int, visits: Sequence[Visit]) -> float:
        """Of *meets* against *fails* by some visits of one level, bounded by their number."""
        most = _most(visits)
        odds = self.evidence(criterion, [visit.seen for visit in visits]).log_odds
        return max(-most, min(most, odds + _extra(visits)))

    def told(self, criterion: int) -> list[Told]:
        """What each level tells of a criterion."""
        return [self._told(criterion, one) for one in self.measured.values()]

    def _told(self, criterion: int, level: Level) -> Told:
        good, count = level.counts(criterion)
        deff = self.deff(criterion, [visit.seen for visit in level.visits])
        return Told(level.level, good / deff, (count - good) / deff, _extra(level.visits), _most(level.visits))

    def throughputs(self) -> list[Measured]:
        """Of the levels in rising order."""
        found = (self.measured[level].throughput() for level in sorted(self.measured))
        return [one for one in found if one is not None]


def _most(visits: Sequence[Visit]) -> float:
    """By how much some visits may move the log odds."""
    return MOST_LOG_ODDS * sum(_LONG if visit.purpose is Purpose.CONFIRM else 1.0 for visit in visits)


def _extra(visits: Sequence[Visit]) -> float:
    """Log odds of *meets* that are not in the counts."""
    return MOST_LOG_ODDS * sum(visit.seen.clear - visit.seen.behind for visit in visits)


def drift(first: Floats, last: Floats) -> float | None:
    """The mean of the last visit's blocks against that of the first one's, a share of 1, where the difference is sure
    (Welch's t at 99 %, with the fewer degrees of freedom) and above 5 %; else None."""
    fewer = min(first.size, last.size)
    if fewer < _LEAST_BLOCKS or first.mean() <= 0:
        return None
    change = float(last.mean() - first.mean())
    error = math.sqrt(float(first.var(ddof=1)) / first.size + float(last.var(ddof=1)) / last.size)
    sure = abs(change) > student_quantile(0.995, fewer - 1) * error
    return change / float(first.mean()) if sure and abs(change) > _NOTABLE_DRIFT * first.mean() else None
