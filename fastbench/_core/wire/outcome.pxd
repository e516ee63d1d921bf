from fastbench._core.ring cimport Outcome
from fastbench._core.wire.reply_state cimport End, Reply


cdef enum:
    NOTE_LIMIT = 4096      # bytes of a failed response's body that are kept as its reason


cdef void because(Reply* reply, const char* reason) noexcept nogil
cdef void give_up(Reply* reply, const char* reason) noexcept nogil
cdef int count_choices(const Reply* reply) noexcept nogil
cdef void settle_tokens(Reply* reply) noexcept nogil
cdef Outcome decide(Reply* reply, End how, bint whole) noexcept nogil
cdef void write_note(Reply* reply) noexcept nogil
