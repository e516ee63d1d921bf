"""Exact order statistics of samples in any storage."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.model import Number

CONFIDENCE = 0.99


class Samples(Protocol):
    """Samples in rising order. `total` is their exact sum."""

    @property
    def size(self) -> int:
        """Their number."""

    @property
    def total(self) -> float:
        """Their sum: exact for integers, correctly rounded for floats."""

    def at(self, rank: int) -> float:
        """The sample of that rank, from 0."""


class ArraySamples:
    """Samples from an array of any order."""

    def __init__(self, values: NDArray[np.int64] | NDArray[np.float64]) -> None:
        self._sorted: NDArray[Any] = np.sort(values)

    @property
    def size(self) -> int:
        """Their number."""
        return int(self._sorted.size)

    @property
    def total(self) -> float:
        """Their sum, which does not depend on the order in which requests finished."""
        if self._sorted.dtype.kind == "i":
            # In two halves: the sum of many long requests does not fit in 64 bits.
            return (int(np.sum(self._sorted >> 32)) << 32) + int(np.sum(self._sorted & 0xFFFFFFFF))
        return math.fsum(self._sorted.tolist())

    @property
    def deviation(self) -> float:
        """Their standard deviation, as of a whole population; 0 without any."""
        return float(np.std(self._sorted)) if self.size else 0.0

    def at(self, rank: int) -> float:
        """The sample of that rank, from 0."""
        value: float = self._sorted[rank].item()
        return value


def percentile(samples: Samples, percent: float) -> float | None:
    """The percentile (0 … 100) by linear interpolation, to the bit as `numpy.percentile` has it."""
    if not samples.size:
        return None
    position = (samples.size - 1) * (percent / 100)
    rank = int(position)
    low = float(samples.at(rank))
    high = float(samples.at(min(rank + 1, samples.size - 1)))
    share = position - rank
    # numpy's own form, from the nearer end, so that equal neighbours give their very value.
    return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share


def statistic(samples: Samples, name: str) -> float | None:
    """Average, Min, Max, Median or P<percent> of the samples; None if there are none."""
    if not samples.size:
        return None
    if name == "Average":
        return samples.total / samples.size
    if name == "Min":
        return float(samples.at(0))
    if name == "Max":
        return float(samples.at(samples.size - 1))
    return percentile(samples, percent_of(name) or 0)


def statistics(samples: Samples, names: Sequence[str], scale: float) -> dict[str, Number]:
    """Each named statistic, divided by `scale` (what one unit shown is in units of the samples)."""
    values = {name: statistic(samples, name) for name in names}
    return {name: None if value is None else value / scale for name, value in values.items()}


class Histogram(NamedTuple):
    """How many samples lie in each of equal bins between two values, in units of the samples; the last bin has the
    upper one in it."""

    low: float
    high: float
    counts: tuple[int, ...]


def histogram(samples: Samples, bins: int, percents: tuple[float, float] = (0.5, 99.0)) -> Histogram | None:
    """Of the samples between two percentiles; None if there are none. Where both are one value, it is in one bin."""
    low, high = (percentile(samples, percent) for percent in percents)
    if low is None or high is None:
        return None
    if low >= high:
        return Histogram(low, high, (_below(samples, high, at_it=True) - _below(samples, low),))
    edges = [low + (high - low) * edge / bins for edge in range(bins)]
    ranks = [*(_below(samples, edge) for edge in edges), _below(samples, high, at_it=True)]
    return Histogram(low, high, tuple(stop - begin for begin, stop in itertools.pairwise(ranks)))


def _below(samples: Samples, value: float, *, at_it: bool = False) -> int:
    """How many samples are less than a value, or at most that."""
    side = bisect.bisect_right if at_it else bisect.bisect_left
    return side(range(samples.size), value, key=samples.at)


def percent_of(name: str) -> float | None:
    """The percentile that a statistic's name stands for; None for Average, Min and Max."""
    if name == "Median":
        return 50.0
    return float(name[1:]) if name.startswith("P") else None


def is_statistic(name: object) -> bool:
    """Whether `statistic` knows it."""
    if name in ("Average", "Min", "Max", "Median"):
        return True
    try:
        return isinstance(name, str) and name.startswith("P") and 0 <= float(name[1:]) <= 100
    except ValueError:
        return False


def samples_needed(percent: float) -> int:
    """How many samples it takes until one lies beyond the percentile with 99 % confidence."""
    inside = max(percent, 100 - percent) / 100
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(inside))


def too_few(names: Sequence[str], size: int) -> tuple[str, ...]:
    """The percentiles among the names that `size` samples cannot support."""
    percents = ((name, percent_of(name)) for name in names)
    return tuple(name for name, percent in percents if percent and size < samples_needed(percent))
