"""The few distributions that the answers rest on, as scalar functions: beta, binomial, Student's t, normal.

Sources: the continued fraction of the incomplete beta function, DiDonato and Morris, "Algorithm 708", ACM TOMS 18
(1992), evaluated as Lentz, Applied Optics 15 (1976), does; the others by their relation to it. Roots: Chandrupatla, "A
new hybrid quadratic/bisection algorithm", Advances in Engineering Software 28 (1997).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

_TINY = 1e-300
_PRECISION = 1e-14
_MOST_TERMS = 10_000
_MOST_STEPS = 200
_NEAR = 2.0**-52
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
    """The continued fraction of the incomplete beta function. It is divided by nothing nearer to 0 than `_TINY`."""
    d = 1 - (a + b) * x / (a + 1)
    c, d = 1.0, 1 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, _MOST_TERMS):
        last = value
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + term * d
            d = 1 / (d if abs(d) > _TINY else _TINY)
            c = 1 + term / c
            c = c if abs(c) > _TINY else _TINY
            value *= c * d
        if abs(value - last) <= _PRECISION * abs(value):
            break
    return value


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
    """x with function(x) = wanted, of a rising function, to its last digits; the ends are not asked for."""
    # The newest point, the one beyond the root, and the one before; halves where no parabola through them is of use.
    a, b, c = low, high, high
    at_a, at_b, at_c = -math.inf, math.inf, math.inf
    share = 0.5
    for _ in range(_MOST_STEPS):
        x = a + share * (b - a)
        at_x = function(x) - wanted
        if (at_x < 0) == (at_a < 0):
            c, at_c = a, at_a
        else:
            c, b, at_c, at_b = b, a, at_b, at_a
        a, at_a = x, at_x
        least = _NEAR * abs(a) / abs(b - a) if a != b else 1.0
        if at_a == 0 or least > 0.5:
            break
        along, up = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
        share = 0.5
        if up**2 < along and (1 - up) ** 2 < 1 - along:
            share = at_a / (at_b - at_a) * at_c / (at_b - at_c)
            share += (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
        share = min(1 - least, max(least, share))
    return b if at_a and math.isinf(at_b) else a
