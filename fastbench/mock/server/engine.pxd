from libc.stdint cimport int32_t, int64_t, uint64_t

from fastbench.mock.types cimport Stream


cdef struct Node:
    int64_t due_ns
    Stream* stream


cdef struct Heap:
    Node* nodes
    size_t count
    size_t capacity


cdef struct List:
    Stream** items
    size_t count
    size_t capacity


cdef enum:
    NEVER = 0x7FFFFFFFFFFFFFFF


cdef Stream* new_stream(int32_t choices) noexcept nogil
cdef void unref(Stream* s) noexcept nogil
cdef bint heap_push(Heap* heap, int64_t due_ns, Stream* s) noexcept nogil
cdef Stream* heap_pop(Heap* heap) noexcept nogil


cdef class Engine:
    cdef readonly bint batched      # steps of a batch instead of fixed times
    cdef int64_t ttft_ns
    cdef int64_t itl_ns
    cdef double jitter
    cdef double prefill_ns          # per prompt token
    cdef double decode_ns
    cdef double decode_seq_ns
    cdef int64_t decode_cliff       # 0: none
    cdef double wander
    cdef double drift               # the logarithm of the speed as it wanders
    cdef int64_t max_seqs           # 0: no limit
    cdef int64_t max_batched_tokens
    cdef uint64_t seed
    cdef uint64_t steps
    cdef int64_t running            # sequences that have a seat
    cdef int64_t waiting
    cdef int64_t step_due           # NEVER: idle
    cdef int64_t granted_ns         # when the last finished step ended
    cdef Heap due
    cdef List batch
    cdef List ready
    cdef size_t next_ready
    cdef Stream* queue
    cdef Stream* queue_tail

    cdef bint submit(self, Stream* s) noexcept nogil
    cdef int64_t next_due(self) noexcept nogil
    cdef Stream* pop(self, int64_t now) noexcept nogil
    cdef void schedule(self, Stream* s, int32_t tokens) noexcept nogil
    cdef bint wait(self, Stream* s) noexcept nogil
    cdef void leave(self, Stream* s, int64_t now) noexcept nogil
    cdef bint has_seat(self, const Stream* s) noexcept nogil
    cdef void seat(self, Stream* s) noexcept nogil
    cdef Stream* take_queued(self) noexcept nogil
    cdef bint admit(self, int64_t now) noexcept nogil
    cdef double vary(self, double ns, uint64_t seed) noexcept nogil
    cdef double wandered(self, double ns) noexcept nogil
    cdef bint begin_step(self, int64_t start_ns) noexcept nogil
    cdef bint finish_step(self) noexcept nogil
