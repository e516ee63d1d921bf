from libc.stdint cimport int64_t

from fastbench._core.dispatch.dispatcher cimport Life
from fastbench._core.reactor.loop cimport Loop


cdef class Reactor(Loop):
    cdef int64_t submitted
    cdef int64_t submitted_bytes
    cdef readonly bint running
    cdef readonly bint ended

    cdef wish(self, Life life)
