from libc.stdint cimport int32_t

from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.found cimport Found
from fastbench._core.memo cimport Memo
from fastbench._core.walk cimport Node


cdef class OutputSpec:
    cdef Node* nodes
    cdef int32_t count
    cdef bytes names
    cdef const char* name_at
    cdef readonly tuple rules
    cdef readonly bint needs_finish


cdef bint output_find(
    const Node* nodes, const char* names, Memo* memo, const char* data, size_t size, Found* found, Buffer* text
) noexcept nogil
cdef bint is_blank(const char* data, size_t size) noexcept nogil
cdef bint is_done(const char* data, size_t size) noexcept nogil
