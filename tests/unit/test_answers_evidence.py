"""Evidence that may be looked at at any time: error rates under optional stopping, also with serial correlation."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from correlated import normal_ar1
from hypothesis import given
from hypothesis import strategies as st

from fastbench.answers.statistics import (
    anytime_interval,
    anytime_percentile,
    betting,
    evidence_of,
    raw_design_effect,
    requests_to_show,
    showable,
)

ALPHA = 0.05
RUNS = 200
LOOK = 50
"""Requests between two looks."""


def by_quadrature(good: int, count: int, share: float) -> tuple[float, float]:
    """Both e-values, as integrals of the likelihood ratio."""
    prior = scipy.stats.beta(0.5 * share / (1 - share), 0.5)

    def ratio(p: float) -> float:
        logs = good * math.log(p / share) + (count - good) * math.log((1 - p) / (1 - share))
        return math.exp(logs) * float(prior.pdf(p))

    above, _ = scipy.integrate.quad(ratio, share, 1 - 1e-13, limit=500)
    below, _ = scipy.integrate.quad(ratio, 1e-13, share, limit=500)
    return above / float(prior.sf(share)), below / float(prior.cdf(share))


@pytest.mark.parametrize(("good", "count", "share"), [(40, 40, 0.9), (30, 40, 0.9), (95, 100, 0.95), (3, 9, 0.5)])
def test_it_is_the_mixture(good: int, count: int, share: float) -> None:
    """Both e-values are the likelihood ratio averaged over the shares above, and below, the one asked for."""
    found = evidence_of(good, count, share)
    above, below = by_quadrature(good, count, share)
    assert math.exp(found.log_meets) == pytest.approx(above, rel=1e-3)
    assert math.exp(found.log_fails) == pytest.approx(below, rel=1e-3)


@given(st.integers(0, 400), st.sampled_from([0.9, 0.95, 0.99]), st.data())
def test_more_failures_speak_against(count: int, share: float, data: st.DataObject) -> None:
    """A request that is bad instead of good moves the odds towards *fails*."""
    good = data.draw(st.integers(0, count))
    odds = evidence_of(good, count, share).log_odds
    assert good == 0 or evidence_of(good - 1, count, share).log_odds < odds


def looks(good: np.ndarray, share: float, deff: float = 1.0) -> tuple[bool, bool]:
    """Whether someone who looks every 50 requests, and stops when it is decided, ever says *meets*, *fails*."""
    sums = np.cumsum(good)
    for count in range(LOOK, good.size + 1, LOOK):
        decided = evidence_of(float(sums[count - 1]), count, share, deff).decided(ALPHA)
        if decided is not None:
            return decided, not decided
    return False, False


@pytest.mark.parametrize("share", [0.9, 0.99])
def test_optional_stopping(share: float) -> None:
    """Looking after every 50 of 1,500 requests, a service right at the share is called wrong by either side in at most
    5 % of the runs; a fixed interval looked at as often errs in more."""
    random = np.random.default_rng(7)
    found = np.array([looks(random.random(1_500) < share, share) for _ in range(RUNS)])
    assert found.mean(axis=0).max() <= ALPHA
    naive = 0
    for _ in range(RUNS):
        sums = np.cumsum(random.random(1_500) < share)[LOOK - 1 :: LOOK]
        counts = np.arange(LOOK, 1_501, LOOK)
        z = (sums - counts * share) / np.sqrt(counts * share * (1 - share))
        naive += bool((np.abs(z) > 1.96).any())
    assert naive / RUNS > 0.2


def test_with_serial_correlation() -> None:
    """With failures that come in clusters effective counts keep the error near 5 % a side, and plain ones do not."""
    series = normal_ar1(RUNS, 1_500, 0.9, 21) < scipy.stats.norm.ppf(0.9)
    wrong = {True: 0, False: 0}
    for good in series:
        deff = raw_design_effect(good.reshape(15, 100).sum(axis=1).astype(float), np.full(15, 100.0), 0.09) or 1.0
        for corrected in (True, False):
            wrong[corrected] += any(looks(good, 0.9, max(1.0, deff) if corrected else 1.0))
    assert wrong[True] / RUNS <= 2 * ALPHA
    assert wrong[False] / RUNS > 0.2


@pytest.mark.parametrize(("share", "needed"), [(0.99, 459), (0.95, 90), (0.9, 44)])
def test_what_physics_demands(share: float, needed: int) -> None:
    """99 % needs 459 good requests to be shown, 95 % 90 and 90 % 44, and the evidence agrees with it at 1 in 20."""
    assert requests_to_show(share) == needed
    assert evidence_of(needed, needed, share).decided(ALPHA) is True
    assert evidence_of(needed // 2, needed // 2, share).decided(ALPHA) is None


def test_what_a_budget_can_show() -> None:
    """What is not enough for 99 % is proposed for 95 or 90 %, and the design effect counts."""
    assert showable(0.99, 459) == (459, True, 0.99)
    assert showable(0.99, 300) == (459, False, 0.95)
    assert showable(0.99, 300, deff=4.0) == (1_836, False, 0.9)
    assert showable(0.99, 30) == (459, False, None)
    assert showable(0.95, 60).proposed == 0.9


def test_the_service_that_is_clear_is_decided_soon() -> None:
    """At a true share of 80 % *fails* for 99 % is said within 50 requests, of 99.99 % *meets* within 800."""
    random = np.random.default_rng(4)
    bad = [looks(random.random(50) < 0.8, 0.99) for _ in range(40)]
    good = [looks(random.random(800) < 0.9999, 0.99) for _ in range(40)]
    assert np.mean([one[1] for one in bad]) >= 0.95
    assert np.mean([one[0] for one in good]) >= 0.9


def test_betting_agrees() -> None:
    """Betting on the shares of blocks errs in at most 5 % under optional stopping, decides a clear case, and never says
    the opposite of the mixture."""
    random = np.random.default_rng(12)
    wrong = 0
    for _ in range(200):
        shares = random.binomial(20, 0.9, 100) / 20
        decided = {betting(shares[:count], 0.9).decided(ALPHA) for count in range(10, 101, 10)}
        wrong += decided != {None}
    assert wrong / 200 <= 2 * ALPHA
    for truth in (0.75, 0.97):
        shares = random.binomial(20, truth, 200) / 20
        assert betting(shares, 0.9).decided(ALPHA) is (truth > 0.9)
        assert evidence_of(float(shares.sum() * 20), 4_000, 0.9).decided(ALPHA) is (truth > 0.9)


def test_betting_needs_many_blocks_for_99_per_cent() -> None:
    """That 99 % is met takes betting some hundred perfect blocks and more, where the counts need 459 requests."""
    assert betting(np.ones(200), 0.99).decided(ALPHA) is None
    assert betting(np.ones(1_500), 0.99).decided(ALPHA) is True


def test_the_anytime_interval() -> None:
    """The interval holds the share at all looks together, in at least 95 % of the runs, and narrows."""
    random = np.random.default_rng(8)
    held = []
    for _ in range(RUNS):
        sums = np.cumsum(random.random(1_500) < 0.93)
        intervals = [anytime_interval(int(sums[count - 1]), count) for count in range(LOOK, 1_501, LOOK * 5)]
        held.append(all(low <= 0.93 <= high for low, high in intervals))
    assert np.mean(held) >= 0.95
    assert intervals[-1][1] - intervals[-1][0] < 0.06
    assert anytime_interval(0, 0) == (0.0, 1.0)


def test_the_anytime_percentile() -> None:
    """The interval of P90 holds it at every look together in at least 95 % of the runs; a few samples give none."""
    random = np.random.default_rng(6)
    truth = math.log(10)
    held = []
    for _ in range(200):
        values = random.exponential(size=2_000)
        found = [anytime_percentile(values[:count], 90) for count in range(200, 2_001, 200)]
        held.append(all(one is None or one[0] <= truth <= one[1] for one in found))
        assert found[-1] is not None
    assert np.mean(held) >= 0.95
    assert anytime_percentile(random.exponential(size=30), 99) is None
    wide, narrow = anytime_percentile(values, 90, deff=4.0), anytime_percentile(values, 90)
    assert wide is not None
    assert narrow is not None
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
