"""The load that was asked for, as a header tells it."""

from typing import Any

import numpy as np
import pytest

from fastbench.config import ProfileStage
from fastbench.metrics.asked import AskedLoad
from fastbench.plan.shapes import LoadShape, write_shape
from fastbench.plan.shapes.closed import Concurrency, Pressure
from fastbench.plan.shapes.open import Constant, Gamma, Poisson, Ramp, Trace
from fastbench.plan.shapes.profile import Profile
from fastbench.plan.shapes.recorded import Unknown
from fastbench.units import Duration, Rate

S = 10**9
STEPS = (
    ProfileStage(duration=Duration(3 * S), rate=Rate(5.0)),
    ProfileStage(duration=Duration(4 * S), rate=Rate(0.0)),
)


@pytest.mark.parametrize(
    ("shape", "rates"),
    [
        (Constant(rate=5.0), [5.0] * 4),
        (Gamma(rate=5.0, burstiness=0.5), [5.0] * 4),
        (Ramp(start=10.0, end=40.0), [10.0, 20.0, 30.0, 40.0]),
        (Ramp(start=10.0, end=80.0, strategy="exponential"), [10.0, 20.0, 40.0, 80.0]),
        (Pressure(opening=Constant(rate=2.0)), [2.0] * 4),
        (Pressure(), None),
        (Concurrency(), None),
        (Trace(), None),
        (Profile(steps=STEPS), None),
    ],
    ids=lambda value: value.name if isinstance(value, LoadShape) else "",
)
def test_the_rate_of_each_request(shape: LoadShape, rates: list[float] | None) -> None:
    """Each request's rate is that of its place in the law; where no single law says it there is none."""
    found = AskedLoad.of({"shape": write_shape(shape)}).rates(4)
    assert (found is None) == (rates is None)
    assert rates is None or np.allclose(found, rates, rtol=1e-12)


def test_the_rate_of_a_single_request() -> None:
    """A ramp of one request begins and ends at its start."""
    load = {"shape": write_shape(Ramp(start=10.0, end=40.0))}
    assert AskedLoad.of(load).rates(1) == pytest.approx([10.0])


@pytest.mark.parametrize(("kind", "arrival"), [("open", "constant"), ("closed", "concurrency")])
def test_what_an_old_header_does_not_tell(kind: str, arrival: str) -> None:
    """A header of few words has the plainest load of its kind, without limits and without a law."""
    assert AskedLoad.of({"kind": kind}) == AskedLoad(kind, arrival, Unknown(), None, None, None)
    assert AskedLoad.of({}).kind == "closed"


@pytest.mark.parametrize(
    ("load", "shape"),
    [
        ({"arrival": "gamma", "rate": 5, "burstiness": 2, "ramp": None}, Gamma(rate=5.0, burstiness=2.0)),
        (
            {"arrival": "ramp", "rate": 40.0, "ramp": {"strategy": "linear", "start": 10.0, "end": 40.0}},
            Ramp(start=10.0, end=40.0),
        ),
        ({"arrival": "concurrency", "rate": 2.0}, Concurrency()),
        (
            {
                "arrival": "profile",
                "profile": [
                    {"rate": 5.0, "concurrency": None, "duration_ns": 3 * S},
                    {"rate": 0.0, "concurrency": None, "duration_ns": 4 * S},
                ],
            },
            Profile(steps=STEPS),
        ),
    ],
)
def test_a_header_of_before_shapes(load: dict[str, Any], shape: LoadShape) -> None:
    """Where a header has the parameters beside each other, the law is that of the same shape; scatter too."""
    found = AskedLoad.of({"kind": "open", **load})
    assert (found.arrival, found.shape, found.burstiness) == (load["arrival"], shape, shape.burstiness)


def test_all_that_a_header_tells() -> None:
    """Kind, name, rate, limit and number are those of the header, the scatter is the shape's."""
    load = {"kind": "open", "arrival": "poisson", "rate": 5, "concurrency": 8, "planned": 9}
    found = AskedLoad.of({**load, "shape": write_shape(Poisson(rate=5.0))})
    assert found == AskedLoad("open", "poisson", Poisson(rate=5.0), 5.0, 8, 9)
    assert found.burstiness == 1.0
    assert found.is_open
    assert not found.adds_clients


def test_clients_are_added_under_pressure_alone() -> None:
    """Only a pressure load's law is that of its clients."""
    shapes = (Concurrency(), Pressure(), Constant(rate=1.0), Trace(), Profile(steps=STEPS), Unknown())
    adding = [shape.name for shape in shapes if AskedLoad.of({"shape": write_shape(shape)}).adds_clients]
    assert adding == ["pressure"]
