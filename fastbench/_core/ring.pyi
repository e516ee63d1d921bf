from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ESCAPE: Final[int]
"""A stored gap of this value stands for the next entry of the escapes."""
GAP_STEP: Final[int]
"""A stored gap has `rows["gap_base"]` times so many us less than the true one; an escape is the true one."""
OUTCOMES: Final[tuple[str, ...]]
"""Outcome names by code (`rows["outcome"]`); code 0 never stands in a recording."""
FINISHES: Final[tuple[str, ...]]
"""Finish reasons by code (`rows["finish"]`); "other" is a word of the service's that stands in the request's notes."""
GIVEN_UP: Final[int]
"""From this code on a finish reason says that the service gave the request up."""
SOURCES: Final[tuple[str, ...]]
"""Where a token count comes from, by code (`rows["input_source"]`, `rows["output_source"]`)."""
FLAGS: Final[dict[str, int]]
"""Bits of `rows["flags"]` by name."""
ROW_DTYPE: Final[np.dtype[np.void]]
"""One request: moments in ns of CLOCK_MONOTONIC (0 = did not happen), counts, outcome. -1 = not known."""
MARK_DTYPE: Final[np.dtype[np.void]]
"""Output events `event … event+count-1` of a request arrived up to `bound_us` before their stamps."""

def compiled_row(memory: bytes) -> dict[str, Any]:
    """The fields of the row in `memory` (as long as a row) as compiled code reads them."""

def compiled_mark(memory: bytes) -> dict[str, Any]:
    """The same of a mark."""

class Batch:
    """Finished requests as arrays, in the order in which they finished.

    rows: (n,) ROW_DTYPE. gaps: uint16, us; `max(0, events - 1)` per row, in row order.
    escapes: int64, us; `rows["escapes"]` per row. event_tokens: uint16; `events` per row that has the flag.
    marks: (m,) MARK_DTYPE; `rows["marks"]` per row. notes: (index in rows, kind, bytes); kind 1 = the reason of a
    failure (the service's own message, at most 4 KiB), kind 2 = the output's text as JSON string literals, kind 3 = a
    finish reason that has no code.
    """

    rows: NDArray[np.void]
    gaps: NDArray[np.uint16]
    escapes: NDArray[np.int64]
    event_tokens: NDArray[np.uint16]
    marks: NDArray[np.void]
    notes: list[tuple[int, int, bytes]]
    def __init__(
        self,
        rows: NDArray[np.void],
        gaps: NDArray[np.uint16],
        escapes: NDArray[np.int64],
        event_tokens: NDArray[np.uint16],
        marks: NDArray[np.void],
        notes: list[tuple[int, int, bytes]],
    ) -> None: ...

class Ring:
    """Rows for the time stamps of running streams, preallocated and reused."""

    storage: NDArray[np.uint32]
    spilled: int
    def __init__(self, rows: int, row_tokens: int) -> None: ...
    @property
    def in_use(self) -> int: ...

def encode(us: Any, choose: bool = True) -> tuple[int, NDArray[np.uint16], NDArray[np.int64]]:
    """Base, gaps and escapes of one stream. us: (events,) uint32, microseconds since the first event, not falling.

    choose: the base under which few gaps are escapes, else 0.
    """
