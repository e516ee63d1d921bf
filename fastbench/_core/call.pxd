from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t

from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.ring cimport Ring, Row, StampRow


cdef struct Call:
    Call* next             # in a mailbox or a queue
    Call* earlier          # in the list of calls in flight, by the time they were sent
    Call* later
    Row row
    int64_t offset_ns      # open loop: send so long after the start
    int64_t due_ns         # a turn that follows another one: send at this moment; else 0
    bint more              # another turn of its conversation is to follow
    bint skip              # not to be sent: it only wants its place among the outcomes
    int retries
    int64_t submitted_ns
    int64_t dispatched_ns  # when the reactor wanted to send it
    int64_t attempt_ns     # when this attempt was sent
    int64_t deadline_ns
    void* conn             # the connection of this attempt; stale once that serves another call
    char* payload          # the request's bytes, until the first byte of the response
    size_t payload_size
    bint keep_text
    StampRow stamps
    Buffer marks           # of Mark
    Buffer tokens          # uint16 per output event, once one of them has not one token
    Buffer text            # literals of the output
    Buffer note            # why it failed
    Buffer finish          # a finish reason that has no code
    uint16_t* gaps         # set by `call_seal`
    int64_t* escapes


cdef Call* call_new(const char* payload, size_t size) noexcept nogil
cdef void call_free(Call* call) noexcept nogil
cdef void call_drop_payload(Call* call) noexcept nogil
cdef void call_seal(Call* call, Ring ring) noexcept nogil
cdef object take_batch(Call* calls)
cdef void calls_free(Call* calls) noexcept nogil


cdef struct Flight:
    Call* oldest           # in flight, by dispatch
    Call* newest


cdef void flight_add(Flight* flight, Call* call) noexcept nogil
cdef void flight_remove(Flight* flight, Call* call) noexcept nogil


cdef struct CallQueue:
    Call* head
    Call* tail
    int64_t size


cdef void queue_push(CallQueue* queue, Call* call) noexcept nogil
cdef Call* queue_pop(CallQueue* queue) noexcept nogil
cdef bint queue_unlink(CallQueue* queue, Call* call) noexcept nogil
