"""Whole searches on services whose capacity is known: how often the interval holds it, and their cost."""

from typing import NamedTuple

import numpy as np
import pytest
from simulated_search import Limits, Outcome, searches, sweep_requests
from simulated_service import Engine, Services, joined

SHARE = 0.99
TRUTH = 40
TOLERANCE = 0.05


class Shape(NamedTuple):
    """A service, and the limits that 99 % of its requests keep up to 40 users."""

    engine: Engine
    limits: Limits


SHAPES = {
    # With each user more a token takes half a millisecond longer: the share falls from 99.2 % to 98.8 %.
    "smooth": Shape(Engine(), Limits(1.0, 0.03567)),
    # Above 40 sequences a step takes four times as long.
    "cliff": Shape(Engine(cliff=40), Limits(1.0, 0.045)),
    # As smooth, and the speed wanders by 10 %, alike for a quarter of a second.
    "noisy": Shape(Engine(noise=0.1, noise_s=0.25), Limits(1.0, 0.03945)),
}
EACH = pytest.mark.parametrize("name", SHAPES)


def holds(outcome: Outcome) -> bool:
    """Whether the 95 % interval holds the truth."""
    bracket = outcome.answer.found[0].bracket
    return bracket is not None and bracket.low <= TRUTH and (bracket.open or bracket.high >= TRUTH)


def figures(name: str, count: int, seed: int) -> tuple[float, float, float]:
    """The shares of searches whose interval holds the truth, and whose answer is within 5 % of it, and the requests of
    the mean search over those of a linear sweep of the same resolution."""
    engine, limits = SHAPES[name]
    found = searches(engine, (limits,), count, seed)
    near = [abs(one.answer.found[0].level - TRUTH) <= TOLERANCE * TRUTH for one in found]
    sweep = sweep_requests(engine, TRUTH, TOLERANCE)
    return (
        float(np.mean([holds(one) for one in found])),
        float(np.mean(near)),
        float(np.mean([one.requests for one in found])) / sweep,
    )


def test_a_few_searches() -> None:
    """Of 5 searches at least 4 hold the truth in their interval, for a third of a linear sweep's requests."""
    held, _, cost = figures("cliff", 5, seed=3)
    assert held >= 0.8
    assert cost <= 1 / 3


@pytest.mark.slow
@EACH
def test_two_hundred_searches(name: str) -> None:
    """Of 200 searches the 95 % interval holds the truth in at least 93 %, the answer is within 5 % of it in 75 %,
    and the mean search sends at most a third of what a linear sweep of the same resolution does."""
    held, near, cost = figures(name, 200, seed=0)
    print(f"{name}: held {held:.3f}, within 5 % {near:.3f}, requests {cost:.3f} of a linear sweep")
    assert held >= 0.93
    assert near >= 0.75
    assert cost <= 1 / 3


@pytest.mark.slow
@EACH
def test_the_truth_is_known(name: str) -> None:
    """In 3,000 steps of 200 services a share of at least 99 % is good with 40 users, and of less than 99 % with 41."""
    engine, limits = SHAPES[name]
    services = Services(engine, 200, TRUTH + 1, seed=8)
    services.limit[:] = np.repeat([TRUTH, TRUTH + 1], 100)
    for _ in range(400):
        services.step()
    begun = services.now.copy()
    done = joined([services.step() for _ in range(3_000)])
    good = (done.ttft < limits.ttft) & (done.tpot < limits.tpot)
    shares = []
    for rows in (done.row < 100, done.row >= 100):
        counted = rows & (done.sent >= begun[done.row])
        shares.append(good[counted].mean())
    assert shares[0] >= SHARE > shares[1]


def test_the_simulated_engine_keeps_its_users() -> None:
    """A closed loop of n users answers n / E2EL requests a second, and a step of n sequences takes its time."""
    engine = Engine(jitter=0.0, prefill_s=0.0)
    services = Services(engine, 3, 16, seed=1)
    services.limit[:] = [1, 4, 16]
    for _ in range(200):
        services.step()
    begun = services.now.copy()
    done = joined([services.step() for _ in range(2_000)])
    for row, users in enumerate((1, 4, 16)):
        mine = (done.row == row) & (done.sent >= begun[row])
        rate = np.count_nonzero(mine) / (services.now[row] - begun[row])
        assert rate == pytest.approx(users / (done.end - done.sent)[mine].mean(), rel=0.05)
        assert np.median(done.tpot[mine]) == pytest.approx(engine.decode_s + users * engine.decode_seq_s, rel=0.1)
