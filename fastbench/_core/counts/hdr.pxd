from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t


cdef extern from *:
    int __builtin_clzll(unsigned long long) noexcept nogil


cdef inline int32_t hdr_index(int64_t value, int64_t mask, int unit, int half) noexcept nogil:
    """HdrHistogram's index of `value` >= 0. mask, unit, half: the layout's, see `Hdr`."""
    # Or-ing the mask in keeps the argument of clz above 0 and small values in the first bucket.
    cdef int bucket = 64 - __builtin_clzll(<unsigned long long> (value | mask)) - unit - half - 1
    return <int32_t> (((bucket + 1) << half) + (value >> (bucket + unit)) - (1 << half))


cdef class Hdr:
    cdef readonly object counts
    cdef readonly int64_t lowest
    cdef readonly int64_t highest
    cdef readonly int64_t total
    cdef readonly int64_t minimum
    cdef readonly int64_t maximum
    cdef readonly int64_t clipped
    cdef readonly int digits
    cdef int64_t* base
    cdef int64_t mask
    cdef int unit
    cdef int half
    cdef int32_t length

    cdef void record(self, int64_t value) noexcept nogil
    cdef void clear_nogil(self) noexcept nogil
    cdef int64_t lower_bound(self, int32_t index) noexcept nogil
    cdef int64_t upper_bound(self, int32_t index) noexcept nogil
    cdef void note_index(self, int32_t index, int64_t count) noexcept nogil
