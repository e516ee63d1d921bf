"""What the levels measured so far say of the greatest one that meets: probabilistic bisection on a grid of levels.

Sources: Waeber, Frazier and Henderson, "Bisection search with noisy responses", SIAM J. Control Optim. 51 (2013): the
next level is the median of the posterior, and what one level says is bounded, so that an unlucky one can be undone by
the others. Kontsevich and Tyler, "Bayesian adaptive estimation of psychometric slope and threshold", Vision Research 39
(1999): the share of good requests falls with the logarithm of the load as a logistic curve whose place and steepness
are both unknown, so that also levels near the answer tell where it lies, and not only on which side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_PROBABILITY = 0.98
"""Of *meets* or *fails*, that one measurement of a level may claim."""
MOST_LOG_ODDS = math.log(MOST_PROBABILITY / (1 - MOST_PROBABILITY))
CONFIDENCE = 0.95

_STEEPNESS = np.geomspace(3.0, 300.0, 24)
"""By how much the log odds of a good request may fall while the load is multiplied by e. 15 to 20 is usual of a batch
that makes each token slower; a cliff is as steep as there is."""
_BAD = 20.0
"""So many bad requests, as may be, a level is told by at most: no service is a logistic curve to the third digit."""
_FAR = 4.0
"""A level at which so many times as many requests are bad as may be, or as few, lies beyond the answer or within it;
how far, it does not say, so that a cliff is a curve too."""

Levels = NDArray[np.float64]


def grid(lowest: float, highest: float, tolerance: float, *, whole: bool, more: tuple[float, ...] = ()) -> Levels:
    """Rising levels, each a half of the tolerance above the one before it. whole: users, not rates. more: levels that
    must be in it."""
    steps = max(1, math.ceil(math.log(highest / lowest) / math.log1p(tolerance / 2)))
    levels = np.concatenate([np.geomspace(lowest, highest, steps + 1), more])
    return np.unique(np.rint(levels) if whole else levels)


class Bracket(NamedTuple):
    """Where the greatest level that meets lies, with 95 % probability: from `low` to `high`; 0: no level meets.

    middle: the level of the grid that it reaches as likely as not. open: it may lie above the highest level.
    """

    low: float
    middle: float
    high: float
    open: bool

    def is_narrow(self, tolerance: float, *, whole: bool) -> bool:
        """Whether it spans at most the tolerance, or neighbouring numbers of users."""
        if self.open or not self.low:
            return not self.open and not self.middle
        return self.high <= self.low * (1 + tolerance) or (whole and self.high - self.low <= 1)


def _between(levels: Levels, *, whole: bool) -> Levels:
    """(n + 1,): loads between the neighbours of the grid, below the first one and above the last one."""
    if whole:
        return np.concatenate([levels[:1] - 0.5, (levels[:-1] + levels[1:]) / 2, levels[-1:] + 0.5])
    ratio = math.sqrt(levels[1] / levels[0]) if levels.size > 1 else 1.01
    return np.concatenate([levels[:1] / ratio, np.sqrt(levels[:-1] * levels[1:]), levels[-1:] * ratio])


class Told(NamedTuple):
    """What all visits of a level tell. good, others: requests, once their dependence is taken out. extra: log odds of
    *meets* against *fails* that the counts do not hold. most: by how much the counts may move the logarithm of the
    posterior."""

    level: float
    good: float
    others: float
    extra: float
    most: float


class Posterior:
    """The probability of each answer. levels: (n,) rising.

    mass: (n + 1,); mass[k] is that levels[k - 1] is the greatest level of the grid that meets, mass[0] that none does.
    """

    def __init__(self, levels: Levels, told: Sequence[Told], share: float, *, whole: bool) -> None:
        """share: of good requests that is asked for. whole: users, not rates."""
        self.levels = levels
        self._whole = whole
        logs = np.zeros((_STEEPNESS.size, levels.size + 1))
        answers = np.concatenate([[0.0], levels])
        thresholds = np.log(_between(levels, whole=whole))
        for one in told:
            logs += _log_likelihood(one, share, thresholds)
            logs[:, answers >= one.level] += one.extra
        weights = np.exp(logs - logs.max()).sum(axis=0)
        self.mass: Levels = weights / weights.sum()

    def meets(self) -> NDArray[np.float64]:
        """(n,): the probability of each level that it meets."""
        return np.cumsum(self.mass[::-1])[::-1][1:]

    def bracket(self) -> Bracket:
        """Of the answer, which lies between a level of the grid that meets and the next one, which does not."""
        sums = np.cumsum(self.mass)
        tail = (1 - CONFIDENCE) / 2
        low, middle, high = np.searchsorted(sums, [tail, 0.5, 1 - tail]).clip(0, self.levels.size).tolist()
        is_open = bool(high == self.levels.size)
        end = float(self.levels[-1]) if is_open else float(self.levels[high]) - (1 if self._whole else 0)
        return Bracket(self._at(low), self._at(middle), end, is_open)

    def _at(self, place: int) -> float:
        return float(self.levels[place - 1]) if place else 0.0


def _log_likelihood(told: Told, share: float, thresholds: Levels) -> Levels:
    """(steepness, thresholds): of what a level told, where exactly `share` is good at exp(threshold); 0 at most."""
    count = told.good + told.others
    good = told.good / count if count else share
    count = min(count, _BAD / (1 - share) * told.most / MOST_LOG_ODDS)
    log_odds: Levels = _log_odds(share) + np.multiply.outer(_STEEPNESS, thresholds - math.log(told.level))
    beyond, within = 1 - _FAR * (1 - share), 1 - (1 - share) / _FAR
    if good < beyond:
        good, log_odds = beyond, np.maximum(log_odds, _log_odds(beyond))
    elif good > within:
        good, log_odds = within, np.minimum(log_odds, _log_odds(within))
    logs: Levels = -count * (good * np.logaddexp(0, -log_odds) + (1 - good) * np.logaddexp(0, log_odds))
    bounded: Levels = np.maximum(logs - logs.max(), -told.most)
    return bounded


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))
