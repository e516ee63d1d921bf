"""The curve over levels: shares that only fall, and the knee of the throughput.

Source: isotonic regression by pooling neighbours that contradict the order, Ayer, Brunk, Ewing, Reid and Silverman, "An
empirical distribution function for sampling with incomplete information", Ann. Math. Stat. 26 (1955).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

OF_PLATEAU = 0.95
"""The knee is where so much of the plateau's throughput is reached."""

Floats = NDArray[np.float64]


def falling_fit(values: Floats, weights: Floats) -> Floats:
    """(n,): the sequence that never rises and is the nearest to values, by weighted least squares. weights > 0."""
    return -rising_fit(-values, weights)


def rising_fit(values: Floats, weights: Floats) -> Floats:
    """(n,): the same of a sequence that never falls."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, total, size = value, weight, 1
        while pools and pools[-1][0] >= mean:
            before, other, count = pools.pop()
            mean = (mean * total + before * other) / (total + other)
            total += other
            size += count
        pools.append((mean, total, size))
    return np.repeat([mean for mean, _, _ in pools], [size for _, _, size in pools])


class Knee(NamedTuple):
    """level: the least whose throughput reaches 95 % of the plateau's; below: the greatest that surely does not, 0
    where all do. plateau: the throughput at the top, 1/s. flat: whether the highest level brought no more than the
    tolerance over the half of it, so that there is a plateau at all."""

    level: float
    below: float
    plateau: float
    flat: bool


class Measured(NamedTuple):
    """The throughput of a level with its 95 % interval, 1/s."""

    level: float
    value: float
    low: float
    high: float


def knee(levels: Sequence[Measured], tolerance: float) -> Knee | None:
    """Of levels in rising order; None without any."""
    if not levels:
        return None
    weights = np.array([1 / max(one.high - one.low, 1e-9) ** 2 for one in levels])
    plateau = float(rising_fit(np.array([one.value for one in levels]), weights)[-1])
    reached = next(place for place, one in enumerate(levels) if one.high >= OF_PLATEAU * plateau)
    below = levels[reached - 1].level if reached else 0.0
    return Knee(levels[reached].level, below, plateau, is_flat(levels, tolerance))


def is_flat(levels: Sequence[Measured], tolerance: float) -> bool:
    """Whether the upper bound of what the highest level gained over the highest of at most half of it is below the
    tolerance."""
    top = levels[-1]
    before = [one for one in levels if one.level <= top.level / 2]
    return bool(before) and top.high < before[-1].value * (1 + tolerance)
