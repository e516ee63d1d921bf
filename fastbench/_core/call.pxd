from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t

from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.ring cimport Ring, Row, StampRow


cdef struct Deadline:
    Deadline* earlier      # in a line; NULL for the first one
    Deadline* later
    Call* call             # NULL: in no line
    int64_t until_ns


cdef struct Call:
    Call* next             # in a mailbox or a queue
    Deadline overall       # among those in flight
    Deadline attempt       # among those with a connection
    Deadline lingering     # among those whose reply is complete and its message is not
    Row row
    int64_t offset_ns      # open loop: send so long after the start
    int64_t due_ns         # a turn that follows another one, or an attempt: send at this moment; else 0
    int64_t heap_at        # its index in a heap
    bint more              # another turn of its conversation is to follow
    bint answering         # some of its output has come
    bint skip              # not to be sent: it only wants its place among the outcomes
    int retries
    int64_t submitted_ns
    int64_t dispatched_ns  # when the reactor wanted to send it
    int64_t attempt_ns     # when this attempt was sent
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
