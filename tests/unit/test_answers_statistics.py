"""Laws, blocks of time and intervals, held against scipy and against series whose truth is known."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from correlated import normal_ar1
from hypothesis import given
from hypothesis import strategies as st

from fastbench.answers.statistics import (
    LEAST_BLOCKS,
    blocks_of,
    cut,
    design_effect,
    first_length_ns,
    mean_interval,
    percentile_design_effect,
    percentile_interval,
    share_interval,
    student_quantile,
)
from fastbench.answers.statistics.blocks import percentile_ranks
from fastbench.answers.statistics.laws import beta_quantile, beta_tails, binomial_below, rising_root

MS = 1_000_000
SHAPES = st.floats(0.3, 3_000)


@given(st.floats(1e-6, 1 - 1e-6), SHAPES, SHAPES)
def test_beta(x: float, a: float, b: float) -> None:
    """Both tails of the beta distribution are scipy's, the smaller one to nine digits."""
    below, above = beta_tails(x, a, b)
    assert below == pytest.approx(scipy.stats.beta.cdf(x, a, b), rel=1e-9, abs=1e-13)
    assert above == pytest.approx(scipy.stats.beta.sf(x, a, b), rel=1e-9, abs=1e-13)


@given(st.floats(0.01, 0.99), SHAPES, SHAPES)
def test_beta_quantile(probability: float, a: float, b: float) -> None:
    """The quantile of the beta distribution leads back to its probability."""
    assert scipy.stats.beta.cdf(beta_quantile(probability, a, b), a, b) == pytest.approx(probability, abs=1e-6)


@given(st.integers(1, 3_000), st.floats(0.01, 0.99), st.data())
def test_binomial(n: int, p: float, data: st.DataObject) -> None:
    """For whole numbers the continued binomial distribution is the binomial one."""
    k = data.draw(st.integers(0, n))
    assert binomial_below(k, n, p) == pytest.approx(scipy.stats.binom.cdf(k, n, p), abs=1e-9)


@given(st.floats(0.5, 0.9999), st.floats(1, 500))
def test_student(probability: float, degrees: float) -> None:
    """Student's quantile is scipy's."""
    assert student_quantile(probability, degrees) == pytest.approx(
        scipy.stats.t.ppf(probability, degrees), rel=1e-6, abs=1e-6
    )


@given(
    st.floats(-0.999, 0.999), st.sampled_from([lambda x: x, lambda x: x**3, math.atanh, lambda x: math.copysign(1, x)])
)
def test_root(where: float, law: Callable[[float], float]) -> None:
    """The root of a rising function is found, whether it is flat there, steep towards an end, or jumps."""
    found = rising_root(lambda x: law((x - where) / 2), -1.0, 1.0)
    assert found == pytest.approx(where, abs=1e-6)


@pytest.mark.parametrize(("value", "end"), [(-1.0, 2.0), (1.0, -3.0)])
def test_no_root(value: float, end: float) -> None:
    """Where a function does not pass 0 it is the end at which it is nearest to that."""
    assert rising_root(lambda _: value, -3.0, 2.0) == end


def test_blocks_fill_the_time() -> None:
    """Blocks are equal, at least as long as asked for, and each request between the ends is in one."""
    sent = np.arange(0, 1_000 * MS, 7 * MS)
    blocks = cut(sent, 0, 1_000 * MS, 130 * MS)
    assert (blocks.number, blocks.length_ns) == (7, 1_000 * MS // 7)
    assert np.all(np.diff(blocks.of) >= 0)
    assert blocks.of[0] == 0
    assert blocks.sizes.sum() >= sent.size - 1
    assert cut(sent, 0, 100 * MS, 130 * MS).number == 0


def test_the_first_length() -> None:
    """A block has three mean E2EL, and at least 20 requests."""
    assert first_length_ns(1_000, 1_000 * 1_000 * MS, 5_000 * MS) == 20_000 * MS
    assert first_length_ns(1_000, 1_000 * 1_000 * MS, 10_000 * MS) == 30_000 * MS


def test_too_short_to_tell() -> None:
    """A stage of fewer than six blocks says nothing of its uncertainty."""
    sent = np.arange(110) * MS
    assert blocks_of(sent, np.ones(110), 0.0) is None
    assert blocks_of(np.empty(0, np.int64), np.empty(0), 1.0) is None
    assert blocks_of(np.arange(140) * MS, np.random.default_rng(1).normal(size=140), 0.0) is not None


def lengths(correlation: float) -> list[int]:
    found = (blocks_of(np.arange(4_000) * MS, one, 0.0) for one in normal_ar1(20, 4_000, correlation, 5))
    return [4_000 // one.number if one else 4_000 for one in found]


def test_blocks_are_longer_where_requests_depend_on_each_other() -> None:
    """Where values stay alike for hundreds of requests the blocks grow; where they are independent few do."""
    assert np.median(lengths(0.0)) == 20
    assert np.median(lengths(0.99)) >= 80


def coverage(correlation: float, percent: float | None, runs: int) -> float:
    """How often the interval of the mean, or of a percentile, holds the truth, of so many runs of 3,000 requests."""
    sent = np.arange(3_000) * MS
    held = []
    for values in normal_ar1(runs, 3_000, correlation, 11):
        blocks = blocks_of(sent, values if percent is None else values <= np.percentile(values, percent), 0.0)
        if blocks is None:
            continue
        if percent is None:
            interval, truth = mean_interval(blocks, values), 0.0
        else:
            deff = percentile_design_effect(blocks, values, percent)
            found = percentile_interval(values, percent, deff)
            assert found is not None
            interval, truth = found, float(scipy.stats.norm.ppf(percent / 100))
        held.append(interval.low <= truth <= interval.high)
    assert len(held) >= 0.8 * runs
    return float(np.mean(held))


@pytest.mark.parametrize(
    ("correlation", "percent", "runs"),
    [
        (0.0, None, 60),
        (0.9, 90, 60),
        *(
            pytest.param(correlation, percent, 150, marks=pytest.mark.slow)
            for correlation in (0.0, 0.9)
            for percent in (None, 50, 90)
        ),
    ],
)
def test_intervals_hold_the_truth(correlation: float, percent: float | None, runs: int) -> None:
    """95 % intervals of mean, median and P90 hold the truth in at least 91 % of the runs, also where neighbours
    correlate by 0.9."""
    assert coverage(correlation, percent, runs) >= 0.91


def test_without_blocks_they_would_not() -> None:
    """The design effect is what makes them hold: with 1 in its place the median is missed every other time."""
    held = []
    for values in normal_ar1(60, 3_000, 0.9, 11):
        found = percentile_interval(values, 50)
        assert found is not None
        held.append(found.low <= 0 <= found.high)
    assert np.mean(held) < 0.6


def test_the_design_effect_is_known() -> None:
    """For values correlated by r it is (1 + r) / (1 - r): 1 for independent ones, 9 for 0.8."""
    sent = np.arange(20_000) * MS
    for correlation, truth in ((0.0, 1.0), (0.8, 9.0)):
        found = [
            design_effect(cut(sent, 0, 20_000 * MS, 200 * MS), one) for one in normal_ar1(20, 20_000, correlation, 3)
        ]
        assert np.mean(found) == pytest.approx(truth, rel=0.15)


@pytest.mark.parametrize(("count", "percent"), [(100, 50), (1_000, 99), (44, 90), (500, 95)])
def test_ranks_of_order_statistics(count: int, percent: float) -> None:
    """The probability that a quantile lies between the two samples is at least 95 %, and not much more."""
    ranks = percentile_ranks(count, percent / 100)
    assert ranks is not None
    low, high = math.floor(ranks[0]), math.ceil(ranks[1])
    inside = scipy.stats.binom.cdf(high - 1, count, percent / 100) - scipy.stats.binom.cdf(
        low - 1, count, percent / 100
    )
    assert 0.95 <= inside <= 0.99


def test_too_few_for_a_percentile() -> None:
    """Where no sample is surely above the percentile there is no interval: P99 needs some 370 independent requests."""
    assert percentile_interval(np.arange(360), 99) is None
    assert percentile_interval(np.arange(380), 99) is not None
    assert percentile_interval(np.arange(380), 99, deff=1.5) is None


@given(st.integers(1, 2_000), st.floats(0, 1), st.floats(1, 20))
def test_the_interval_of_a_share(count: int, part: float, deff: float) -> None:
    """It lies in 0 to 1, around the share, and is wider the more the requests depend on each other."""
    good = round(part * count)
    narrow, wide = share_interval(good, count), share_interval(good, count, deff)
    assert 0 <= wide.low <= narrow.low + 1e-9
    assert narrow.low <= good / count + 1e-9
    assert good / count <= narrow.high + 1e-9
    assert narrow.high <= wide.high + 1e-9 <= 1 + 1e-9


def test_shares_are_held() -> None:
    """The 95 % interval of a share of 0.97 holds it in at least 93 % of 2,000 runs of 500 requests."""
    good = np.random.default_rng(2).binomial(500, 0.97, 2_000)
    intervals = {count: share_interval(count, 500) for count in np.unique(good).tolist()}
    assert np.mean([intervals[count].low <= 0.97 <= intervals[count].high for count in good.tolist()]) >= 0.93


def test_more_blocks_narrow_an_interval() -> None:
    """The interval of a mean halves with four times the blocks."""
    values = np.random.default_rng(9).normal(size=64_000)
    widths = []
    for size in (4_000, 16_000, 64_000):
        blocks = cut(np.arange(size) * MS, 0, size * MS, 100 * MS)
        interval = mean_interval(blocks, values[:size])
        widths.append(interval.high - interval.low)
    assert all(0.4 < after / before < 0.6 for before, after in pairwise(widths))
    assert LEAST_BLOCKS == 6
