import numpy as np
from numpy.typing import NDArray

def count_arrivals(
    gaps: NDArray[np.uint16],
    escapes: NDArray[np.int64],
    base_us: int,
    first_ns: NDArray[np.int64],
    events: NDArray[np.uint32],
    width_ns: int,
    bins: NDArray[np.int64],
) -> None:
    """Adds the output events of some rows to `bins[t // width_ns]`, t being their arrival, without the GIL.

    gaps, escapes: of all the rows, one after the other, µs; the gaps less `base_us`. first_ns, events: (rows,), the
    first event's arrival and the number of events of each row. What lies outside of all bins is not counted.
    ValueError when the arrays do not agree.
    """
