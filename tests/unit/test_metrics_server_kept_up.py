"""Whether a service kept up, held against services on simulated time whose truth is known."""

from collections import Counter

import numpy as np
import pytest
from queueing import CAPACITY, served

from fastbench.metrics.server.kept_up import KEPT_UP, NEVER, OVERLOADED, TOO_SHORT, Course, Finding, course, judge
from fastbench.plan.shapes.rates import steady

S = 1_000_000_000
RUNS = 100
SLOW = pytest.mark.slow
PROCESSES = pytest.mark.parametrize(
    "burstiness",
    [1.0, pytest.param(0.0, marks=SLOW), pytest.param(0.25, marks=SLOW)],
    ids=["poisson", "constant", "gamma"],
)


def found(load: float, burstiness: float, count: int, seed: int, slows_at_s: float | None = None) -> Finding:
    """Of an open loop at so much of the capacity."""
    sent = steady(load * CAPACITY, count, burstiness, seed)
    slow = float("inf") if slows_at_s is None else slows_at_s * S
    ended = served(sent, seed, lambda moment: 2.5 if moment >= slow else 1.0)
    return judge(course(sent, ended, ended - sent), 0, int(sent[-1]))


@PROCESSES
@pytest.mark.parametrize("load", [*(pytest.param(load, marks=SLOW) for load in (0.5, 0.8)), 0.9])
def test_below_its_capacity_a_service_is_not_called_overloaded(load: float, burstiness: float) -> None:
    """In 100 runs of 1,000 requests at 50, 80 and 90 % of the capacity at most 1 % are called overloaded."""
    states = Counter(found(load, burstiness, 1_000, seed).state for seed in range(RUNS))
    assert states[OVERLOADED] <= RUNS // 100
    assert states[KEPT_UP] >= 0.95 * RUNS


@PROCESSES
@pytest.mark.parametrize("load", [pytest.param(0.5, marks=SLOW), 0.9])
def test_short_runs_below_the_capacity(load: float, burstiness: float) -> None:
    """Runs of 150 requests, some four latencies long, are called overloaded in at most 1 %."""
    states = Counter(found(load, burstiness, 150, seed).state for seed in range(RUNS))
    assert states[OVERLOADED] <= RUNS // 100


@PROCESSES
@pytest.mark.parametrize(("load", "count"), [(1.1, 6_000), (1.3, 1_500)])
def test_above_its_capacity_a_service_is_called_overloaded(load: float, count: int, burstiness: float) -> None:
    """At 110 and 130 % of the capacity every run is called overloaded, from its first half on."""
    findings = [found(load, burstiness, count, seed) for seed in range(15)]
    assert {one.state for one in findings} == {OVERLOADED}
    length = count / (load * CAPACITY)
    onsets = [one.onset_ns for one in findings]
    assert np.median([onset for onset in onsets if onset is not None]) <= 0.1 * length * S


def test_the_onset_is_found() -> None:
    """A service that slows to 40 % of its speed after 90 s is overloaded from then on, to two blocks of 24."""
    findings = [found(0.8, 1.0, 2_000, seed, slows_at_s=90) for seed in range(20)]
    assert {one.state for one in findings} == {OVERLOADED}
    block = 2_000 / (0.8 * CAPACITY) / 24
    assert all(abs((one.onset_ns or 0) / S - 90) <= 2 * block for one in findings)


def test_a_burst_at_the_start_is_no_overload() -> None:
    """150 requests at once and then half of the capacity: the queue goes, and the service kept up."""
    for seed in range(40):
        after = steady(0.5 * CAPACITY, 600, 1.0, seed)
        sent = np.concatenate((np.zeros(150, np.int64), after))
        ended = served(sent, seed)
        assert judge(course(sent, ended, ended - sent), 0, int(sent[-1])).state != OVERLOADED


def test_a_rising_rate_is_no_overload() -> None:
    """A service without limit that takes 2 s is not overloaded by a rate that rises all the time, in 20 s."""
    sent = (20 * S * np.sqrt(np.arange(1_000) / 1_000)).astype(np.int64)
    ended = sent + 2 * S
    assert judge(course(sent, ended, ended - sent), 0, int(sent[-1])).state == KEPT_UP


def test_a_run_that_is_short_beside_its_latency_is_too_short() -> None:
    """Where nothing has ended by the time at which sending ends, nobody can tell."""
    sent = steady(100, 500, 0.0, 0)
    ended = sent + 6 * S
    assert judge(course(sent, ended, ended - sent), 0, int(sent[-1])) == Finding(TOO_SHORT)


def test_a_queue_that_forms_at_once_is_found() -> None:
    """One slot of 1 s, asked 60 times a second: the first 40 requests waited already, and it is overloaded from 0 s."""
    sent = steady(60, 600, 1.0, 0)
    ended = S * np.arange(1, 601)
    assert judge(course(sent, ended, ended - sent), 0, int(sent[-1])) == Finding(OVERLOADED, 0)


def test_what_never_ended_stays_overdue() -> None:
    """Of two requests of which one never ends, one is overdue after the patience, and both are in flight before."""
    run = Course(np.array([0, 10]), np.array([5, NEVER]), 7)
    assert run.overdue(np.array([0, 9, 10, 100])).tolist() == [0, 0, 1, 1]
    assert [run.in_flight(at) for at in (0, 4, 10, 100)] == [1, 1, 1, 1]
