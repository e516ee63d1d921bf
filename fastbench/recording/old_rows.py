"""Rows of older versions of the format, as rows of today's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastbench.recording.format import ROW_DTYPE

_TO_2 = np.dtype(
    [
        *((name, "<i8") for name in ("request", "intended_ns", "sent_ns", "headers_ns", "first_token_ns")),
        *((name, "<i8") for name in ("last_token_ns", "end_ns", "connect_ns", "received_bytes")),
        *((name, "<u4") for name in ("sent_bytes", "sample", "events", "data_events", "shared_events")),
        *((name, "<u4") for name in ("escapes", "marks")),
        *((name, "<i4") for name in ("input_tokens", "output_tokens", "cached_tokens")),
        *((name, "<i4") for name in ("planned_input", "planned_output")),
        *((name, "<u4") for name in ("connection", "session")),
        *((name, "<u2") for name in ("turn", "status")),
        *((name, "u1") for name in ("outcome", "input_source", "output_source", "attempt", "flags", "choices")),
        ("gap_base", "u1"),
        ("padding", "u1", (5,)),
    ]
)
_NEW = 3
"""The first version with today's rows."""


def row_dtype(version: int) -> np.dtype[np.void]:
    """The layout of a row in that version of the format."""
    return ROW_DTYPE if version >= _NEW else _TO_2


def as_rows(data: bytes, version: int) -> NDArray[np.void]:
    """(n,) ROW_DTYPE: the rows that stand in `data`; what older ones do not say is 0, and -1 for counts of tokens."""
    found = np.frombuffer(data, row_dtype(version))
    if found.dtype == ROW_DTYPE:
        return found
    rows = np.zeros(found.size, ROW_DTYPE)
    for name in set(found.dtype.names or ()) - {"padding"}:
        rows[name] = found[name]
    rows["reasoning_tokens"] = -1
    return rows
