"""Schedules: what was asked, as a value."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from fastbench.datasets.sample import Sample
from fastbench.errors import DatasetError
from fastbench.load.arrivals import Process, Ramp, steady
from fastbench.load.schedule import Asked, Stage, make_schedule, scheduled

S = 10**9


def samples(times: list[int | None] | None = None) -> Iterator[tuple[int, Sample]]:
    """Numbered samples, with time stamps where they are given."""
    stamps = itertools.repeat(None) if times is None else times
    return ((number, Sample(index=number, prompt="", timestamp_ns=time)) for number, time in enumerate(stamps))


def test_a_closed_loop() -> None:
    """Without a rate all slots open at the start, and requests have no times of their own."""
    schedule = make_schedule(Asked(concurrency=3), 9)
    assert (schedule.kind, schedule.arrival, schedule.limit, schedule.total) == ("closed", "concurrency", 3, 9)
    assert schedule.slots is not None
    assert len(schedule.slots.openings) == 3
    assert [offset for _, _, offset in itertools.islice(scheduled(samples(), schedule), 5)] == [0] * 5


@pytest.mark.parametrize(("burstiness", "arrival"), [(0.0, "constant"), (1.0, "poisson"), (2.0, "gamma")])
def test_an_open_loop(burstiness: float, arrival: str) -> None:
    """With a rate each request has its time, of the process and seed that were asked for."""
    asked = Asked(concurrency=5, rate=20.0, process=Process(burstiness), seed=7, drop_when_full=True)
    schedule = make_schedule(asked, 50)
    assert (schedule.kind, schedule.arrival, schedule.slots, schedule.drop_when_full) == ("open", arrival, None, True)
    times = [offset for _, _, offset in scheduled(itertools.islice(samples(), 50), schedule)]
    assert times == steady(20.0, 50, Process(burstiness), 7).tolist()


def test_a_time_in_an_open_loop() -> None:
    """A duration makes as many requests as fall before its end, more than the data set has or fewer."""
    schedule = make_schedule(Asked(concurrency=5, rate=20.0, duration_ns=3 * S), 9)
    assert schedule.total == 60
    assert schedule.offsets is not None
    assert schedule.offsets[-1] < 3 * S


def test_a_time_in_a_closed_loop() -> None:
    """How many requests a duration makes, the service decides."""
    schedule = make_schedule(Asked(concurrency=5, duration_ns=3 * S), 9)
    assert (schedule.total, schedule.duration_ns) == (None, 3 * S)


def test_a_ramp_needs_no_rate() -> None:
    """A ramp says the rate, whether there is another one or none."""
    ramp = Ramp("linear", 1.0, 10.0)
    with_rate, without = (make_schedule(Asked(concurrency=1, rate=rate, ramp=ramp), 40) for rate in (3.0, 0.0))
    assert with_rate.arrival == without.arrival == "ramp"
    assert np.array_equal(with_rate.offsets, without.offsets)


@pytest.mark.parametrize("ramp", [Ramp("linear", 2.0, 20.0), Ramp("exponential", 2.0, 20.0), Ramp("linear", 5.0, 5.0)])
def test_a_ramp_fills_its_time(ramp: Ramp) -> None:
    """A ramp over a duration reaches its last rate at its end."""
    offsets = make_schedule(Asked(concurrency=1, ramp=ramp, duration_ns=30 * S), 1).offsets
    assert offsets is not None
    assert offsets[-1] == pytest.approx(30 * S, rel=0.02)
    assert S / (offsets[-1] - offsets[-2]) == pytest.approx(ramp.end, rel=0.02)


def test_a_trace() -> None:
    """Each sample of a trace goes out at its own time, faster by the speed; rate and ramp have no say."""
    asked = Asked(concurrency=1, rate=3.0, ramp=Ramp("linear", 1.0, 2.0), trace=True, speed=4.0)
    schedule = make_schedule(asked, 3)
    assert (schedule.arrival, schedule.kind) == ("trace", "open")
    assert [offset for _, _, offset in scheduled(samples([0, 10, 4 * S]), schedule)] == [0, 2, S]


def test_a_trace_is_cut_by_time() -> None:
    """Of a trace with a duration what begins within it goes out, once; how much that is only the time tells."""
    schedule = make_schedule(Asked(concurrency=1, trace=True, speed=4.0, duration_ns=S), 4)
    assert [number for number, *_ in scheduled(samples([0, 10, 4 * S - 4, 4 * S]), schedule)] == [0, 1, 2]
    assert (schedule.total, schedule.planned) == (4, None)


def test_a_trace_without_times() -> None:
    """A sample without a time stamp is refused by its row, and the message names the way out."""
    schedule = make_schedule(Asked(concurrency=1, trace=True), 2)
    with pytest.raises(DatasetError, match=r"row 1 of the data set has no time stamp.*--use-timestamp.*leave it out"):
        list(scheduled(samples([5, None]), schedule))


def test_a_trace_slowed_beyond_what_clocks_hold() -> None:
    """A sample that would go out later than a clock can tell is refused by its row, not sent at a wrong time."""
    schedule = make_schedule(Asked(concurrency=1, trace=True, speed=0.001), 2)
    assert [offset for *_, offset in scheduled(samples([5]), schedule)] == [5000]
    with pytest.raises(DatasetError, match=r"row 0 of the data set goes out more than 146 years.*--trace-speed"):
        list(scheduled(samples([2**62]), schedule))


def test_pressure_adds_clients() -> None:
    """Under pressure the clients come at the rate, up to the limit, and the time is the end."""
    schedule = make_schedule(Asked(concurrency=4, rate=2.0, pressure=True, duration_ns=9 * S), 2)
    assert (schedule.kind, schedule.arrival, schedule.total) == ("closed", "pressure", None)
    assert schedule.slots is not None
    assert schedule.slots.openings.tolist() == [0, S // 2, S, 3 * S // 2]


def test_pressure_without_a_rate() -> None:
    """Without a rate all clients are there from the start."""
    schedule = make_schedule(Asked(concurrency=4, pressure=True, duration_ns=9 * S), 2)
    assert schedule.slots is not None
    assert schedule.slots.openings[-1] < S // 100


def test_a_profile_of_rates() -> None:
    """Rates follow each other, each for its time; their sum is the duration."""
    stages = (Stage(2.0, None, S), Stage(4.0, None, S))
    schedule = make_schedule(Asked(concurrency=9, profile=stages), 1)
    assert (schedule.kind, schedule.arrival, schedule.total, schedule.duration_ns) == ("open", "profile", 6, 2 * S)


def test_a_profile_of_concurrencies() -> None:
    """Concurrencies follow each other; the highest is the limit."""
    stages = (Stage(None, 2, S), Stage(None, 6, S), Stage(None, 1, S))
    schedule = make_schedule(Asked(concurrency=1, profile=stages), 1)
    assert (schedule.kind, schedule.limit, schedule.total, schedule.duration_ns) == ("closed", 6, None, 3 * S)
    assert schedule.slots is not None
    assert (len(schedule.slots.openings), len(schedule.slots.closings)) == (6, 5)
