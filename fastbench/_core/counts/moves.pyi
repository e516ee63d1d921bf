import numpy as np
from numpy.typing import NDArray

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
