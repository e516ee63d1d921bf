from libc.stdint cimport int64_t

from fastbench.mock.types cimport Buffer


cdef struct Counters:
    int64_t prompt_tokens
    int64_t generation_tokens
    int64_t stopped
    int64_t reached_length
    int64_t aborted


cdef struct State:
    int64_t running
    int64_t waiting
    int64_t seats           # 0: no limit
    double spec_accept      # below 0: no speculative decoding
    double prefix_hits      # below 0: no prefix cache


cdef bint put_metrics(
    Buffer* out, const char* model, const Counters* counters, const State* state, bint close
) noexcept nogil
