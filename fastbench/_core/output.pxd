from libc.stdint cimport int32_t, uint32_t

from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.found cimport Found, Role
from fastbench._core.memo cimport Memo


cdef struct Node:
    int32_t child      # first key of an object here, 0 = none
    int32_t sibling    # next key of the same object, 0 = none
    int32_t element    # node of an array's elements here, 0 = none
    uint32_t key       # offset and size of the key's name in the spec's `names`
    uint32_t key_size
    Role role


cdef class OutputSpec:
    cdef Node* nodes
    cdef int32_t count
    cdef bytes names
    cdef const char* name_at
    cdef readonly tuple rules
    cdef readonly bint needs_finish


cdef void capture_text(Buffer* text, Role role, const char* literal, size_t size) noexcept nogil
cdef bint output_walk(
    const Node* nodes, const char* names, const char* data, size_t size, Found* found, Buffer* text
) noexcept nogil
cdef bint output_find(
    const Node* nodes, const char* names, Memo* memo, const char* data, size_t size, Found* found, Buffer* text
) noexcept nogil
cdef bint is_blank(const char* data, size_t size) noexcept nogil
cdef bint is_done(const char* data, size_t size) noexcept nogil
