"""Whether the sent arrivals follow the requested process: a Kolmogorov-Smirnov test of their intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.asked import AskedLoad
from fastbench.metrics.model import ArrivalFit
from fastbench.metrics.samples.selection import Rows
from fastbench.units import NS_PER_S

SIGNIFICANCE = 0.01
"""Probability, at most, of rejecting arrivals that follow the process."""
MIN_SAMPLES = 20
COARSER = 10
_PRECISION = 1e-15
_MAX_TERMS = 100_000

Floats = NDArray[np.float64]


def arrival_fit(begun: Rows, asked: AskedLoad) -> ArrivalFit | None:
    """The test of an open loop with scatter; None where there is nothing random to test, or too little of it.

    begun: the rows that began by themselves, dropped ones included: what was planned is under test as much as what
    was sent. No client sends to the microsecond: neighbouring intervals are added up until their
    scatter is `COARSER` times the lateness that nine of ten sends keep to; what is left is the process.

    The test is conservative: a plan's intervals are scaled to the sum of their means, so they lie nearer to the law
    than free ones, for which the p-value is. A test that takes any scale would be exact, and blind to a wrong rate.
    """
    shape = asked.burstiness
    begun = begun[np.argsort(_moments(begun), kind="stable")]
    rates = _rates(begun, asked)
    if not shape or rates is None:
        return None
    # Each interval in units of its own mean: the same distribution for all of them.
    intervals = np.diff(_moments(begun)) / NS_PER_S * rates[1:]
    each = _intervals_each(begun, float(rates.max(initial=0.0)), shape)
    sums = intervals[: intervals.size // each * each].reshape(-1, each).sum(axis=1)
    if sums.size < MIN_SAMPLES:
        return None
    distance = ks_distance(sums, gamma_cdf(np.sort(sums) * shape, each * shape))
    return ArrivalFit(sums.size, each, distance, ks_p_value(distance, sums.size), SIGNIFICANCE)


def _moments(begun: Rows) -> NDArray[np.int64]:
    return np.where(begun["sent_ns"] > 0, begun["sent_ns"], begun["intended_ns"])


def _rates(begun: Rows, asked: AskedLoad) -> Floats | None:
    """(rows,): the rate that each was planned with. A ramp's depends on its place in the whole plan, of which a window
    or an interrupted run has a part; the turns of conversations have no such places."""
    planned = asked.planned
    if planned is None or begun["session"].any() or begun["request"].max(initial=0) >= planned:
        return asked.rates(len(begun))
    rates = asked.rates(planned)
    return None if rates is None else rates[begun["request"]]


def _intervals_each(begun: Rows, rate: float, shape: float) -> int:
    """How many intervals make one sample: the scatter of so many is sqrt(n / shape) / rate."""
    sent = begun[begun["sent_ns"] > 0]
    late = np.sort(sent["sent_ns"] - sent["intended_ns"])
    blur = float(late[int(0.9 * (late.size - 1))]) / NS_PER_S if late.size else 0.0
    return max(1, math.ceil((COARSER * blur * rate) ** 2 * shape))


def ks_distance(samples: Floats, cdf: Floats) -> float:
    """The largest distance between the samples' distribution and `cdf`, which is given at the sorted samples."""
    n = samples.size
    above, below = np.arange(1, n + 1) / n - cdf, cdf - np.arange(n) / n
    return float(max(above.max(), below.max()))


def ks_p_value(distance: float, n: int) -> float:
    """How often n samples of the very distribution are at least so far from it.

    Kolmogorov's series 2 sum (-1)^(k-1) exp(-2 k^2 x^2) with Stephens' x = (sqrt n + 0.12 + 0.11 / sqrt n) D.
    Source: Stephens, "Use of the Kolmogorov-Smirnov, Cramer-von Mises and related statistics", J. R. Stat. Soc. B 32
    (1970).
    """
    x = (math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n)) * distance
    if x < 0.2:
        return 1.0  # the series converges slowly there, to more than 1 - 1e-12
    total = math.fsum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * total))


def gamma_cdf(x: Floats, shape: float) -> Floats:
    """(n,): the regularised lower incomplete gamma function P(shape, x), for x >= 0.

    By its series x^a e^-x / Gamma(a + 1) (1 + x / (a + 1) + ...), which converges for every x. Source: DLMF 8.11.4.
    """
    # Beyond this the distribution is 1 to the last bit, and the series would need many terms.
    x = np.minimum(x, shape + 40 * math.sqrt(shape) + 60)
    term, total = np.ones_like(x), np.ones_like(x)
    for k in range(1, _MAX_TERMS):
        term = term * x / (shape + k)
        total += term
        if np.all(term <= _PRECISION * total):
            break
    with np.errstate(divide="ignore"):
        log_factor = shape * np.log(x) - x - math.lgamma(shape + 1)
    return np.asarray(np.minimum(1.0, np.exp(log_factor) * total))
