"""Columns of integers as short text."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbench.report.page.document import pack


def unpacked(column: dict) -> np.ndarray:
    """What the page's scripts read, by numpy."""
    planes = zlib.decompress(base64.b64decode(column["data"]), wbits=-15)
    size = np.dtype(column["type"]).itemsize
    values = np.frombuffer(planes, np.uint8).reshape(size, -1).T.copy().view(column["type"]).ravel().astype(np.int64)
    return np.cumsum(values) if column["rising"] else values


@given(st.lists(st.integers(-(2**53), 2**53)), st.booleans())
def test_nothing_is_lost(values: list[int], rising: bool) -> None:
    """Whatever integers a column has, they come back."""
    column = sorted(values) if rising else values
    if rising and column and column[-1] - column[0] > 2**53:
        return
    packed = pack(np.array(column, np.int64), rising=rising)
    assert packed["count"] == len(column)
    assert unpacked(packed).tolist() == column


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], "uint8"),
        ([0, 255], "uint8"),
        ([-1, 127], "int8"),
        ([256], "uint16"),
        ([-129], "int16"),
        ([65_536], "uint32"),
        ([-32_769], "int32"),
        ([2**32], "float64"),
    ],
)
def test_the_smallest_type(values: list[int], kind: str) -> None:
    """A column takes the smallest type that holds its extremes."""
    assert pack(np.array(values, np.int64))["type"] == kind


def test_small_differences_make_a_short_text() -> None:
    """A rising column with even steps takes almost no room."""
    assert len(pack(np.arange(100_000) * 1_000, rising=True)["data"]) < 1_000
