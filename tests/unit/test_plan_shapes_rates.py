"""Arrival times, by arithmetic."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.stats
from every import every

from fastbench.plan.shapes.open import Ramp
from fastbench.plan.shapes.rates import Step, arrivals, count_within, steady, stepped

RATES = [0.1, 1 / 3, 1.0, 7.0, 33.3, 1000.0, 4999.5, 100_000.0]
CONSTANT, POISSON = 0.0, 1.0
S = 10**9


@pytest.mark.parametrize("rate", RATES)
def test_a_constant_rate_has_no_drift(rate: float) -> None:
    """Request i goes out at i / rate to the nanosecond, or to the last bit of a float: no error adds up."""
    found = steady(rate, 100_000, CONSTANT, 0)
    assert found.dtype == np.int64
    for index in (*range(200), 9_999, 99_999):
        exact = Fraction(index) * 10**9 / Fraction(rate)
        assert abs(int(found[index]) - exact) <= 1 + exact / 2**52


def test_whole_nanoseconds_are_exact() -> None:
    """Where the gap is a whole number of ns, so is each offset, exactly."""
    assert steady(4.0, 5, CONSTANT, 0).tolist() == [0, 250_000_000, 500_000_000, 750_000_000, 1_000_000_000]


def test_nothing_asked_is_nothing_given() -> None:
    """No requests have no times."""
    assert steady(5.0, 0, CONSTANT, 0).size == steady(5.0, 0, POISSON, 0).size == stepped([], POISSON, 0).size == 0


@pytest.mark.parametrize("burstiness", [CONSTANT, POISSON])
@pytest.mark.parametrize("rate", [0, -1.5])
def test_a_rate_is_above_zero(rate: float, burstiness: float) -> None:
    """A rate at which nothing would go out is refused."""
    with pytest.raises(ValueError, match="above 0"):
        steady(rate, 1, burstiness, 0)


@pytest.mark.parametrize("burstiness", [CONSTANT, POISSON, 0.3, 7.0])
def test_the_same_seed_gives_the_same_times(burstiness: float) -> None:
    """An array is its arguments' own, begins at 0, never falls, and differs for another seed where there is scatter."""
    one, same, other = (steady(50.0, 500, burstiness, seed) for seed in (3, 3, 4))
    assert np.array_equal(one, same)
    assert one[0] == 0
    assert np.all(np.diff(one) >= 0)
    assert np.array_equal(one, other) == (burstiness == 0)


@pytest.mark.parametrize("burstiness", [POISSON, 0.1, 9.0])
def test_scatter_keeps_the_rate(burstiness: float) -> None:
    """However requests scatter, the last goes out when it would without scatter: the asked rate is offered."""
    found = steady(50.0, 1001, burstiness, 6)
    assert found[-1] == pytest.approx(20 * S, abs=2)


@pytest.mark.parametrize("burstiness", [0.3, 1.0, 4.0])
def test_intervals_have_the_asked_distribution(burstiness: float) -> None:
    """Intervals are Gamma(burstiness, 1 / (rate burstiness)) by a Kolmogorov-Smirnov test, with the mean 1 / rate."""
    gaps = np.diff(steady(200.0, 20_000, burstiness, 5)) / S
    expected = scipy.stats.gamma(burstiness, scale=1 / (200.0 * burstiness))
    assert scipy.stats.kstest(gaps, expected.cdf).pvalue > 0.001
    assert gaps.mean() == pytest.approx(1 / 200, rel=0.05)
    other = scipy.stats.gamma(burstiness * 1.3, scale=1 / (200.0 * burstiness * 1.3))
    assert scipy.stats.kstest(gaps, other.cdf).pvalue < 1e-6, "the test would see another burstiness"


@pytest.mark.parametrize(("strategy", "middle"), [("linear", (2 + 8) / 2), ("exponential", math.sqrt(2 * 8))])
def test_the_rates_of_a_ramp(strategy: Any, middle: float) -> None:
    """A ramp's rates go from its start to its end, through the arithmetic or the geometric mean."""
    rates = Ramp(start=2.0, end=8.0, strategy=strategy).rates(101)
    assert (rates[0], rates[-1]) == (2.0, pytest.approx(8.0))
    assert rates[50] == pytest.approx(middle)


def test_the_times_of_a_ramp() -> None:
    """Without scatter the interval before request i is 1 / rate i: the first request waits for nothing."""
    found = Ramp(start=1.0, end=3.0).times(3, None, 0)
    assert found.tolist() == [0, S // 2, S // 2 + round(S / 3)]


def test_a_ramp_of_one_request() -> None:
    """A single request goes out at the start."""
    assert Ramp(start=1.0, end=3.0).times(1, None, 0).tolist() == [0]


@every("seconds", [1, 10, 30, 60, 600])
@every("rate", [0.05, 0.25, 0.3, *np.arange(1.1, 2, 0.1).round(1), 30.0, 149.3, 199.9])
def test_how_many_go_out_before_an_end(rate: float, seconds: int) -> None:
    """As many requests are counted as go out before the time is over, one at its very end not among them."""
    times = steady(rate, count_within(rate, seconds * S) + 1, CONSTANT, 0)
    assert times[-2] < seconds * S <= times[-1]


def test_steps_follow_each_other() -> None:
    """Each step begins at its time, keeps its rate to its end, and a step of rate 0 is a pause."""
    found = stepped([Step(2.0, S), Step(0.0, S), Step(4.0, S)], CONSTANT, 0)
    assert found.tolist() == [0, S // 2, *(2 * S + k * S // 4 for k in range(4))]


def test_steps_scatter_each_for_itself() -> None:
    """Steps of one rate do not repeat each other's times."""
    found = stepped([Step(20.0, S), Step(20.0, S)], POISSON, 0)
    first, second = found[found < S], found[found >= S] - S
    assert not np.array_equal(first, second[: first.size])
    assert np.all(np.diff(found) >= 0)


def test_rates_of_each_request() -> None:
    """Any rates will do, one for each request; the interval before a request is its own rate's."""
    assert arrivals(np.array([9.0, 2.0, 4.0]), CONSTANT, 0).tolist() == [0, S // 2, 3 * S // 4]


def test_a_rate_of_next_to_nothing() -> None:
    """Times that no clock can tell are as late as can be, and in their order; none wraps around to before the start."""
    offsets = steady(1e-12, 3, 0.0, 0)
    assert offsets.tolist() == [0, 2**61, 2**61]
