"""The few distributions that the answers rest on, as scalar functions: beta, binomial, Student's t, normal.

Sources: the continued fraction of the incomplete beta function, DiDonato and Morris, "Algorithm 708", ACM TOMS 18
(1992), evaluated as Lentz, Applied Optics 15 (1976), does; the others by their relation to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

_TINY = 1e-300
_PRECISION = 1e-14
_MOST_TERMS = 10_000
_HALVINGS = 200
_NORMAL = NormalDist()


def log_beta(a: float, b: float) -> float:
    """The logarithm of the beta function; a, b > 0."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def log_beta_tails(x: float, a: float, b: float) -> tuple[float, float]:
    """The logarithms of P(X < x) and P(X > x) of Beta(a, b); a, b > 0, x in (0, 1). Both keep their relative
    precision."""
    log_front = a * math.log(x) + b * math.log1p(-x) - log_beta(a, b)
    if x < (a + 1) / (a + b + 2):
        below = min(0.0, math.log(_fraction(x, a, b)) + log_front - math.log(a))
        return below, _log_rest(below)
    above = min(0.0, math.log(_fraction(1 - x, b, a)) + log_front - math.log(b))
    return _log_rest(above), above


def _log_rest(log_part: float) -> float:
    """log(1 - part)."""
    return math.log(-math.expm1(log_part)) if log_part < 0 else -math.inf


def beta_tails(x: float, a: float, b: float) -> tuple[float, float]:
    """(P(X < x), P(X > x)) of Beta(a, b); a, b > 0."""
    if not 0 < x < 1:
        return (0.0, 1.0) if x <= 0 else (1.0, 0.0)
    below, above = log_beta_tails(x, a, b)
    return math.exp(below), math.exp(above)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        last = value
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away(1 + term * d)
            c = _away(1 + term / c)
            value *= c * d
        if abs(value - last) <= _PRECISION * abs(value):
            break
    return value


def _away(value: float) -> float:
    """From zero, which no continued fraction may be divided by."""
    return value if abs(value) > _TINY else _TINY


def beta_quantile(probability: float, a: float, b: float) -> float:
    """x with P(X < x) = probability of Beta(a, b)."""
    return _solved(lambda x: beta_tails(x, a, b)[0], probability, 0.0, 1.0)


def binomial_below(k: float, n: float, p: float) -> float:
    """P(K <= k) of Binomial(n, p), continued to real k in [0, n] and n > 0, as effective counts need it."""
    return 1.0 if k >= n else beta_tails(p, k + 1, n - k)[1]


@cache
def student_quantile(probability: float, degrees: float) -> float:
    """The quantile of Student's t; probability >= 0.5."""
    x = beta_quantile(2 * (1 - probability), degrees / 2, 0.5)
    return math.sqrt(degrees * (1 - x) / x) if x > 0 else math.inf


def normal_quantile(probability: float) -> float:
    """The quantile of the normal distribution."""
    return _NORMAL.inv_cdf(probability)


def normal_share(z: float) -> float:
    """What the normal distribution has below z."""
    return _NORMAL.cdf(z)


def rising_root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that rises from below 0 to above passes it; an end of the stretch where it does not."""
    return _solved(function, 0.0, low, high)


def _solved(function: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if function(middle) < wanted else (low, middle)
    return (low + high) / 2
