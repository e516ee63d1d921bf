# cython: language_level=3
"""When tokens arrived, counted into equal stretches of time."""

cimport cython
from libc.stdint cimport int64_t, uint16_t, uint32_t

from fastbench._core.ring cimport GAP_ESCAPE


@cython.boundscheck(False)
@cython.wraparound(False)
@cython.cdivision(True)
def count_arrivals(
    const uint16_t[::1] gaps, const int64_t[::1] escapes, int64_t base_us, const int64_t[::1] first_ns,
    const uint32_t[::1] events, int64_t width_ns, int64_t[::1] bins,
):
    # Bounds: `needed` gaps are read, and `escaped` never exceeds the escapes there are; both are checked.
    cdef Py_ssize_t rows = first_ns.shape[0], row, _k, gap = 0, escaped = 0
    cdef int64_t needed = 0, at, edge, place, count
    if events.shape[0] != rows or width_ns < 1:
        raise ValueError("each row has a first moment and a number of events, and a stretch takes time")
    for row in range(rows):
        needed += <int64_t> events[row] - 1 if events[row] else 0
    if needed > gaps.shape[0]:
        raise ValueError("the rows have more events than there are gaps")
    with nogil:
        for row in range(rows):
            if not events[row]:
                continue
            at = first_ns[row]
            place = at // width_ns if at >= 0 else -1
            edge = (place + 1) * width_ns
            count = 1
            for _k in range(<Py_ssize_t> events[row] - 1):
                if gaps[gap] != GAP_ESCAPE:
                    at += (base_us + gaps[gap]) * 1000
                elif escaped < escapes.shape[0]:
                    at += escapes[escaped] * 1000
                    escaped += 1
                gap += 1
                if at >= edge:
                    if 0 <= place < bins.shape[0]:
                        bins[place] += count
                    count = 0
                    place = at // width_ns
                    edge = (place + 1) * width_ns
                count += 1
            if 0 <= place < bins.shape[0]:
                bins[place] += count
