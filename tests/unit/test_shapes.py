"""Load shapes and the schedules that they make."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fastbench.config import ProfileStage
from fastbench.datasets import Sample
from fastbench.errors import DatasetError
from fastbench.plan.load import scheduled
from fastbench.plan.shapes import Begun, LoadShape, LoadSpec, read_shape, write_shape
from fastbench.plan.shapes.closed import Concurrency, Pressure
from fastbench.plan.shapes.open import Constant, Ramp, Trace, of_rate
from fastbench.plan.shapes.profile import Profile
from fastbench.plan.shapes.rates import steady
from fastbench.registry import SHAPES
from fastbench.units import Duration, Rate

S = 10**9


def samples(times: list[int | None] | None = None) -> Iterator[tuple[int, Sample]]:
    """Numbered samples, with time stamps where they are given."""
    stamps = itertools.repeat(None) if times is None else times
    return ((number, Sample(index=number, prompt="", timestamp_ns=time)) for number, time in enumerate(stamps))


def test_a_closed_loop() -> None:
    """Without a rate all slots open at the start, and requests have no times of their own."""
    schedule = LoadSpec(shape=Concurrency(), concurrency=3).schedule(9)
    assert (schedule.kind, schedule.limit, schedule.total) == ("closed", 3, 9)
    assert schedule.slots is not None
    assert len(schedule.slots.openings) == 3
    assert [offset for _, _, offset in itertools.islice(scheduled(samples(), schedule), 5)] == [0] * 5


@pytest.mark.parametrize(("burstiness", "arrival"), [(0.0, "constant"), (1.0, "poisson"), (2.0, "gamma")])
def test_an_open_loop(burstiness: float, arrival: str) -> None:
    """With a rate each request has its time, of the process and seed that were asked for."""
    spec = LoadSpec(shape=of_rate(20.0, burstiness), concurrency=5, seed=7, drop_when_full=True)
    schedule = spec.schedule(50)
    assert (schedule.kind, schedule.slots, schedule.drop_when_full) == ("open", None, True)
    assert spec.shape.name == arrival
    times = [offset for _, _, offset in scheduled(itertools.islice(samples(), 50), schedule)]
    assert times == steady(20.0, 50, burstiness, 7).tolist()


def test_a_time_in_an_open_loop() -> None:
    """A duration makes as many requests as fall before its end, more than the data set has or fewer."""
    schedule = LoadSpec(shape=Constant(rate=20.0), concurrency=5, duration_ns=3 * S).schedule(9)
    assert schedule.total == 60
    assert schedule.offsets is not None
    assert schedule.offsets[-1] < 3 * S


def test_a_time_in_a_closed_loop() -> None:
    """How many requests a duration makes, the service decides."""
    schedule = LoadSpec(shape=Concurrency(), concurrency=5, duration_ns=3 * S).schedule(9)
    assert (schedule.total, schedule.duration_ns) == (None, 3 * S)


@pytest.mark.parametrize(
    "ramp", [Ramp(start=2.0, end=20.0), Ramp(start=2.0, end=20.0, strategy="exponential"), Ramp(start=5.0, end=5.0)]
)
def test_a_ramp_fills_its_time(ramp: Ramp) -> None:
    """A ramp over a duration reaches its last rate at its end."""
    offsets = LoadSpec(shape=ramp, concurrency=1, duration_ns=30 * S).schedule(1).offsets
    assert offsets is not None
    assert offsets[-1] == pytest.approx(30 * S, rel=0.02)
    assert S / (offsets[-1] - offsets[-2]) == pytest.approx(ramp.end, rel=0.02)


def test_a_trace() -> None:
    """Each sample of a trace goes out at its own time, faster by the speed."""
    schedule = LoadSpec(shape=Trace(speed=4.0), concurrency=1).schedule(3)
    assert (schedule.timed_by_data, schedule.kind) == (True, "open")
    assert [offset for _, _, offset in scheduled(samples([0, 10, 4 * S]), schedule)] == [0, 2, S]


def test_a_trace_is_cut_by_time() -> None:
    """Of a trace with a duration what begins within it goes out, once; how much that is only the time tells."""
    schedule = LoadSpec(shape=Trace(speed=4.0), concurrency=1, duration_ns=S).schedule(4)
    assert [number for number, *_ in scheduled(samples([0, 10, 4 * S - 4, 4 * S]), schedule)] == [0, 1, 2]
    assert (schedule.total, schedule.planned) == (4, None)


def test_a_trace_without_times() -> None:
    """A sample without a time stamp is refused by its row, and the message names the way out."""
    schedule = LoadSpec(shape=Trace(), concurrency=1).schedule(2)
    with pytest.raises(DatasetError, match=r"row 1 of the data set has no time stamp.*--use-timestamp.*leave it out"):
        list(scheduled(samples([5, None]), schedule))


def test_a_trace_slowed_beyond_what_clocks_hold() -> None:
    """A sample that would go out later than a clock can tell is refused by its row, not sent at a wrong time."""
    schedule = LoadSpec(shape=Trace(speed=0.001), concurrency=1).schedule(2)
    assert [offset for *_, offset in scheduled(samples([5]), schedule)] == [5000]
    with pytest.raises(DatasetError, match=r"row 0 of the data set goes out more than 146 years.*--trace-speed"):
        list(scheduled(samples([2**62]), schedule))


def test_pressure_adds_clients() -> None:
    """Under pressure the clients come at the rate, up to the limit, and the time is the end."""
    schedule = LoadSpec(shape=Pressure(opening=Constant(rate=2.0)), concurrency=4, duration_ns=9 * S).schedule(2)
    assert (schedule.kind, schedule.total) == ("closed", None)
    assert schedule.slots is not None
    assert schedule.slots.openings.tolist() == [0, S // 2, S, 3 * S // 2]


def test_pressure_without_a_rate() -> None:
    """Without a rate all clients are there from the start."""
    schedule = LoadSpec(shape=Pressure(), concurrency=4, duration_ns=9 * S).schedule(2)
    assert schedule.slots is not None
    assert schedule.slots.openings[-1] < S // 100


def test_a_profile_of_rates() -> None:
    """Rates follow each other, each for its time; their sum is the duration."""
    shape = Profile(steps=tuple(ProfileStage(duration=Duration(S), rate=Rate(rate)) for rate in (2.0, 4.0)))
    schedule = LoadSpec(shape=shape, concurrency=9).schedule(1)
    assert (schedule.kind, schedule.total, schedule.duration_ns) == ("open", 6, 2 * S)


def test_a_profile_of_concurrencies() -> None:
    """Concurrencies follow each other; the highest is the limit."""
    shape = Profile(steps=tuple(ProfileStage(duration=Duration(S), concurrency=level) for level in (2, 6, 1)))
    schedule = LoadSpec(shape=shape, concurrency=1).schedule(1)
    assert (schedule.kind, schedule.limit, schedule.total, schedule.duration_ns) == ("closed", 6, None, 3 * S)
    assert schedule.slots is not None
    assert (len(schedule.slots.openings), len(schedule.slots.closings)) == (6, 5)


STEPS = (ProfileStage(duration=Duration(S), rate=Rate(3)), ProfileStage(duration=Duration(2 * S), rate=Rate(0)))
SHAPES_OF_EACH = (
    Concurrency(),
    Pressure(),
    Pressure(opening=Ramp(start=1.0, end=4.0, burstiness=0.5)),
    *(of_rate(3.5, burstiness) for burstiness in (0.0, 1.0, 0.3)),
    Ramp(start=1.0, end=9.0, strategy="exponential"),
    Profile(steps=STEPS, burstiness=1.0),
    Trace(speed=50.0),
)


@pytest.mark.parametrize("shape", SHAPES_OF_EACH, ids=lambda shape: shape.name)
def test_a_recording_holds_the_shape(shape: LoadShape) -> None:
    """A shape that went through a header's JSON is the same shape, of the class that the registry has by its name."""
    told = json.loads(json.dumps(write_shape(shape)))
    assert read_shape({"shape": told}) == shape
    assert SHAPES.get(shape.name) is type(shape)


def test_all_shapes_are_registered() -> None:
    """Each name in the registry leads to the class of that name."""
    assert [shape.name for shape in SHAPES] == list(SHAPES.names())


@pytest.mark.parametrize(
    ("load", "shape"),
    [
        ({"arrival": "concurrency", "rate": None}, Concurrency()),
        ({"arrival": "poisson", "rate": 2.0, "burstiness": 1.0}, of_rate(2.0, 1.0)),
        ({"arrival": "constant", "rate": 2.0}, of_rate(2.0, 0.0)),
        (
            {"arrival": "ramp", "burstiness": 0.5, "ramp": {"strategy": "exponential", "start": 1.0, "end": 2.0}},
            Ramp(start=1.0, end=2.0, strategy="exponential", burstiness=0.5),
        ),
        ({"arrival": "pressure", "rate": 4.0, "burstiness": 0.0, "ramp": None}, Pressure(opening=Constant(rate=4.0))),
        ({"arrival": "trace", "speed": 4.0}, Trace(speed=4.0)),
        (
            {"arrival": "profile", "profile": [{"rate": 3.0, "concurrency": None, "duration_ns": S}]},
            Profile(steps=STEPS[:1]),
        ),
    ],
    ids=lambda value: value.name if isinstance(value, LoadShape) else "",
)
def test_recordings_of_before(load: dict[str, Any], shape: LoadShape) -> None:
    """Headers that have no shape, only its parameters beside each other, lead to the same one."""
    assert read_shape(load) == shape


@pytest.mark.parametrize(
    "load", [{}, {"shape": {"type": "of somebody else"}}, {"shape": {"type": "ramp", "start": "fast", "end": 1}}]
)
def test_a_shape_that_nobody_knows(load: dict[str, Any]) -> None:
    """A header without a shape, with one of a package that is not here, or with a broken one, has no law."""
    shape = read_shape(load)
    begun = Begun(np.array([1, 2]), 2, np.array([1, 2]), np.array([1, 1]))
    assert (shape.rates(3), list(shape.stages(begun)), shape.burstiness) == (None, [], 0)
