# cython: language_level=3
"""Counts in HdrHistogram's own bucket layout, and the kernel that counts stored token gaps.

Layout (HdrHistogram, G. Tene): a value's bucket is the power of two above it, cut into `2 ** half` linear
steps, so that neighbouring steps differ by less than one part in `10 ** digits`.
"""

import numpy as np
from fastbench._core.arrays cimport counts_in, int64s, uint16s, uint32s
from fastbench._core.ring cimport GAP_ESCAPE, Mark
from fastbench._core.shared cimport shared_add, shared_get
from libc.stdint cimport INT64_MAX, int64_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

GAP_VALUES = 65536

cdef enum:
    TABLES = 4
    VALUES = 65536


cdef class Hdr:
    def __cinit__(self, int64_t lowest=1, int64_t highest=3_600_000_000_000, int digits=3):
        if not 1 <= digits <= 5:
            raise ValueError("digits must be 1 to 5")
        if lowest < 1 or highest < 2 * lowest or highest >= 1 << 61:
            raise ValueError("a histogram needs 1 <= lowest, 2 * lowest <= highest < 2 ** 61")
        self.lowest = lowest
        self.highest = highest
        self.digits = digits
        self.unit = int(lowest).bit_length() - 1
        self.half = int(2 * float(10**digits) - 1).bit_length() - 1
        cdef int64_t steps = <int64_t> 1 << (self.half + 1)
        self.mask = (steps - 1) << self.unit
        cdef int buckets = 1
        while steps << (self.unit + buckets - 1) <= highest:
            buckets += 1
        self.length = (buckets + 1) << self.half
        self.counts = np.zeros(self.length, dtype=np.int64)
        self.base = counts_in(self.counts)
        self.clear_nogil()

    cdef void record(self, int64_t value) noexcept nogil:
        """Counts one value; one outside 0 … highest is kept at the nearer end and counted as clipped."""
        if value > self.highest:
            value = self.highest
            self.clipped += 1
        elif value < 0:
            value = 0
            self.clipped += 1
        # 0 <= value <= highest, for which __cinit__ sized the counts: the index is below `length`.
        shared_add(&self.base[hdr_index(value, self.mask, self.unit, self.half)], 1)
        self.total += 1
        if value < self.minimum:
            self.minimum = value
        if value > self.maximum:
            self.maximum = value

    cdef void clear_nogil(self) noexcept nogil:
        memset(self.base, 0, <size_t> self.length * sizeof(int64_t))
        self.total = 0
        self.clipped = 0
        self.minimum = INT64_MAX
        self.maximum = 0

    cdef int64_t lower_bound(self, int32_t index) noexcept nogil:
        cdef int bucket = (index >> self.half) - 1
        cdef int64_t step = (index & ((1 << self.half) - 1)) + (<int64_t> 1 << self.half)
        if bucket < 0:
            return (step - (<int64_t> 1 << self.half)) << self.unit
        return step << (bucket + self.unit)

    cdef int64_t upper_bound(self, int32_t index) noexcept nogil:
        cdef int bucket = (index >> self.half) - 1
        return self.lower_bound(index) + (<int64_t> 1 << (self.unit + (bucket if bucket > 0 else 0))) - 1

    cdef void note_index(self, int32_t index, int64_t count) noexcept nogil:
        self.base[index] += count
        self.total += count
        self.minimum = min(self.minimum, self.lower_bound(index))
        self.maximum = max(self.maximum, min(self.upper_bound(index), self.highest))

    def counts_now(self):
        counts = np.empty(self.length, dtype=np.int64)
        cdef int64_t* at = counts_in(counts)
        cdef int32_t index
        for index in range(self.length):
            at[index] = shared_get(&self.base[index])
        return counts

    def clear(self):
        self.clear_nogil()

    def index_of(self, int64_t value):
        if not 0 <= value <= self.highest:
            raise ValueError("the value is outside the histogram's range")
        return hdr_index(value, self.mask, self.unit, self.half)

    def record_values(self, values):
        array = np.ascontiguousarray(values, dtype=np.int64)
        cdef const int64_t* at = int64s(array)
        cdef Py_ssize_t n = array.size, k
        with nogil:
            for k in range(n):
                self.record(at[k])

    def add(self, Hdr other not None):
        if (self.lowest, self.highest, self.digits) != (other.lowest, other.highest, other.digits):
            raise ValueError("histograms of different layouts cannot be added")
        self.counts += other.counts
        self.total += other.total
        self.clipped += other.clipped
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)

    def value_at_percentile(self, double percentile):
        cdef int64_t wanted = max(1, <int64_t> (min(percentile, 100.0) * self.total / 100 + 0.5))
        cdef int64_t seen = 0
        cdef int32_t index
        for index in range(self.length):
            seen += self.base[index]
            if seen >= wanted:
                return self.upper_bound(index) if percentile else self.lower_bound(index)
        return 0

    def sparse(self):
        indices = np.flatnonzero(self.counts)
        return np.column_stack((indices, self.counts[indices])).tolist()

    def add_sparse(self, pairs):
        cdef int64_t index, count
        for index, count in pairs:
            if not 0 <= index < self.length or count < 0:
                raise ValueError(f"[{index}, {count}] is no entry of this histogram's layout")
            if count:
                self.note_index(<int32_t> index, count)

    def to_hdrh(self):
        from hdrh.histogram import HdrHistogram

        histogram = HdrHistogram(self.lowest, self.highest, self.digits)
        np.frombuffer(histogram.counts, dtype=np.int64)[:] = self.counts
        histogram.total_count = self.total
        if self.total:
            histogram.min_value = self.minimum
            histogram.max_value = self.maximum
        return histogram


def count_gaps(gaps, counts):
    """Adds to `counts[v]` how often v stands in `gaps`, without the GIL."""
    # Bounds: a uint16 is below 65,536, the size of counts (checked), and k runs over gaps alone.
    if counts.size != VALUES:
        raise ValueError("the counts of gaps have 65,536 entries")
    cdef const uint16_t* gap_us = uint16s(gaps)
    cdef int64_t* counted = counts_in(counts)
    cdef Py_ssize_t n = gaps.size, k
    if n < VALUES // 4:
        with nogil:
            for k in range(n):
                counted[gap_us[k]] += 1
        return
    # Equal neighbours would wait for each other's store: four tables keep them apart.
    cdef uint32_t* tables = <uint32_t*> calloc(TABLES * VALUES, sizeof(uint32_t))
    if tables == NULL:
        raise MemoryError()
    cdef Py_ssize_t start = 0, span
    with nogil:
        while start < n:
            # A table's uint32 cannot overflow within 2 ** 31 gaps.
            span = min(n - start, <Py_ssize_t> 1 << 31)
            count_span(gap_us + start, span, tables)
            drain(tables, counted)
            start += span
        free(tables)


cdef void drain(uint32_t* tables, int64_t* counts) noexcept nogil:
    """Adds the four tables up into `counts` and empties them."""
    cdef Py_ssize_t v
    for v in range(VALUES):
        counts[v] += <int64_t> tables[v] + tables[VALUES + v]
        counts[v] += <int64_t> tables[2 * VALUES + v] + tables[3 * VALUES + v]
    memset(tables, 0, TABLES * VALUES * sizeof(uint32_t))


cdef void count_span(const uint16_t* gaps, Py_ssize_t n, uint32_t* tables) noexcept nogil:
    cdef Py_ssize_t k = 0
    cdef uint64_t four
    while k + 4 <= n:
        # Read as one word: four separate loads would each wait for the stores before them.
        memcpy(&four, &gaps[k], sizeof(four))
        tables[four & 0xFFFF] += 1
        tables[VALUES + ((four >> 16) & 0xFFFF)] += 1
        tables[2 * VALUES + ((four >> 32) & 0xFFFF)] += 1
        tables[3 * VALUES + (four >> 48)] += 1
        k += 4
    while k < n:
        tables[gaps[k]] += 1
        k += 1


def move_gaps(gaps, escapes, int64_t base_us, events, escaped, marked, marks, counts, far):
    # Bounds: the sums are checked against the arrays; a mark's events are checked against its row's before they are
    # looked at; marks do not overlap, so no gap is moved twice, and `far` has room for each that can be.
    cdef const uint16_t* gap_us = uint16s(gaps)
    cdef const int64_t* escape_us = int64s(escapes)
    cdef const uint32_t* event_counts = uint32s(events)
    cdef const uint32_t* escape_counts = uint32s(escaped)
    cdef const uint32_t* mark_counts = uint32s(marked)
    cdef const Mark* mark_at = <const Mark*> uint32s(marks)
    cdef int64_t* counted = counts_in(counts)
    cdef int64_t* far_us = counts_in(far)
    cdef Py_ssize_t rows = events.size, row, gap = 0, mark = 0, escape = 0, ahead, g, k, stop, passed
    cdef int64_t needed = 0, needed_escapes = 0, needed_marks = 0, in_marks = 0
    cdef int64_t[4] held
    cdef int64_t count, bound, value, end
    if escaped.size != rows or marked.size != rows or marks.shape[1:] != (3,) or counts.shape[:1] != (2,):
        raise ValueError("each row has its numbers of events, escapes and marks")
    cdef Py_ssize_t size = counts.shape[1], marks_count = marks.shape[0]
    for row in range(rows):
        needed += <int64_t> event_counts[row] - 1 if event_counts[row] else 0
        needed_escapes += escape_counts[row]
        needed_marks += mark_counts[row]
    for k in range(marks_count):
        in_marks += mark_at[k].count
    if needed > gaps.size or needed_escapes > escapes.size or needed_marks > marks_count:
        raise ValueError("the rows have more gaps, escapes or marks than there are")
    if far.shape[:2] != (2, 2) or far.shape[2] < min(in_marks, needed):
        raise ValueError("there is no room for gaps that are beyond the counts")
    cdef Py_ssize_t room = far.shape[2]
    held[0] = held[1] = held[2] = held[3] = 0
    cdef bint fits = True
    with nogil:
        for row in range(rows):
            ahead = <Py_ssize_t> event_counts[row] - 1 if event_counts[row] else 0
            end = 0       # of the marks so far, in events
            passed = 0    # gaps of the row before which all escapes were counted
            count = 0     # escapes before there
            for k in range(mark, mark + <Py_ssize_t> mark_counts[row]):
                if mark_at[k].event < end or <int64_t> mark_at[k].event + mark_at[k].count > event_counts[row]:
                    fits = False
                    break
                bound = mark_at[k].bound_us
                end = <int64_t> mark_at[k].event + mark_at[k].count
                # Gap g lies between the events g and g + 1: that before a marked event is the shorter for it, that
                # behind it the longer.
                stop = <Py_ssize_t> end if end < ahead else ahead
                g = <Py_ssize_t> mark_at[k].event - 1 if mark_at[k].event else 0
                while g < stop:
                    value = gap_us[gap + g]
                    if value != GAP_ESCAPE:
                        value += base_us
                    else:
                        while passed < g:
                            count += gap_us[gap + passed] == GAP_ESCAPE
                            passed += 1
                        if count >= escape_counts[row]:
                            fits = False
                            break
                        value = escape_us[escape + count]
                    if g + 1 >= <Py_ssize_t> mark_at[k].event and g + 1 < end:
                        move(value, value - bound if value > bound else 0, counted, size, far_us,
                             far_us + room, &held[0])
                    if g >= <Py_ssize_t> mark_at[k].event:
                        move(value, value + bound if value < INT64_MAX - bound else INT64_MAX, counted + size, size,
                             far_us + 2 * room, far_us + 3 * room, &held[2])
                    g += 1
                if not fits:
                    break
            if not fits:
                break
            gap += ahead
            mark += mark_counts[row]
            escape += escape_counts[row]
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
