from libc.stdint cimport int64_t

cdef enum:
    BUCKETS_A_DOUBLING = 4
    GAP_BUCKETS = 256


cdef struct Gather:
    int64_t ns             # how long; 0: what arrives is looked at at once
    int64_t most_ns        # falls where reads are shared, and rises slowly again
    int64_t looked_ns      # when the counts below were last begun
    int64_t reads
    int64_t shared         # reads with more than one output event
    int64_t unstamped
    int64_t ended          # requests
    int64_t gaps[GAP_BUCKETS]  # reads by the time since the stream's read before


cdef void gather_begin(Gather* gather, int64_t now_ns) noexcept nogil
cdef void gather_note_read(Gather* gather, int64_t gap_ns, bint stamped) noexcept nogil
cdef void gather_note_shared(Gather* gather) noexcept nogil
cdef void gather_look(Gather* gather, int64_t in_flight, int64_t now_ns) noexcept nogil
