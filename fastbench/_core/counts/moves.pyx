# cython: language_level=3
"""Token gaps with their marked events at their earliest: what their counts lose by it, and what they gain."""

cimport cython
from libc.stdint cimport INT64_MAX, int64_t, uint16_t, uint32_t

from fastbench._core.ring cimport GAP_ESCAPE


@cython.boundscheck(False)
@cython.wraparound(False)
def move_gaps(
    const uint16_t[::1] gaps, const int64_t[::1] escapes, int64_t base_us, const uint32_t[::1] events,
    const uint32_t[::1] escaped, const uint32_t[::1] marked, const uint32_t[:, ::1] marks,
    int64_t[:, ::1] counts, int64_t[:, :, ::1] far,
):
    # Bounds: the sums are checked against the arrays; a mark's events are checked against its row's before they are
    # looked at; marks do not overlap, so no gap is moved twice, and `far` has room for each that can be.
    cdef Py_ssize_t rows = events.shape[0], row, gap = 0, mark = 0, escape = 0, ahead, g, k, stop, passed
    cdef int64_t needed = 0, needed_escapes = 0, needed_marks = 0, in_marks = 0
    cdef int64_t[4] held
    cdef int64_t count, bound, value, end
    if escaped.shape[0] != rows or marked.shape[0] != rows or marks.shape[1] != 3 or counts.shape[0] != 2:
        raise ValueError("each row has its numbers of events, escapes and marks")
    for row in range(rows):
        needed += <int64_t> events[row] - 1 if events[row] else 0
        needed_escapes += escaped[row]
        needed_marks += marked[row]
    for k in range(marks.shape[0]):
        in_marks += marks[k, 1]
    if needed > gaps.shape[0] or needed_escapes > escapes.shape[0] or needed_marks > marks.shape[0]:
        raise ValueError("the rows have more gaps, escapes or marks than there are")
    if far.shape[0] != 2 or far.shape[1] != 2 or far.shape[2] < min(in_marks, needed):
        raise ValueError("there is no room for gaps that are beyond the counts")
    held[0] = held[1] = held[2] = held[3] = 0
    cdef bint fits = True
    with nogil:
        for row in range(rows):
            ahead = <Py_ssize_t> events[row] - 1 if events[row] else 0
            end = 0       # of the marks so far, in events
            passed = 0    # gaps of the row before which all escapes were counted
            count = 0     # escapes before there
            for k in range(mark, mark + <Py_ssize_t> marked[row]):
                if marks[k, 0] < end or <int64_t> marks[k, 0] + marks[k, 1] > events[row]:
                    fits = False
                    break
                bound = marks[k, 2]
                end = <int64_t> marks[k, 0] + marks[k, 1]
                # Gap g lies between the events g and g + 1: that before a marked event is the shorter for it, that
                # behind it the longer.
                stop = <Py_ssize_t> end if end < ahead else ahead
                g = <Py_ssize_t> marks[k, 0] - 1 if marks[k, 0] else 0
                while g < stop:
                    value = gaps[gap + g]
                    if value != GAP_ESCAPE:
                        value += base_us
                    else:
                        while passed < g:
                            count += gaps[gap + passed] == GAP_ESCAPE
                            passed += 1
                        if count >= escaped[row]:
                            fits = False
                            break
                        value = escapes[escape + count]
                    if g + 1 >= <Py_ssize_t> marks[k, 0] and g + 1 < end:
                        move(value, value - bound if value > bound else 0, &counts[0, 0], counts.shape[1],
                             &far[0, 0, 0], &far[0, 1, 0], &held[0])
                    if g >= <Py_ssize_t> marks[k, 0]:
                        move(value, value + bound if value < INT64_MAX - bound else INT64_MAX, &counts[1, 0],
                             counts.shape[1], &far[1, 0, 0], &far[1, 1, 0], &held[2])
                    g += 1
                if not fits:
                    break
            if not fits:
                break
            gap += ahead
            mark += marked[row]
            escape += escaped[row]
    if not fits:
        raise ValueError("its marks or escapes do not fit its events")
    return held[0], held[1], held[2], held[3]


cdef inline void move(
    int64_t value, int64_t moved, int64_t* counts, Py_ssize_t size, int64_t* taken, int64_t* put, int64_t* held
) noexcept nogil:
    """Takes a gap from where it is counted, or from the far ones, and puts it where it has moved."""
    if value < size:
        counts[value] -= 1
    else:
        taken[held[0]] = value
        held[0] += 1
    if moved < size:
        counts[moved] += 1
    else:
        put[held[1]] = moved
        held[1] += 1
