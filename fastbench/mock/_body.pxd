from libc.stdint cimport int64_t

from fastbench.mock._types cimport Ask


cdef enum BodyError:
    BODY_OK
    BODY_JSON
    BODY_TYPE
    BODY_MISSING
    BODY_RANGE


cdef int read_body(const char* data, size_t size, bint chat, Ask* ask) noexcept nogil
