# cython: language_level=3
"""When tokens arrived, counted into equal stretches of time."""

cimport cython
from libc.stdint cimport int64_t, uint16_t, uint32_t

from fastbench._core.arrays cimport counts_in, int64s, uint16s, uint32s
from fastbench._core.ring cimport GAP_ESCAPE


@cython.cdivision(True)
def count_arrivals(gaps, escapes, int64_t base_us, first_ns, events, int64_t width_ns, bins):
    # Bounds: `needed` gaps are read, and `escaped` never exceeds the escapes there are; both are checked.
    cdef const uint16_t* gap_us = uint16s(gaps)
    cdef const int64_t* escape_us = int64s(escapes)
    cdef const int64_t* first = int64s(first_ns)
    cdef const uint32_t* event_counts = uint32s(events)
    cdef int64_t* counted = counts_in(bins)
    cdef Py_ssize_t rows = first_ns.size, escapes_count = escapes.size, bins_count = bins.size
    cdef Py_ssize_t row, _k, gap = 0, escaped = 0
    cdef int64_t needed = 0, at, edge, place, count
    if events.size != rows or width_ns < 1:
        raise ValueError("each row has a first moment and a number of events, and a stretch takes time")
    for row in range(rows):
        needed += <int64_t> event_counts[row] - 1 if event_counts[row] else 0
    if needed > gaps.size:
        raise ValueError("the rows have more events than there are gaps")
    with nogil:
        for row in range(rows):
            if not event_counts[row]:
                continue
            at = first[row]
            place = at // width_ns if at >= 0 else -1
            edge = (place + 1) * width_ns
            count = 1
            for _k in range(<Py_ssize_t> event_counts[row] - 1):
                if gap_us[gap] != GAP_ESCAPE:
                    at += (base_us + gap_us[gap]) * 1000
                elif escaped < escapes_count:
                    at += escape_us[escaped] * 1000
                    escaped += 1
                gap += 1
                if at >= edge:
                    if 0 <= place < bins_count:
                        counted[place] += count
                    count = 0
                    place = at // width_ns
                    edge = (place + 1) * width_ns
                count += 1
            if 0 <= place < bins_count:
                counted[place] += count
