"""Arrival processes as values: pure functions to rising arrays of ns since the start. Same arguments, same array."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.units import NS_PER_S

Offsets = NDArray[np.int64]
Rates = NDArray[np.float64]

_SEED_MARK = 0xA881


class Process(NamedTuple):
    """How intervals scatter around 1 / rate.

    burstiness: the shape of a Gamma distribution with mean 1 / rate; 1 = Poisson, below it burstier, above it more
    regular; 0 = no scatter at all.
    """

    burstiness: float = 0.0

    @property
    def name(self) -> str:
        """constant, poisson or gamma."""
        return {0.0: "constant", 1.0: "poisson"}.get(self.burstiness, "gamma")


class Ramp(NamedTuple):
    """Rates that change from `start` to `end` per second. strategy: linear or exponential."""

    strategy: str
    start: float
    end: float


class Step(NamedTuple):
    """One rate per second for so long."""

    rate: float
    duration_ns: int


def arrivals(rates: Rates, process: Process, seed: int) -> Offsets:
    """When request i goes out if the interval before it has the mean 1 / rates[i]; the first goes out at 0.

    rates: (n,), per second. Returns (n,) ns. ValueError for rates that are not above 0. The times are rounded from
    their exact sums, so that no rounding adds up.
    """
    if not np.all(rates > 0):
        raise ValueError("a rate must be above 0")
    if rates.size == 0:
        return np.empty(0, dtype=np.int64)
    seconds = intervals(rates[1:], process, seed)
    return _whole(np.concatenate(([0.0], np.cumsum(seconds))) * NS_PER_S)


def intervals(rates: Rates, process: Process, seed: int) -> NDArray[np.float64]:
    """Seconds between requests: 1 / rates[i] without scatter, else Gamma(burstiness, 1 / (rates[i] burstiness))."""
    mean = 1 / rates
    if not process.burstiness:
        return mean
    random = np.random.Generator(np.random.PCG64([_SEED_MARK, seed]))
    return random.standard_gamma(process.burstiness, rates.size) / process.burstiness * mean


def steady(rate: float, count: int, process: Process, seed: int) -> Offsets:
    """`count` requests of one rate. Without scatter, request i goes out at i / rate, computed from i alone."""
    if process.burstiness:
        return arrivals(np.full(count, rate), process, seed)
    if rate <= 0:
        raise ValueError("a rate must be above 0")
    return _whole(np.arange(count, dtype=np.float64) * (NS_PER_S / rate))


def ramped(ramp: Ramp, count: int, process: Process, seed: int) -> Offsets:
    """`count` requests whose rate changes with their number: at request i it is `ramp_rates(ramp, count)[i]`."""
    return arrivals(ramp_rates(ramp, count), process, seed)


def ramp_rates(ramp: Ramp, count: int) -> Rates:
    """(count,) rates per second: from `start` at the first request to `end` at the last.

    linear: start + (end - start) p, exponential: start (end / start)^p, with p = i / (count - 1).
    """
    progress: Rates = np.arange(count) / max(count - 1, 1)
    if ramp.strategy == "exponential":
        return np.asarray(ramp.start * (ramp.end / ramp.start) ** progress)
    return ramp.start + (ramp.end - ramp.start) * progress


def until(duration_ns: int, make: Callable[[int], Offsets], rate: float) -> Offsets:
    """All arrivals before `duration_ns` of the process that `make(count)` gives the first `count` of.

    rate: roughly the process's own, per second. `make` must give the same beginning for every count.
    """
    count = max(16, int(duration_ns / NS_PER_S * rate * 1.1))
    while True:
        offsets = make(count)
        if offsets[-1] >= duration_ns:
            return offsets[offsets < duration_ns]
        count *= 2


def stepped(steps: Sequence[Step], process: Process, seed: int) -> Offsets:
    """One rate after the other, each for its time; a step's arrivals begin with the step."""
    parts: list[Offsets] = []
    begun = 0
    for number, step in enumerate(steps):
        if step.rate:
            parts.append(begun + _step(step, process, seed + (number << 32)))
        begun += step.duration_ns
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _step(step: Step, process: Process, seed: int) -> Offsets:
    return until(step.duration_ns, lambda count: steady(step.rate, count, process, seed), step.rate)


def _whole(ns: NDArray[np.float64]) -> Offsets:
    offsets: Offsets = np.rint(ns).astype(np.int64)
    return offsets
