from fastbench._core.wire.reply_state cimport Reply


cdef void name_coding(Reply* reply) noexcept nogil
cdef void decide_by_label(Reply* reply) noexcept nogil
cdef void decide_kind(Reply* reply, const char* at, size_t size) noexcept nogil
