"""Rows of older versions of the format."""

import numpy as np
import pytest

from fastbench.recording import ROW_DTYPE
from fastbench.recording.format import VERSION
from fastbench.recording.reading.rows import as_rows, row_dtype


@pytest.mark.parametrize("version", [1, 2])
def test_old_rows_become_todays(version: int) -> None:
    """A row of an older version keeps all that it says, and does not know what it lacks."""
    old = np.zeros(2, row_dtype(version))
    assert old.dtype.itemsize == 144
    old["request"], old["end_ns"], old["flags"], old["cached_tokens"] = [7, 8], [70, 80], 0xD5, [-1, 3]
    rows = as_rows(old.tobytes(), version)
    assert rows.dtype == ROW_DTYPE
    assert rows[["request", "end_ns", "flags", "cached_tokens"]].tolist() == [(7, 70, 0xD5, -1), (8, 80, 0xD5, 3)]
    assert rows["reasoning_tokens"].tolist() == [-1, -1]
    assert not rows["message_ns"].any()
    assert not rows["finish"].any()


def test_todays_rows_are_read_in_place() -> None:
    """Rows of today's version are not copied."""
    data = np.ones(3, ROW_DTYPE).tobytes()
    assert np.shares_memory(as_rows(data, VERSION), np.frombuffer(data, ROW_DTYPE))
