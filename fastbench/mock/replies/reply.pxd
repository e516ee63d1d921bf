from libc.stdint cimport int32_t

from fastbench.mock.types cimport DIALECT_COUNT, Buffer, Stream
from fastbench.mock.replies.wire cimport Fill, Wire


cdef enum RoleMode:
    ROLE_NONE
    ROLE_OWN
    ROLE_JOINED


cdef class Script:
    cdef Wire wire
    cdef int role                       # RoleMode; only chat has roles
    cdef bint finish_own[<int> DIALECT_COUNT]
    cdef bint usage_joined[<int> DIALECT_COUNT]
    cdef bint usage_on_finish[<int> DIALECT_COUNT]
    cdef bint usage_final[<int> DIALECT_COUNT]      # a usage event or usage on the finish reason, when asked for
    cdef bint usage_each
    cdef bint usage_always
    cdef int32_t reasoning
    cdef int32_t tokens_per_event
    cdef int done
    cdef bint upper
    cdef bytes stream_head
    cdef bytes close_head
    cdef bytes json_head
    cdef const char* heads[3]           # the three above: chunked stream, close-delimited stream, JSON
    cdef size_t head_sizes[3]

    cdef bint reasons(self, const Stream* s) noexcept nogil
    cdef bint start(self, Stream* s) noexcept nogil
    cdef bint put_head(self, Buffer* out, Stream* s) noexcept nogil
    cdef bint put_comment(self, Buffer* out, Stream* s) noexcept nogil
    cdef int32_t step_size(self, const Stream* s) noexcept nogil
    cdef int step(self, Buffer* out, Stream* s) noexcept nogil
    cdef bint emit(self, Buffer* out, Stream* s, int kind, bint usage, const Fill* fill) noexcept nogil
    cdef void begin(self, Buffer* out, Stream* s) noexcept nogil
    cdef void put_event(self, Buffer* out, Stream* s, const Fill* fill, bint final) noexcept nogil
    cdef void put_tail(self, Buffer* out, Stream* s) noexcept nogil
    cdef void put_own(self, Buffer* out, Stream* s, int kind, bint usage, const Fill* fill) noexcept nogil
    cdef void put_body(self, Buffer* out, Stream* s) noexcept nogil
    cdef bint fire(self, Buffer* out, Stream* s) noexcept nogil
