from fastbench.mock.types cimport Head


cdef enum Method:
    METHOD_OTHER
    METHOD_GET
    METHOD_POST


cdef enum HeadError:
    HEAD_OK
    HEAD_INCOMPLETE
    HEAD_BAD
    HEAD_TOO_LARGE


cdef int read_head(const char* data, size_t size, size_t* scanned, Head* head) noexcept nogil
