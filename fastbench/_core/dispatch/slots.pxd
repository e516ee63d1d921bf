from libc.stdint cimport int64_t


cdef class Slots:
    cdef object openings       # keep the arrays alive
    cdef object closings
    cdef const int64_t* opens
    cdef const int64_t* closes
    cdef int64_t opens_count
    cdef int64_t closes_count
    cdef int64_t opened        # slots opened so far
    cdef int64_t closed
    cdef int64_t* freed        # when each slot that is free again became free, a ring
    cdef int64_t room
    cdef int64_t head
    cdef int64_t free_count
    cdef int64_t present       # slots that there are, or will be once `surplus` of them have closed
    cdef int64_t surplus       # of those in use, so many close when they are given back

    cdef int64_t next(self, int64_t now) noexcept nogil
    cdef int64_t take(self, int64_t now) noexcept nogil
    cdef void give_back(self, int64_t freed) noexcept nogil
    cdef void drop_free(self) noexcept nogil
    cdef void close_due(self, int64_t now) noexcept nogil
    cdef void resize(self, int64_t wanted, int64_t now, int64_t step) noexcept nogil
