"""How many workers a task has, and why."""

import os

import pytest
from msgspec.structs import replace
from tasks import task_of

from fastbench.datasets.dataset import Survey
from fastbench.errors import UsageError
from fastbench.fleet import crew as module
from fastbench.fleet.crew import check_shares, crew_of
from fastbench.load.schedule import NO_LIMIT
from fastbench.units import Duration, Rate

SURVEY = Survey(samples=500, requests=500, longest_output=None, timed=0)
URL = "http://h:1"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """32 processors, each as fast as the one of the calibration: a worker serves 625 streams."""
    monkeypatch.setattr(module, "event_ns", lambda: float(module.CALIBRATED_NS))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(32)))


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("in_flight", "workers"), [(1, 1), (100, 1), (101, 1), (625, 1), (626, 2), (5_000, 8), (100_000, 16), (NO_LIMIT, 1)]
)
def test_as_many_as_the_load_needs(in_flight: int, workers: int) -> None:
    """One worker for as many streams as it can serve, never more than half of the processors; why stands beside it
    wherever there was something to decide. NO_LIMIT stands for no limit, which says nothing of the load."""
    crew = crew_of(task_of(URL, batch_size=in_flight), SURVEY)
    assert crew.workers == workers
    if in_flight <= module.FEW or in_flight == NO_LIMIT:
        assert crew.reasons == ()
    else:
        (reason,) = crew.reasons
        assert reason == (
            f"{workers} of at most 16 workers: {in_flight} in flight, and one worker serves 625 streams of a token "
            "each 10 ms on this machine (1.00 times the CPU of the one it was measured on)"
        )


@pytest.mark.usefixtures("machine")
def test_a_slow_machine_needs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an event costs twice the CPU a worker serves half of the streams."""
    monkeypatch.setattr(module, "event_ns", lambda: 2.0 * module.CALIBRATED_NS)
    crew = crew_of(task_of(URL, batch_size=625), SURVEY)
    assert crew.workers == 3
    assert "312 streams" in crew.reasons[0]
    assert "2.00 times" in crew.reasons[0]


def test_the_real_calibration() -> None:
    """On this machine, whatever it is, thousands in flight get a worker at least and half of the processors at most."""
    crew = crew_of(task_of(URL, batch_size=5_000), SURVEY)
    assert 1 <= crew.workers <= max(1, len(os.sched_getaffinity(0)) // 2)
    assert len(crew.reasons) == 1


def test_as_many_as_asked_for() -> None:
    """A number that was asked for holds, and needs no reason."""
    crew = crew_of(replace(task_of(URL, batch_size=8), workers=3), SURVEY)
    assert (crew.workers, crew.shares_queue, crew.places, crew.requests, crew.reasons) == (3, True, 500, 500, ())


def test_open_loops_are_dealt_out() -> None:
    """A closed loop's workers share a queue, those of an open loop have their own times."""
    asked = replace(task_of(URL, batch_size=8, request_rate=Rate(5.0)), workers=2)
    assert not crew_of(asked, SURVEY).shares_queue
    assert not crew_of(replace(task_of(URL, batch_size=8), workers=1), SURVEY).shares_queue


def test_what_the_workers_have_between_them() -> None:
    """Places are conversations, requests all their turns; where the time decides, nobody knows how many."""
    asked = replace(task_of(URL, batch_size=8), workers=2)
    talks = SURVEY._replace(requests=1_200)
    assert crew_of(asked, talks)[2:4] == (500, 1_200)
    timed = replace(asked, duration=Duration(10**9))
    assert crew_of(timed, talks)[2:4] == crew_of(timed, SURVEY)[2:4] == (None, None)


def test_more_workers_than_requests_in_flight() -> None:
    """Workers, or shares, that could have nothing in flight are refused in one sentence that names the settings."""
    with pytest.raises(UsageError) as caught:
        crew_of(replace(task_of(URL, batch_size=2), workers=3), SURVEY)
    assert str(caught.value) == (
        "workers (--workers) is 3, but only 2 requests may be in flight (--concurrency): each needs one at least"
    )
    with pytest.raises(UsageError, match="--shard has 4 shares, but only 2 requests"):
        check_shares(4, task_of(URL, batch_size=2), SURVEY, "--shard has 4 shares")
