"""What the levels measured so far say of the greatest one that meets: probabilistic bisection on a grid of levels.

Source: Waeber, Frazier and Henderson, "Bisection search with noisy responses", SIAM J. Control Optim. 51 (2013). Each
level's evidence weighs the two sides by its own probability of *meets*, which is bounded, so that one unlucky level can
be undone by the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_PROBABILITY = 0.98
"""Of *meets* or *fails*, that one measurement of a level may claim."""
MOST_LOG_ODDS = math.log(MOST_PROBABILITY / (1 - MOST_PROBABILITY))
CONFIDENCE = 0.95

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


class Posterior:
    """The probability of each answer. levels: (n,) rising.

    mass: (n + 1,); mass[k] is that levels[k - 1] is the greatest level of the grid that meets, mass[0] that none does.
    """

    def __init__(self, levels: Levels, log_odds: Mapping[float, float], *, whole: bool) -> None:
        """log_odds: by level, of *meets* against *fails*, bounded by whoever measured it. whole: users, not rates."""
        self.levels = levels
        self._whole = whole
        logs = np.zeros(levels.size + 1)
        answers = np.concatenate([[0.0], levels])
        for level, odds in log_odds.items():
            logs[answers >= level] += odds
        weights = np.exp(logs - logs.max())
        self.mass: NDArray[np.float64] = weights / weights.sum()

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
