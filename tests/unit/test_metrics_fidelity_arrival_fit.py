"""The test of the sent arrivals, against another implementation and against plans that are not kept."""

from typing import Any

import numpy as np
import pytest
import scipy.stats

from fastbench._core.ring import ROW_DTYPE
from fastbench.metrics.asked import AskedLoad
from fastbench.metrics.fidelity.arrival_fit import arrival_fit, gamma_cdf, ks_distance, ks_p_value
from fastbench.plan.shapes import write_shape
from fastbench.plan.shapes.open import Ramp
from fastbench.plan.shapes.rates import steady

POISSON = {"arrival": "poisson", "rate": 50.0, "burstiness": 1.0}


def rows_at(offsets: np.ndarray) -> np.ndarray:
    """Rows that were sent at these times."""
    rows = np.zeros(offsets.size, ROW_DTYPE)
    rows["intended_ns"] = rows["sent_ns"] = 10**12 + offsets
    return rows


def p_value(rows: np.ndarray, load: dict[str, Any]) -> float:
    found = arrival_fit(rows, AskedLoad.of(load))
    assert found is not None
    return found.p_value


@pytest.mark.parametrize("shape", [0.05, 0.5, 1.0, 3.0, 40.0, 900.0])
def test_the_gamma_distribution(shape: float) -> None:
    """The distribution equals scipy's to 12 digits from 0 to far beyond its mean."""
    x = np.concatenate(([0.0], np.geomspace(shape * 1e-6, shape * 50, 400)))
    assert np.allclose(gamma_cdf(x, shape), scipy.special.gammainc(shape, x), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("n", [30, 1000, 50_000])
def test_distance_and_p_value(n: int) -> None:
    """The distance is scipy's; the p-value agrees with scipy's exact one as well as an asymptotic law can."""
    samples = np.random.default_rng(n).exponential(1.0, n)
    expected = scipy.stats.kstest(samples, scipy.stats.expon.cdf)
    distance = ks_distance(samples, scipy.stats.expon.cdf(np.sort(samples)))
    assert distance == pytest.approx(expected.statistic, abs=1e-12)
    assert ks_p_value(distance, n) == pytest.approx(expected.pvalue, abs=0.02)


def test_no_distance_at_all() -> None:
    """What lies on the distribution itself is never far from it."""
    assert ks_p_value(0.0, 100) == 1.0
    assert ks_p_value(1.0, 100) < 1e-12


@pytest.mark.parametrize("burstiness", [0.3, 1.0, 5.0])
def test_a_plan_that_is_kept(burstiness: float) -> None:
    """Sends at the planned times follow the asked process, whatever its burstiness."""
    load = {**POISSON, "arrival": "gamma", "burstiness": burstiness}
    rows = rows_at(steady(50.0, 5000, burstiness, 1))
    assert p_value(rows, load) > 0.01
    assert p_value(rows, {**load, "burstiness": burstiness * 1.5}) < 0.01


@pytest.mark.parametrize("burstiness", [*(pytest.param(value, marks=pytest.mark.slow) for value in (0.5, 4.0)), 1.0])
def test_plans_that_are_kept_are_hardly_ever_doubted(burstiness: float) -> None:
    """Of plans that are followed at most one in a hundred is called not followed."""
    load = {**POISSON, "arrival": "gamma", "burstiness": burstiness}
    doubted = [p_value(rows_at(steady(50.0, 100, burstiness, seed)), load) < 0.01 for seed in range(500)]
    assert sum(doubted) <= 5


def test_a_ramp_that_is_kept() -> None:
    """A ramp is tested interval by interval against its own rates."""
    ramp = Ramp(start=5.0, end=200.0, strategy="exponential", burstiness=1.0)
    rows = rows_at(ramp.times(3000, None, 4))
    load = {"arrival": "ramp", "burstiness": 1.0, "shape": write_shape(ramp)}
    assert p_value(rows, load) > 0.01
    assert p_value(rows, {**load, "shape": write_shape(Ramp(start=5.0, end=200.0, burstiness=1.0))}) < 0.01


@pytest.mark.parametrize("part", [slice(1500), slice(2000, None)])
def test_a_part_of_a_ramp(part: slice) -> None:
    """Of a ramp that was cut short, or looked at through a window, each request keeps the rate of its place."""
    rows = rows_at(Ramp(start=5.0, end=100.0, burstiness=1.0).times(4000, None, 1))
    rows["request"] = np.arange(4000)
    load = {**POISSON, "arrival": "ramp", "ramp": {"strategy": "linear", "start": 5.0, "end": 100.0}}
    assert p_value(rows[part], {**load, "planned": 4000}) > 0.01
    assert p_value(rows[part], {**load, "planned": 4000, "ramp": {"start": 5.0, "end": 300.0}}) < 0.01


def test_a_plan_that_is_not_kept() -> None:
    """A plan whose arrivals come in bursts does not follow the asked process."""
    rows = rows_at(steady(50.0, 5000, 1.0, 1))
    rows["intended_ns"] = rows["sent_ns"] = rows["sent_ns"] // 10**8 * 10**8
    assert p_value(rows, POISSON) < 1e-6


def test_lateness_is_not_mistaken_for_another_process() -> None:
    """Sends that are each a little late, more than many intervals are long, still follow the asked process."""
    offsets = steady(5000.0, 100_000, 1.0, 1)
    rows = rows_at(offsets)
    rows["sent_ns"] += np.random.default_rng(2).gamma(2, 25_000, offsets.size).astype(np.int64)
    load = {**POISSON, "rate": 5000.0}
    found = arrival_fit(rows, AskedLoad.of(load))
    assert found is not None
    assert found.intervals_each > 1
    assert found.follows
    assert p_value(rows, {**load, "burstiness": 1.5}) < 0.01, "another process would still be seen"


def test_lateness_beyond_all_scatter() -> None:
    """Where the client is later than the process scatters, nothing is claimed of the process."""
    rows = rows_at(steady(5000.0, 5000, 1.0, 1))
    rows["sent_ns"] += np.random.default_rng(2).integers(0, 10**9, 5000)
    assert arrival_fit(rows, AskedLoad.of({**POISSON, "rate": 5000.0})) is None


def test_dropped_requests_take_part() -> None:
    """A request that was dropped arrived at its intended time: the drops alone do not change the process."""
    rows = rows_at(steady(50.0, 5000, 1.0, 1))
    rows["sent_ns"][::2] = 0
    assert p_value(rows, POISSON) > 0.01


@pytest.mark.parametrize(
    "load",
    [
        {"arrival": "constant", "rate": 50.0, "burstiness": 0.0},
        {"arrival": "trace", "rate": None, "burstiness": 1.0},
        {"arrival": "profile", "rate": None, "burstiness": 1.0},
        {},
    ],
)
def test_nothing_random_to_test(load: dict[str, Any]) -> None:
    """A constant rate, a trace and a profile have no single law of their intervals."""
    assert arrival_fit(rows_at(steady(50.0, 500, 0.0, 1)), AskedLoad.of(load)) is None


def test_too_few_intervals() -> None:
    """A handful of requests says nothing about a process."""
    assert arrival_fit(rows_at(steady(50.0, 20, 1.0, 1)), AskedLoad.of(POISSON)) is None
