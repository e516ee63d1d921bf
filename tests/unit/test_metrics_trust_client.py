"""Stalls: how much of a time the client stood still."""

import random
from pathlib import Path

import numpy as np
import pytest
from recordings import Request, record

from fastbench.metrics import Selection
from fastbench.metrics.trust.client import Stalls
from fastbench.recording import Recording


@pytest.mark.parametrize("seed", range(20))
def test_stalled_time_is_that_of_each_nanosecond(tmp_path: Path, seed: int) -> None:
    """Of stalls one after the other it is the number of stalled nanoseconds in between, by counting them."""
    rng = random.Random(seed)
    edges = sorted(rng.sample(range(10, 190), 2 * rng.randrange(0, 6)))
    stalls = [[begin, end - begin] for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    rng.shuffle(stalls)
    path = record(tmp_path, [Request(0, sent_ns=1)], health=[{"t_ns": 5, "stalls": stalls}])
    found = Stalls.of(Selection(Recording.open(path)))
    times = [(begin, begin + rng.randrange(0, 100)) for begin in range(0, 200, 7)]
    stalled = {moment for begin, length in stalls for moment in range(begin, begin + length)}
    expected = [len(stalled & set(range(*time))) for time in times]
    begins, ends = np.array(times).T
    assert found.within(begins, ends).tolist() == expected


def test_stalls_before_the_load_are_none(tmp_path: Path) -> None:
    """What was over before the first request went out kept nobody waiting."""
    path = record(tmp_path, [Request(0, sent_ns=100)], health=[{"t_ns": 5, "stalls": [[10, 90], [20, 81]]}])
    assert Stalls.of(Selection(Recording.open(path))).lengths_ns == [81]
