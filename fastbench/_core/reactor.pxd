from libc.stdint cimport int64_t

from fastbench._core.loop cimport Loop


cdef class Reactor(Loop):
    cdef int64_t submitted
    cdef int64_t submitted_bytes
    cdef readonly bint running
    cdef readonly bint ended

    cdef give(self, int64_t orders)
