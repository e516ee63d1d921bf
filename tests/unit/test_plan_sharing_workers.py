"""How many workers a task has, and why."""

import os

import pytest

from fastbench.errors import UsageError
from fastbench.plan import sharing as module
from fastbench.plan.shapes import NO_LIMIT, LoadSpec, Schedule
from fastbench.plan.shapes.closed import Concurrency
from fastbench.plan.shapes.open import Constant
from fastbench.plan.sharing import Machine, check_shares, worker_plan
from fastbench.run.machine import this_machine

MACHINE = Machine(32, lambda: float(module.CALIBRATED_NS))
"""32 processors, each as fast as the one of the calibration: a worker serves 625 streams."""


def in_flight(limit: int) -> Schedule:
    return LoadSpec(shape=Concurrency(), concurrency=limit).schedule(500)


@pytest.mark.parametrize(
    ("limit", "count"), [(1, 1), (100, 1), (101, 1), (625, 1), (626, 2), (5_000, 8), (100_000, 16), (NO_LIMIT, 1)]
)
def test_as_many_as_the_load_needs(limit: int, count: int) -> None:
    """One worker for as many streams as it can serve, never more than half of the processors; why stands beside it
    wherever there was something to decide. NO_LIMIT stands for no limit, which says nothing of the load."""
    plan = worker_plan("auto", in_flight(limit), MACHINE)
    assert plan.count == count
    if limit <= module.FEW or limit == NO_LIMIT:
        assert plan.reasons == ()
    else:
        (reason,) = plan.reasons
        assert reason == (
            f"{count} of at most 16 workers: {limit} in flight, and one worker serves 625 streams of a token "
            "each 10 ms on this machine (1.00 times the CPU of the one it was measured on)"
        )


def test_a_slow_machine_needs_more() -> None:
    """Where an event costs twice the CPU a worker serves half of the streams."""
    slow = MACHINE._replace(event_ns=lambda: 2.0 * module.CALIBRATED_NS)
    plan = worker_plan("auto", in_flight(625), slow)
    assert plan.count == 3
    assert "312 streams" in plan.reasons[0]
    assert "2.00 times" in plan.reasons[0]


def test_a_machine_is_looked_at_where_it_matters() -> None:
    """The calibration, which takes milliseconds, is not asked for where nothing depends on it."""

    def never() -> float:
        raise AssertionError("the calibration was asked for")

    machine = Machine(32, never)
    assert worker_plan("auto", in_flight(100), machine).count == 1
    assert worker_plan(3, in_flight(5_000), machine).count == 3


def test_the_real_calibration() -> None:
    """On this machine, whatever it is, thousands in flight get a worker at least and half of the processors at most."""
    plan = worker_plan("auto", in_flight(5_000), this_machine())
    assert 1 <= plan.count <= max(1, len(os.sched_getaffinity(0)) // 2)
    assert len(plan.reasons) == 1


def test_as_many_as_asked_for() -> None:
    """A number that was asked for holds, and needs no reason."""
    plan = worker_plan(3, in_flight(8), MACHINE)
    assert (plan.count, plan.shares_queue, plan.reasons) == (3, True, ())


def test_open_loops_are_dealt_out() -> None:
    """A closed loop's workers share a queue, those of an open loop have their own times."""
    timed = LoadSpec(shape=Constant(rate=5.0), concurrency=8).schedule(500)
    assert not worker_plan(2, timed, MACHINE).shares_queue
    assert not worker_plan(1, in_flight(8), MACHINE).shares_queue


def test_more_workers_than_requests_in_flight() -> None:
    """Workers, or shares, that could have nothing in flight are refused in one sentence that names the settings."""
    with pytest.raises(UsageError) as caught:
        worker_plan(3, in_flight(2), MACHINE)
    assert str(caught.value) == (
        "workers (--workers) is 3, but at most 2 may be in flight (--concurrency): each needs one request at least"
    )
    with pytest.raises(UsageError, match="--shard has 4 shares, but at most 2 may"):
        check_shares(4, in_flight(2), "--shard has 4 shares")
