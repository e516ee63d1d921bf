"""Arrival processes as values: pure functions to rising arrays of ns since the start. Same arguments, same array."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.units import NS_PER_S

Offsets = NDArray[np.int64]
Rates = NDArray[np.float64]

_SEED_MARK = 0xA881


class Step(NamedTuple):
    """One rate per second for so long."""

    rate: float
    duration_ns: int


def arrivals(rates: Rates, burstiness: float, seed: int) -> Offsets:
    """When request i goes out if the interval before it has the mean 1 / rates[i]; the first goes out at 0.

    rates: (n,), per second. burstiness: how intervals scatter around 1 / rate, the shape of a Gamma distribution with
    that mean: 1 = Poisson, below it burstier, above it more regular, 0 = no scatter at all. Returns (n,) ns. ValueError
    for rates that are not above 0. Intervals that scatter are scaled so that the last request goes out at the sum of
    the means: the rate that was asked for is offered, not a random one near it. The times are rounded from their sums,
    so that no rounding adds up.
    """
    if not np.all(rates > 0):
        raise ValueError("a rate must be above 0")
    if rates.size == 0:
        return np.empty(0, dtype=np.int64)
    seconds = intervals(rates[1:], burstiness, seed)
    return _whole(np.concatenate(([0.0], np.cumsum(seconds))) * NS_PER_S)


def intervals(rates: Rates, burstiness: float, seed: int) -> NDArray[np.float64]:
    """Seconds between requests: 1 / rates[i] without scatter, else of Gamma(burstiness, 1 / (rates[i] burstiness))."""
    mean = 1 / rates
    if not burstiness or not rates.size:
        return mean
    random = np.random.Generator(np.random.PCG64([_SEED_MARK, seed]))
    scattered = random.standard_gamma(burstiness, rates.size) * mean
    return np.asarray(scattered * (mean.sum() / scattered.sum()))


def steady(rate: float, count: int, burstiness: float, seed: int) -> Offsets:
    """`count` requests of one rate. Without scatter, request i goes out at i / rate, computed from i alone."""
    if burstiness:
        return arrivals(np.full(count, rate), burstiness, seed)
    if rate <= 0:
        raise ValueError("a rate must be above 0")
    return _whole(np.arange(count, dtype=np.float64) * (NS_PER_S / rate))


def count_within(rate: float, duration_ns: int) -> int:
    """How many requests of one rate go out before the time is over, the first at 0."""
    count = math.ceil(rate * duration_ns / NS_PER_S)
    # Where the product is a whole number, its rounding may bring one that is due exactly when the time is over.
    return count - 1 if round((count - 1) * NS_PER_S / rate) >= duration_ns else count


def stepped(steps: Sequence[Step], burstiness: float, seed: int) -> Offsets:
    """One rate after the other, each for its time; a step's arrivals begin with the step."""
    parts: list[Offsets] = []
    begun = 0
    for number, step in enumerate(steps):
        if step.rate:
            count = count_within(step.rate, step.duration_ns)
            parts.append(begun + steady(step.rate, count, burstiness, seed + (number << 32)))
        begun += step.duration_ns
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _whole(ns: NDArray[np.float64]) -> Offsets:
    # Beyond that a tiny rate sends nothing anyway.
    offsets: Offsets = np.rint(np.minimum(ns, 2.0**61)).astype(np.int64)
    return offsets
