"""Prepared requests: numbers, ids, times, one after the other."""

import itertools
from collections.abc import Iterator

import pytest

from fastbench.datasets.sample import Sample
from fastbench.load.arrivals import constant
from fastbench.load.plan import planned


def samples(count: int | None = None) -> Iterator[Sample]:
    """Samples whose index is not their place in the plan."""
    numbers = itertools.count() if count is None else range(count)
    return (Sample(index=1000 + number, prompt=f"p{number}") for number in numbers)


def encode(sample: Sample, request_id: str) -> bytes:
    return f"{sample.index} {request_id}".encode()


def test_numbers_and_ids() -> None:
    """Requests are numbered from 0, and their ids hold the run's id and their number."""
    found = list(planned(samples(5), encode, run_id="r1", rate=0, default_output=9))
    assert [item.request for item in found] == [0, 1, 2, 3, 4]
    assert [item.sample for item in found] == [1000, 1001, 1002, 1003, 1004]
    assert [item.payload for item in found] == [f"{1000 + k} fb-r1-{k}".encode() for k in range(5)]


@pytest.mark.parametrize("rate", [0.5, 1000.0, 3333.3])
def test_the_times_of_an_open_loop(rate: float) -> None:
    """In an open loop requests have the arrival times of the rate, across the blocks in which these are made."""
    found = [item.offset_ns for item in planned(samples(3000), encode, run_id="r", rate=rate, default_output=1)]
    assert found == constant(rate, 0, 3000).tolist()


def test_a_closed_loop_has_no_times() -> None:
    """Without a rate every request's time is the start."""
    found = planned(samples(2000), encode, run_id="r", rate=0, default_output=1)
    assert {item.offset_ns for item in found} == {0}


def test_lengths_that_are_planned() -> None:
    """A sample's own lengths stand in the plan; without them input is not known and output is the default."""
    pair = iter([Sample(index=0, prompt="a"), Sample(index=1, prompt="b", input_len=7, output_len=3)])
    found = list(planned(pair, encode, run_id="r", rate=0, default_output=9))
    assert [(item.planned_input, item.planned_output) for item in found] == [(-1, 9), (7, 3)]


def test_requests_are_made_as_they_are_taken() -> None:
    """A plan without end is no problem: nothing is encoded before it is asked for."""
    made: list[str] = []

    def noting(sample: Sample, request_id: str) -> bytes:
        made.append(request_id)
        return b""

    plan = planned(samples(), noting, run_id="r", rate=100.0, default_output=1)
    assert made == []
    assert [next(plan).request for _ in range(3)] == [0, 1, 2]
    assert made == ["fb-r-0", "fb-r-1", "fb-r-2"]
