"""One time axis for parts that were written on different hosts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastbench.recording.part import Part

_MOMENTS = ("intended_ns", "sent_ns", "headers_ns", "first_token_ns", "last_token_ns", "end_ns")


def shift_ns(part: Part, to: Part) -> int:
    """What a moment of one part's clock needs to stand on another's; 0 on the same host.

    By the wall clocks, corrected by what was measured of their difference (header `clock`, its `offset_ns`).
    """
    if _host(part) == _host(to):
        return 0
    return _wall_zero(part) - _wall_zero(to)


def aligned(parts: Sequence[Part]) -> list[NDArray[np.void]]:
    """The rows of each part on the clock of the first; of the parts that need no shift, their own."""
    tables = []
    for part in parts:
        rows, shift = part.table.rows, shift_ns(part, parts[0])
        if shift:
            rows = rows.copy()
            for name in _MOMENTS:
                rows[name][rows[name] != 0] += shift
        tables.append(rows)
    return tables


def _host(part: Part) -> object:
    host = part.header.get("host", {})
    return host.get("boot_id") or host.get("name")


def _wall_zero(part: Part) -> int:
    """Where the monotonic clock's zero lies on the coordinator's wall clock."""
    header = part.header
    offset = header.get("clock", {}).get("offset_ns", 0)
    return int(header.get("wall_ns", 0)) - int(header.get("mono_ns", 0)) - int(offset)
