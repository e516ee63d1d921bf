"""The mock's timing, on paper: `simulate` runs the very code of the service in virtual time."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from typing import Any

import pytest

from fastbench.mock import make_options
from fastbench.mock.plan import Timing, make_timing
from fastbench.mock.server.engine import simulate

FIXED = Timing(
    batched=False, ttft_ns=100, itl_ns=10, jitter=0.0, prefill_ns=0.0, decode_ns=0.0, decode_seq_ns=0.0, decode_cliff=0,
    wander=0.0, max_seqs=0, max_batched_tokens=8192, seed=1,
)  # fmt: skip
BATCHED = dataclasses.replace(FIXED, batched=True, prefill_ns=10.0, decode_ns=100.0, decode_seq_ns=1.0)


def times(base: Timing, requests: list[tuple[int, int, int]], **changes: Any) -> list[list[int]]:
    return simulate(dataclasses.replace(base, **changes), requests)


def test_fixed_times_count_from_the_arrival() -> None:
    """The first token is due a TTFT after the arrival, each further one an ITL later."""
    assert times(FIXED, [(0, 5, 3), (50, 9, 2)]) == [[100, 110, 120], [150, 160]]


def test_fixed_times_wait_for_a_seat() -> None:
    """With one seat the second request's TTFT counts from the end of the first, in the order of arrival."""
    assert times(FIXED, [(0, 1, 3), (50, 1, 1), (60, 1, 1)], max_seqs=1) == [[100, 110, 120], [220], [320]]


def test_jitter_spreads_gaps_and_keeps_them_in_bounds() -> None:
    """Gaps vary within the fraction given, around the mean, the same for the same seed."""
    first = times(FIXED, [(0, 1, 2000)], jitter=0.5, itl_ns=1_000_000)[0]
    gaps = [b - a for a, b in itertools.pairwise(first)]
    assert min(gaps) >= 500_000
    assert max(gaps) <= 1_500_000
    assert min(gaps) < 600_000 < 1_400_000 < max(gaps)
    assert sum(gaps) / len(gaps) == pytest.approx(1_000_000, rel=0.03)
    assert first == times(FIXED, [(0, 1, 2000)], jitter=0.5, itl_ns=1_000_000)[0]
    assert first != times(FIXED, [(0, 1, 2000)], jitter=0.5, itl_ns=1_000_000, seed=2)[0]


def test_a_lone_request_takes_prefill_then_decode_steps() -> None:
    """5 prompt tokens at 10 ns, then steps of 100 + 1 ns."""
    assert times(BATCHED, [(1000, 5, 3)]) == [[1050, 1151, 1252]]


def test_prefill_of_a_newcomer_delays_who_decodes() -> None:
    """At 50 the newcomer is admitted: 5 x 10 + 100 + 1 = 151 ns; then both decode: 102; then one alone: 101."""
    assert times(BATCHED, [(0, 5, 3), (20, 5, 3)]) == [[50, 201, 303], [201, 303, 404]]


def test_an_idle_engine_starts_with_the_next_arrival() -> None:
    """After a pause the step begins when the request comes."""
    assert times(BATCHED, [(0, 1, 1), (1000, 2, 1)]) == [[10], [1020]]


def test_the_batch_has_no_more_than_its_seats() -> None:
    """The third request waits until the first has left at 120, first in first out."""
    requests = [(0, 1, 2), (0, 1, 3), (0, 1, 1)]
    assert times(BATCHED, requests, max_seqs=2, decode_seq_ns=0.0) == [[10, 120], [120, 230, 330], [230]]


def test_a_step_admits_no_more_prompt_tokens_than_allowed() -> None:
    """60 + 60 prompt tokens do not fit into one step of 100, but one prompt of 150 does, alone."""
    waiting = [(0, 1, 1), (1, 60, 1), (2, 60, 1)]
    assert times(BATCHED, waiting) == [[10], [1210], [1210]]
    assert times(BATCHED, waiting, max_batched_tokens=100) == [[10], [610], [1210]]
    assert times(BATCHED, [(0, 150, 1)], max_batched_tokens=100) == [[1500]]


def test_the_engine_ends_every_request() -> None:
    """200 requests of mixed lengths all get exactly their tokens, in rising order, never before their arrival."""
    requests = [(k * 37, 1 + k % 50, 1 + k % 17) for k in range(200)]
    for base in (FIXED, BATCHED):
        for (arrival, _, tokens), due in zip(requests, times(base, requests, max_seqs=7, jitter=0.3), strict=True):
            assert len(due) == tokens
            assert due == sorted(due)
            assert due[0] > arrival


def test_options_become_ns() -> None:
    """Milliseconds and tokens/s turn into ns; an engine option chooses the engine model."""
    fixed = make_timing(make_options({"ttft_ms": 200, "itl_ms": 0.5}))
    assert (fixed.batched, fixed.ttft_ns, fixed.itl_ns) == (False, 200_000_000, 500_000)
    engine = make_timing(make_options({"prefill_rate": 20_000, "decode_ms": 10, "decode_ms_per_seq": 0.1}))
    assert (engine.batched, engine.prefill_ns, engine.decode_ns, engine.decode_seq_ns) == (True, 5e4, 1e7, 1e5)


def test_a_cliff_makes_steps_longer() -> None:
    """With more sequences decoding than the cliff allows a step takes four times as long."""
    three = [(0, 1, 4)] * 3
    assert times(BATCHED, three)[0] == [10, 131, 234, 337]
    assert times(BATCHED, three, decode_cliff=3)[0] == [10, 131, 234, 337]
    assert times(BATCHED, three, decode_cliff=2)[:2] == [[10, 131, 543, 955], [131, 543, 955, 1057]]


def test_speed_wanders_slowly() -> None:
    """The logarithm of the speed has the standard deviation asked for, and neighbours in time are alike."""
    (found,) = times(BATCHED, [(0, 1, 200_000)], decode_ns=10_000_000.0, decode_seq_ns=0.0, wander=0.1)
    gaps = [math.log((b - a) / 10_000_000) for a, b in itertools.pairwise(found[1:])]
    assert statistics.stdev(gaps) == pytest.approx(0.1, rel=0.1)
    # A step is a hundredth of the second in which the speed forgets itself.
    neighbours = statistics.correlation(gaps[:-1], gaps[1:])
    assert neighbours == pytest.approx(math.exp(-0.01), abs=0.005)
    later = statistics.correlation(gaps[:-300], gaps[300:])
    assert abs(later) < 0.15
