from libc.stdint cimport int64_t

cdef enum:
    STALLS_KEPT = 4096


cdef struct Stall:
    int64_t start_ns
    int64_t duration_ns


cdef struct Lateness:
    int64_t returned_ns    # when the last poll returned
    int64_t drained_ns     # when the last poll was entered that gave all that was ready
    int64_t drained_before  # the same, as it stood before this iteration
    int64_t count
    bint late              # what this iteration reads may have waited for the reactor
    bint unsure            # something was ready already when the last poll returned, or may have been
    int64_t stalls
    int64_t longest_ns
    Stall kept[STALLS_KEPT]


cdef void lateness_begin(Lateness* lateness, int64_t now_ns) noexcept nogil
cdef void lateness_note(
    Lateness* lateness, int64_t entered_ns, int64_t returned_ns, int events, bint all_ready
) noexcept nogil
cdef int64_t lateness_of_read(
    const Lateness* lateness, int64_t stamp_ns, int64_t noticed_ns, int64_t last_read_ns
) noexcept nogil
