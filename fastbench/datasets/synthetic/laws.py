"""Lengths drawn by a law. Each draw takes one random number, so that what comes after it stays as it is."""

import math
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastbench.config.fields import Gaussian, Lengths, Uniform, Zipf
from fastbench.tokenizer import Draws

_STANDARD = NormalDist()


class Law(Protocol):
    """A law of lengths, tokens."""

    def draw(self, draws: Draws) -> int:
        """One length."""
        ...

    def mean(self) -> float:
        """Expected length."""
        ...


class UniformLaw:
    """Whole numbers, each as likely as the others."""

    def __init__(self, law: Uniform) -> None:
        self._law = law

    def draw(self, draws: Draws) -> int:
        """One length."""
        return draws.integer(self._law.low, self._law.high)

    def mean(self) -> float:
        """Expected length."""
        return (self._law.low + self._law.high) / 2


class GaussianLaw:
    """round(mean + sqrt(var) * z) of a standard normal z; what lies outside low … high is moved to the nearer end."""

    def __init__(self, law: Gaussian) -> None:
        self._law = law
        self._deviation = math.sqrt(law.var)

    def draw(self, draws: Draws) -> int:
        """One length."""
        law = self._law
        wanted = law.mean + self._deviation * _STANDARD.inv_cdf(draws.unit())
        return round(min(max(wanted, law.low), law.high))

    def mean(self) -> float:
        """Expected length, but for the rounding: E[min(max(X, low), high)] of a normal X."""
        law, deviation = self._law, self._deviation
        if deviation == 0:
            return min(max(law.mean, law.low), law.high)
        low, high = ((end - law.mean) / deviation for end in (law.low, law.high))
        below, above = _STANDARD.cdf(low), _STANDARD.cdf(-high)
        inside = (1 - below - above) * law.mean + deviation * (_STANDARD.pdf(low) - _STANDARD.pdf(high))
        return below * law.low + above * law.high + inside


class ZipfLaw:
    """P(k) = k**-alpha / sum(j**-alpha, low ≤ j ≤ high): a power law cut to its range, its shape kept."""

    def __init__(self, law: Zipf) -> None:
        self._low = law.low
        self._values: NDArray[np.float64] = np.arange(law.low, law.high + 1, dtype=np.float64)
        # Relative to the first term, so that nothing underflows.
        chances = (self._values / law.low) ** -law.alpha
        self._sums = np.cumsum(chances / chances.sum())

    def draw(self, draws: Draws) -> int:
        """One length."""
        place = int(np.searchsorted(self._sums, draws.unit()))
        return self._low + min(place, len(self._sums) - 1)

    def mean(self) -> float:
        """Expected length."""
        return float(np.dot(self._values, np.diff(self._sums, prepend=0.0)))


def law_of(lengths: Lengths) -> Law:
    """The law that the settings describe."""
    match lengths:
        case Uniform():
            return UniformLaw(lengths)
        case Gaussian():
            return GaussianLaw(lengths)
        case Zipf():
            return ZipfLaw(lengths)
