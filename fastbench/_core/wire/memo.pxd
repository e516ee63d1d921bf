from libc.stdint cimport uint32_t

from fastbench._core.wire.walk cimport Found


cdef struct Memo:
    char* at               # the last ordinary event as it was framed, without its text
    uint32_t prefix, suffix
    uint32_t room
    Found found


cdef enum:
    MEMO_LEAD = 6          # bytes of an event's usual framing before its data: "data: "
    MEMO_FRAME = 8         # and with the blank line behind them


cdef void keep_memo(Memo* memo, const char* data, size_t size, const Found* found) noexcept nogil
cdef size_t memo_text(const Memo* memo, const char* data, size_t size) noexcept nogil
cdef size_t memo_framed(const Memo* memo, const char* at, const char* end) noexcept nogil
cdef void memo_reset(Memo* memo) noexcept nogil
cdef void memo_free(Memo* memo) noexcept nogil
