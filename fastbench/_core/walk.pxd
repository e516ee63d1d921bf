from libc.stdint cimport int32_t, uint32_t

from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.found cimport Found, Role


cdef struct Node:
    int32_t child      # first key of an object here, 0 = none
    int32_t sibling    # next key of the same object, 0 = none
    int32_t element    # node of an array's elements here, 0 = none
    uint32_t key       # offset and size of the key's name in the spec's `names`
    uint32_t key_size
    Role role


cdef void capture_text(Buffer* text, Role role, const char* literal, size_t size) noexcept nogil
cdef bint walk_document(
    const Node* nodes, const char* names, const char* data, size_t size, bint document, Found* found, Buffer* text
) noexcept nogil
