"""What counts of good requests say of the share of good ones, at any moment one looks.

An e-value is what a bettor against a hypothesis has made of one unit of money; under the hypothesis it exceeds 1/alpha
at any time with probability alpha at most (Ville's inequality), so one may look after each block and stop when it does.

Sources: mixtures of likelihood ratios, Robbins, "Statistical methods related to the law of the iterated logarithm",
Ann. Math. Stat. 41 (1970); the conjugate mixture and its confidence sequence, Howard, Ramdas, McAuliffe and Sekhon,
"Time-uniform, nonparametric, nonasymptotic confidence sequences", Ann. Stat. 49 (2021); of quantiles, Howard and
Ramdas, "Sequential estimation of quantiles", Bernoulli 28 (2022); betting, Waudby-Smith and Ramdas, "Estimating means
of bounded random variables by betting", J. R. Stat. Soc. B 86 (2024), arXiv 2010.09686; means of a normal law whose
variance is not known, Lai, "On confidence sequences", Ann. Stat. 4 (1976), with the normal mixture of Wang and Ramdas,
"Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance", arXiv 2310.03722.

Counts of requests that depend on each other are divided by their design effect before; that makes the error rates
approximate. They are held by simulations with serial correlation.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.statistics.laws import log_beta, log_beta_tails, rising_root
from fastbench.metrics.samples import samples_needed

_FAILURES = 0.5
"""The second parameter of the mixture's beta distribution, whose mean is the share asked for."""
_EFFECT = 3.0
"""The variance of the normal prior of a mean over its deviation: it makes the interval of 5 … 50 values narrow."""
_OFFERED = (99.0, 95.0, 90.0)
"""Per cent of requests: the shares that are proposed where a budget cannot show the one asked for."""


class Evidence(NamedTuple):
    """For *meets* (share >= q) and for *fails* (share < q): logarithms of e-values, of which each is evidence against
    the other statement. effective: of how many requests, once their dependence is taken out."""

    log_meets: float
    log_fails: float
    effective: float

    @property
    def log_odds(self) -> float:
        """Of *meets* against *fails*, when nothing spoke for either before."""
        return self.log_meets - self.log_fails

    @property
    def probability(self) -> float:
        """Of *meets*, when nothing spoke for either before."""
        return 1 / (1 + math.exp(-max(-700.0, min(700.0, self.log_odds))))

    def decided(self, alpha: float) -> bool | None:
        """Whether it meets, at an error probability of alpha; None = not decided yet."""
        if self.log_meets >= -math.log(alpha):
            return True
        return False if self.log_fails >= -math.log(alpha) else None


NOTHING = Evidence(0.0, 0.0, 0.0)


def evidence_of(good: float, count: float, share: float, deff: float = 1.0) -> Evidence:
    """Of `good` among `count` requests for a share of good ones of at least `share`, in (0, 1).

    The likelihood ratio against p = share, averaged over p above it and over p below it, each weighed by a beta
    distribution whose mean is the share. deff: the design effect.
    """
    if count <= 0:
        return NOTHING
    met, broken = good / deff, (count - good) / deff
    a, b = _prior(share)
    mixture = log_beta(a + met, b + broken) - log_beta(a, b) - met * math.log(share) - broken * math.log1p(-share)
    below, above = log_beta_tails(share, a + met, b + broken)
    prior_below, prior_above = _prior_tails(share)
    return Evidence(mixture + above - prior_above, mixture + below - prior_below, count / deff)


def _prior(share: float) -> tuple[float, float]:
    return _FAILURES * share / (1 - share), _FAILURES


@cache
def _prior_tails(share: float) -> tuple[float, float]:
    """The logarithms of what the prior has below the share and above it."""
    return log_beta_tails(share, *_prior(share))


def anytime_interval(good: float, count: float, deff: float = 1.0, alpha: float = 0.05) -> tuple[float, float]:
    """Of a share: covers the truth with 1 - alpha at all moments together, so that one may stop when it is narrow.

    Where the mixture over all shares (Jeffreys' beta distribution) has made less than 1/alpha against a share, it
    stays.
    """
    if count <= 0:
        return 0.0, 1.0
    met, broken = good / deff, (count - good) / deff
    mixture = log_beta(met + 0.5, broken + 0.5) - log_beta(0.5, 0.5) + math.log(alpha)

    def excess(share: float) -> float:
        """Below 0 outside of the interval."""
        return met * math.log(share) + broken * math.log1p(-share) - mixture

    most = good / count
    low = 0.0 if good <= 0 else rising_root(excess, 0.0, most)
    high = 1.0 if good >= count else 1 - rising_root(lambda rest: excess(1 - rest), 0.0, 1 - most)
    return low, high


def anytime_percentile(
    values: NDArray[np.float64] | NDArray[np.int64], percent: float, deff: float = 1.0, alpha: float = 0.05
) -> tuple[float, float] | None:
    """Of a percentile (0 … 100) of the law of values, any order; covers it with 1 - alpha at all moments together.

    A value is inside as long as the share of samples up to it does not speak against being `percent`. None where there
    are too few samples for both ends.
    """
    ordered = np.sort(values)
    ranks = anytime_ranks(int(ordered.size), percent, deff, alpha)
    return None if ranks is None else (float(ordered[ranks[0] - 1]), float(ordered[ranks[1] - 1]))


def anytime_ranks(count: int, percent: float, deff: float = 1.0, alpha: float = 0.05) -> tuple[int, int] | None:
    """The ranks, from 1, of the values between which the percentile lies, as `anytime_percentile` has it."""
    if not count:
        return None
    share = percent / 100
    rank_low = _first_rank(count, share, deff, alpha)
    rank_high = count - _first_rank(count, 1 - share, deff, alpha)
    return None if rank_low < 1 or rank_high >= count else (rank_low, rank_high + 1)


def _first_rank(count: int, share: float, deff: float, alpha: float) -> int:
    """The greatest number of samples below a value that is too small for the value to be the quantile of `share`; 0
    where none is."""
    if not _excludes(0, count, share, deff, alpha):
        return 0
    low, high = 0, math.ceil(count * share)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _excludes(middle, count, share, deff, alpha) else (low, middle)
    return low


def _excludes(good: int, count: int, share: float, deff: float, alpha: float) -> bool:
    met, broken = good / deff, (count - good) / deff
    mixture = log_beta(met + 0.5, broken + 0.5) - log_beta(0.5, 0.5)
    return mixture - met * math.log(share) - broken * math.log1p(-share) >= -math.log(alpha)


def anytime_mean(values: NDArray[np.float64], alpha: float = 0.05, least_deviation: float = 0.0) -> tuple[float, float]:
    """Of the mean of independent values, (n,): covers it with 1 - alpha at all moments together, so that one may stop
    when it is narrow. Exact for a normal law; without ends for fewer than some five values.

    least_deviation: what each value scatters by at least, where few values cannot show it.
    """
    mean = float(values.mean()) if values.size else 0.0
    deviation = max(least_deviation, float(values.std(ddof=1))) if values.size > 1 else math.inf
    half = anytime_half_width(values.size, alpha) * deviation if deviation else 0.0
    return mean - half, mean + half


def anytime_half_width(count: int, alpha: float) -> float:
    """Of `anytime_mean`, in deviations of a value; inf for too few.

    The interval holds every mean whose t statistic, averaged over normally distributed effects, has made less than
    1/alpha.
    """
    if count < 2:
        return math.inf
    spread = 1 + count * _EFFECT
    most = math.exp((math.log(spread) / 2 - math.log(alpha)) * 2 / count)
    if most >= spread:
        return math.inf
    return math.sqrt((count - 1) * (most - 1) / (1 - most / spread) / count)


def betting(block_shares: NDArray[np.float64], share: float) -> Evidence:
    """The same from the shares of good requests of independent blocks, each in [0, 1]: needs no design effect, and of a
    share such as 99 % some thousand blocks to say that it is met.

    Each block's stake is fixed by the blocks before it: (mean - share) / (variance + (mean - share)²), kept within half
    of what would ruin the bettor.
    """
    logs = [0.0, 0.0]
    total, squares = share, share * (1 - share)
    for number, value in enumerate(block_shares.tolist(), 1):
        mean, variance = total / number, squares / number
        stake = (mean - share) / (variance + (mean - share) ** 2) if variance > 0 else 0.0
        logs[0] += math.log1p(min(max(stake, 0.0), 0.5 / share) * (value - share))
        logs[1] += math.log1p(-min(max(-stake, 0.0), 0.5 / (1 - share)) * (value - share))
        total += value
        squares += (value - total / (number + 1)) ** 2
    return Evidence(logs[0], logs[1], float(block_shares.size))


def requests_to_show(share: float) -> int:
    """How many independent requests, all of them good, it takes to show the share with 99 % confidence."""
    return samples_needed(100 * share)


class Showable(NamedTuple):
    """What a budget can show of one level. needed: requests for the share asked for; proposed: the highest share of 99,
    95 and 90 % that the requests can show, not above it; None where they can show none."""

    needed: int
    enough: bool
    proposed: float | None


def showable(share: float, requests: float, deff: float = 1.0) -> Showable:
    """Of so many requests at a level."""
    effective = requests / deff
    needed = requests_to_show(share)
    offered = [percent / 100 for percent in _OFFERED if percent / 100 <= share]
    proposed = next((one for one in offered if requests_to_show(one) <= effective), None)
    return Showable(math.ceil(needed * deff), needed <= effective, share if needed <= effective else proposed)
