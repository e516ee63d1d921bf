"""How tools make a statistic of their samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.samples import Samples, percent_of, statistic

Statistic = Callable[[Samples, str], float | None]
"""Samples and the name of a statistic (Average, Median, P99 …) → its value; None without samples."""

linear: Statistic = statistic
"""As numpy's `percentile`: between the two nearest samples."""


def nearest_rank(samples: Samples, name: str) -> float | None:
    """A percentile is a sample: the least one that so many per cent of the samples are at or below."""
    percent = 50.0 if name == "Median" else percent_of(name)
    if percent is None or not samples.size or name in {"Average", "Min", "Max"}:
        return statistic(samples, name)
    return float(samples.at(max(0, math.ceil(samples.size * percent / 100) - 1)))


class Weighted:
    """Samples that count as often as their weight says. values: (n,); weights: (n,) int64, 0 = not at all."""

    def __init__(self, values: NDArray[Any], weights: NDArray[np.int64]) -> None:
        order = np.argsort(values, kind="stable")
        self._values, self._weights = values[order], weights[order]
        self._ranks = np.cumsum(self._weights)

    @property
    def size(self) -> int:
        """The sum of the weights."""
        return int(self._ranks[-1]) if self._ranks.size else 0

    @property
    def total(self) -> float:
        """The sum of the samples, each as often as it counts."""
        return math.fsum((self._values * self._weights).tolist())

    def at(self, rank: int) -> float:
        """The sample of that rank, from 0."""
        return float(self._values[np.searchsorted(self._ranks, rank, side="right")])


class WithZeros:
    """Samples, none below 0, and so many zeros before them."""

    def __init__(self, samples: Samples, zeros: int) -> None:
        self._samples, self._zeros = samples, zeros
        self.size = samples.size + zeros
        self.total = samples.total

    def at(self, rank: int) -> float:
        """The sample of that rank, from 0."""
        return 0.0 if rank < self._zeros else self._samples.at(rank - self._zeros)
