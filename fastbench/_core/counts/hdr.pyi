from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

GAP_VALUES: Final[int]
"""How many values a stored gap can have: the length of the counts for `count_gaps`."""

class Hdr:
    """Counts of int64 values in HdrHistogram's bucket layout, bucket for bucket that of the `hdrhistogram` package."""

    counts: NDArray[np.int64]
    """(buckets,) the counts themselves, not a copy."""
    lowest: int
    highest: int
    digits: int
    total: int
    minimum: int
    """The least value recorded; 2**63 - 1 while there is none. After `add_sparse` a bucket's lower end."""
    maximum: int
    """The greatest value recorded; 0 while there is none. After `add_sparse` a bucket's upper end."""
    clipped: int
    """Values outside 0 … highest; each is counted at the nearer end."""
    def __init__(self, lowest: int = 1, highest: int = 3_600_000_000_000, digits: int = 3) -> None: ...
    def counts_now(self) -> NDArray[np.int64]:
        """(buckets,) a copy of the counts, which another thread may be raising."""

    def clear(self) -> None: ...
    def index_of(self, value: int) -> int:
        """The bucket of a value in 0 … highest; ValueError outside."""
    def record_values(self, values: Any) -> None:
        """Counts each value of an integer array."""
    def add(self, other: Hdr) -> None:
        """Adds another histogram of the same layout; ValueError for a different one."""
    def value_at_percentile(self, percentile: float) -> int:
        """The upper end of the bucket that holds the percentile (0 … 100), as HdrHistogram defines it; 0 if empty."""
    def sparse(self) -> list[list[int]]:
        """[index, count] of each bucket that is not empty, in rising order."""
    def add_sparse(self, pairs: Iterable[Iterable[int]]) -> None:
        """Adds what `sparse` gave; ValueError for an index outside the layout or a negative count."""
    def to_hdrh(self) -> Any:
        """An `hdrh.histogram.HdrHistogram` with the same counts, total, minimum and maximum."""

def count_gaps(gaps: NDArray[np.uint16], counts: NDArray[np.int64]) -> None:
    """Adds to `counts[v]`, (65,536,), how often v stands in `gaps`. Works without the GIL."""

def move_gaps(
    gaps: NDArray[np.uint16],
    escapes: NDArray[np.int64],
    base_us: int,
    events: NDArray[np.uint32],
    escaped: NDArray[np.uint32],
    marked: NDArray[np.uint32],
    marks: NDArray[np.uint32],
    counts: NDArray[np.int64],
    far: NDArray[np.int64],
) -> tuple[int, int, int, int]:
    """How the counts of some rows' gaps change when each marked event comes as early as it may, without the GIL.

    gaps, escapes: of all the rows, one after the other, µs; the gaps less `base_us`. events, escaped, marked: (rows,),
    how many events, escapes and marks each row has. marks: (m, 3), event, count and bound in µs of each.
    counts: (2, size), added to: the change in how often each value is there, of the shortest and of the longest gaps.
    far: (2, 2, room), of each those from `size` on that went and that came; room: as many as marked events, or gaps
    where these are fewer. Returns how many of these there are. ValueError when the arrays do not agree, or marks
    overlap or reach beyond their row's events.
    """
