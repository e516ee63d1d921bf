from fastbench.mock.types cimport Ask, Buffer
from libc.stdint cimport int64_t


cdef bint put_answer(
    Buffer* out, int status, const char* kind, const char* more, const char* body, size_t size, bint close
) noexcept nogil
cdef bint put_error(
    Buffer* out, int status, const char* message, const char* param, int dialect, bint close
) noexcept nogil
cdef bint put_body_error(Buffer* out, int error, const Ask* ask, int dialect, bint close) noexcept nogil


cdef struct Counters:
    int64_t prompt_tokens
    int64_t cached_tokens
    int64_t generation_tokens
    int64_t stopped
    int64_t reached_length
    int64_t aborted


cdef struct State:
    int64_t running
    int64_t waiting
    int64_t seats           # 0: no limit
    double spec_accept      # below 0: no speculative decoding
    double prefix_hits      # below 0: not given
    bint caches             # whether there is a prefix cache


cdef bint put_metrics(
    Buffer* out, const char* model, const Counters* counters, const State* state, bint close
) noexcept nogil
