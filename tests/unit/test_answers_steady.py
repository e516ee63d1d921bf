"""From when on a level counts, and whether a queue grows."""

import numpy as np
import pytest
from queueing import CAPACITY, STEP_NS, TOKENS, served

from fastbench.answers.capacity import backlog_length_ns, begin_ns, behind, falls_behind, mser5
from fastbench.plan.shapes.rates import steady

S = 1_000_000_000
RUNS = 100
PROCESSES = pytest.mark.parametrize(
    "burstiness",
    [
        pytest.param(1.0, id="poisson"),
        *(pytest.param(value, id=name, marks=pytest.mark.slow) for name, value in (("constant", 0.0), ("gamma", 0.25))),
    ],
)


@pytest.mark.parametrize("length", [0, 35, 80])
def test_the_warm_up_is_cut_off(length: int) -> None:
    """MSER-5 leaves out the values before the level is reached, to within two batches, and few of a steady series."""
    random = np.random.default_rng(length)
    cuts = []
    for _ in range(40):
        values = random.normal(100, 5, 200)
        values[:length] -= np.linspace(60, 20, length)
        cuts.append(mser5(values))
    assert abs(np.median(cuts) - length) <= 10


def test_too_few_values_are_left_whole() -> None:
    """Fewer than four batches of five say nothing of a warm-up."""
    assert mser5(np.array([0.0] * 10 + [9.0] * 9)) == 0


def test_when_a_level_counts() -> None:
    """Requests count from one P95 of E2EL after the limit was reached, and later where the token rate still rises."""
    width, rate = S // 10, np.full(100, 50.0)
    assert begin_ns(1 * S, 2 * S, rate, width, 0) == 3 * S
    rising = rate.copy()
    rising[:60] = np.linspace(5, 45, 60)
    later = begin_ns(1 * S, 2 * S, rising, width, 0)
    assert later is not None
    assert 5 * S <= later <= 7 * S


def test_not_known_yet() -> None:
    """As long as there is no second of steady tokens nobody knows from when on requests count."""
    assert begin_ns(1 * S, 2 * S, np.full(40, 50.0), S // 10, 0) is None


def called(load: float, burstiness: float, seed: int, blocks: int) -> bool:
    """Whether after some block up to the last of `blocks` an open loop is said to fall behind."""
    e2el = TOKENS * STEP_NS
    count = int(load * CAPACITY * (10 * 12 + 20) * e2el / S)
    sent = steady(load * CAPACITY, count, burstiness, seed)
    ended = served(sent, seed)
    length = backlog_length_ns(count, int(sent[-1]), e2el)
    begin = 3 * e2el
    return any(falls_behind(sent, ended, begin, length, number) for number in range(1, blocks + 1))


@PROCESSES
def test_above_the_capacity(burstiness: float) -> None:
    """At 110 % of the capacity at least 95 % of 100 open loops are called overloaded within 10 blocks."""
    assert np.mean([called(1.1, burstiness, seed, 10) for seed in range(RUNS)]) >= 0.95


@PROCESSES
def test_below_the_capacity(burstiness: float) -> None:
    """At 90 % of it at most 1 % are, though one looks after each block."""
    assert np.mean([called(0.9, burstiness, seed, 10) for seed in range(RUNS)]) <= 0.01


def test_a_queue_of_known_growth() -> None:
    """What is behind is the share that is not answered in its time: half of it, where every other request ends."""
    sent = np.arange(0, 100 * S, S // 10)
    assert behind(sent, sent[::2], 0, 10 * S, 10) == pytest.approx(0.5, abs=0.01)
    assert behind(sent, sent + S // 20, 0, 10 * S, 10) <= 0
    assert behind(sent, sent, 0, 10 * S, 1) == -np.inf
