"""Storage of time stamps: gaps with escapes, and the tables that name a row's codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbench._core.ring import ESCAPE, FLAGS, MARK_DTYPE, OUTCOMES, ROW_DTYPE, SOURCES, Ring, encode

METRICS_OUTCOMES = {
    "ok", "http_error", "stream_error", "malformed", "truncated", "timeout", "reset", "refused", "empty",
    "cancelled", "dropped",
}  # fmt: skip


def decode(gaps: np.ndarray, escapes: np.ndarray) -> np.ndarray:
    whole = gaps.astype(np.int64)
    whole[gaps == ESCAPE] = escapes
    return whole


@given(st.lists(st.one_of(st.integers(0, 3), st.integers(65_530, 65_540), st.integers(0, 1 << 22)), max_size=60))
def test_gaps_come_back(steps: list[int]) -> None:
    """Gaps and escapes give back every distance between neighbouring stamps."""
    us = np.cumsum([0, *steps]).astype(np.uint32)
    gaps, escapes = encode(us)
    assert gaps.dtype == np.uint16
    assert decode(gaps, escapes).tolist() == steps


@pytest.mark.parametrize(("gap", "escaped"), [(0, False), (65_534, False), (65_535, True), (65_536, True)])
def test_escape_begins_at_its_mark(gap: int, escaped: bool) -> None:
    """A gap of 65,534 us is stored as it is; from 65,535 us on it is the escape's next entry."""
    gaps, escapes = encode(np.array([7, 7 + gap], dtype=np.uint32))
    assert gaps.tolist() == [ESCAPE if escaped else gap]
    assert escapes.tolist() == ([gap] if escaped else [])


def test_largest_gap() -> None:
    """The whole range of a stamp fits in one escape."""
    gaps, escapes = encode(np.array([0, 0xFFFFFFFF], dtype=np.uint32))
    assert gaps.tolist() == [ESCAPE]
    assert escapes.tolist() == [0xFFFFFFFF]


@pytest.mark.parametrize("events", [0, 1])
def test_no_gap_without_two_events(events: int) -> None:
    """No event and one event have no gap."""
    gaps, escapes = encode(np.zeros(events, dtype=np.uint32))
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
    """Each flag has a bit of its own in the row's byte."""
    assert sorted(FLAGS.values()) == [1 << k for k in range(len(FLAGS))]
    assert max(FLAGS.values()) < 256


def test_rows_have_no_hidden_bytes() -> None:
    """The fields of a row fill it without gaps, so that a row on disk is defined byte by byte."""
    for dtype in (ROW_DTYPE, MARK_DTYPE):
        assert dtype.names is not None
        assert sum(dtype[name].itemsize for name in dtype.names) == dtype.itemsize
    assert SOURCES == ("unknown", "token_ids", "usage", "tokenizer", "events")
