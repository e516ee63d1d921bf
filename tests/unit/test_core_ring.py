"""Storage of time stamps: gaps with escapes, and the tables that name a row's codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbench._core.ring import ESCAPE, FLAGS, GAP_STEP, MARK_DTYPE, OUTCOMES, ROW_DTYPE, SOURCES, Ring, encode

METRICS_OUTCOMES = {
    "ok", "http_error", "stream_error", "malformed", "truncated", "timeout", "reset", "refused", "empty",
    "cancelled", "dropped",
}  # fmt: skip


def whole(base: int, gaps: np.ndarray, escapes: np.ndarray) -> np.ndarray:
    """The true gaps of a stream."""
    found = gaps.astype(np.int64) + base * GAP_STEP
    found[gaps == ESCAPE] = escapes
    return found


@given(st.lists(st.one_of(st.integers(0, 3), st.integers(65_530, 65_540), st.integers(0, 1 << 22)), max_size=60))
def test_gaps_come_back(steps: list[int]) -> None:
    """Gaps and escapes give back every distance between neighbouring stamps."""
    us = np.cumsum([0, *steps]).astype(np.uint32)
    base, gaps, escapes = encode(us, choose=False)
    assert gaps.dtype == np.uint16
    assert base == 0
    assert whole(base, gaps, escapes).tolist() == steps


@pytest.mark.parametrize(("gap", "escaped"), [(0, False), (65_534, False), (65_535, True), (65_536, True)])
def test_escape_begins_at_its_mark(gap: int, escaped: bool) -> None:
    """A gap of 65,534 us is stored as it is; from 65,535 us on it is the escape's next entry."""
    _, gaps, escapes = encode(np.array([7, 7 + gap], dtype=np.uint32), choose=False)
    assert gaps.tolist() == [ESCAPE if escaped else gap]
    assert escapes.tolist() == ([gap] if escaped else [])


def test_largest_gap() -> None:
    """The whole range of a stamp fits in one escape."""
    _, gaps, escapes = encode(np.array([0, 0xFFFFFFFF], dtype=np.uint32), choose=False)
    assert gaps.tolist() == [ESCAPE]
    assert escapes.tolist() == [0xFFFFFFFF]


@given(
    st.integers(0, 1 << 23),
    st.lists(st.one_of(st.integers(0, 3), st.integers(0, 70_000), st.integers(0, 1 << 22)), max_size=60),
)
def test_gaps_come_back_above_any_base(least: int, steps: list[int]) -> None:
    """Whatever base is chosen, gaps, base and escapes give back every distance, those below the base among them."""
    true = [least % 300_000 + step if k % 5 else step for k, step in enumerate(steps)]
    us = np.cumsum([0, *true]).astype(np.uint32)
    assert whole(*encode(us)).tolist() == true


@pytest.mark.parametrize("around_us", [20_000, 39_000, 66_000, 100_000, 500_000, 4_000_000])
def test_slow_streams_need_no_escapes(around_us: int) -> None:
    """Gaps within 30 ms of each other fit in 2 bytes however long they are, up to 4.2 s."""
    steps = np.random.default_rng(1).integers(around_us - 15_000, around_us + 15_000, 1000)
    base, gaps, escapes = encode(np.cumsum([0, *steps]).astype(np.uint32))
    assert escapes.size == 0
    assert (base == 0) == (around_us < 40_000)
    assert np.array_equal(whole(base, gaps, escapes), steps)


def test_the_base_with_the_fewest_escapes() -> None:
    """Where a few long pauses lift the mean, the many short gaps keep their 2 bytes."""
    steps = np.array([20_000] * 99 + [9_000_000])
    base, _, escapes = encode(np.cumsum([0, *steps]).astype(np.uint32))
    assert (base, escapes.tolist()) == (0, [9_000_000])


@pytest.mark.parametrize("events", [0, 1])
def test_no_gap_without_two_events(events: int) -> None:
    """No event and one event have no gap."""
    _, gaps, escapes = encode(np.zeros(events, dtype=np.uint32))
    assert gaps.size == escapes.size == 0


@pytest.mark.parametrize(("rows", "row_tokens"), [(0, 4), (4, 0), (-1, 4)])
def test_an_empty_ring_is_refused(rows: int, row_tokens: int) -> None:
    """A ring has at least one row of one token."""
    with pytest.raises(ValueError, match="at least one"):
        Ring(rows, row_tokens)


def test_a_new_ring_is_free() -> None:
    """A ring starts with its rows unused, in the shape that was asked for."""
    ring = Ring(3, 5)
    assert (ring.in_use, ring.spilled, ring.storage.shape) == (0, 0, (3, 5))


def test_outcomes_are_those_of_the_specification() -> None:
    """The codes name each outcome of the metrics once, behind a code that no recording has."""
    assert OUTCOMES[0] == "none"
    assert set(OUTCOMES[1:]) == METRICS_OUTCOMES
    assert len(OUTCOMES) == len(METRICS_OUTCOMES) + 1


def test_flags_are_single_bits() -> None:
    """Each flag has a bit of its own in the row's field."""
    assert sorted(FLAGS.values()) == [1 << k for k in range(len(FLAGS))]
    assert max(FLAGS.values()) < 1 << 8 * ROW_DTYPE["flags"].itemsize


def test_rows_have_no_hidden_bytes() -> None:
    """The fields of a row fill it without gaps, so that a row on disk is defined byte by byte."""
    for dtype in (ROW_DTYPE, MARK_DTYPE):
        assert dtype.names is not None
        assert sum(dtype[name].itemsize for name in dtype.names) == dtype.itemsize
    assert SOURCES == ("unknown", "token_ids", "usage", "tokenizer", "events")
