from libc.stdint cimport int64_t

from fastbench._core.call cimport Call
from fastbench._core.ring cimport Ring
from fastbench._core.wire.reply_state cimport End, Reply
from fastbench._core.wire.rules cimport Rules


cdef enum ReplyStep:
    REPLY_MORE         # the response goes on
    REPLY_COMPLETE     # the message is complete, the connection may serve again
    REPLY_BROKEN       # what came is not HTTP; the connection is of no further use


cdef void reply_begin(Reply* reply, Call* call, const Rules* rules) noexcept nogil
cdef void reply_free(Reply* reply) noexcept nogil
cdef ReplyStep reply_feed(
    Reply* reply, Ring ring, const char* data, size_t size, int64_t stamp_ns, int64_t late_ns, size_t* left
) noexcept nogil
cdef bint reply_started(const Reply* reply) noexcept nogil
cdef bint reply_ends_with_connection(const Reply* reply) noexcept nogil
cdef void reply_end(Reply* reply, Ring ring, End how, int64_t now_ns) noexcept nogil
