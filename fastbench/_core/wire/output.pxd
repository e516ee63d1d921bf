from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.wire.memo cimport Memo
from fastbench._core.wire.rules cimport Rules
from fastbench._core.wire.walk cimport Found


cdef bint output_find(
    const Rules* rules, Memo* memo, const char* data, size_t size, Found* found, Buffer* text
) noexcept nogil
cdef bint is_blank(const char* data, size_t size) noexcept nogil
cdef bint is_done(const char* data, size_t size) noexcept nogil
