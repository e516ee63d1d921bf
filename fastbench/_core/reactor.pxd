from libc.stdint cimport int64_t

from fastbench._core.call cimport Call, CallQueue
from fastbench._core.connections cimport Conn, Connections
from fastbench._core.output cimport OutputSpec
from fastbench._core.reply cimport End, Reply
from fastbench._core.ring cimport Ring


cdef struct Counters:
    int64_t launched
    int64_t launched_bytes
    int64_t sent
    int64_t in_flight
    int64_t peak_in_flight
    int64_t output_events
    int64_t starved
    int64_t retries
    int64_t resent
    int64_t cpu_ns
    int64_t outcomes[12]


cdef class Reactor(Connections):
    cdef readonly OutputSpec spec
    cdef Ring ring
    cdef readonly int limit
    cdef int spare
    cdef int retry
    cdef bint closed_loop
    cdef bint precise
    cdef int64_t request_timeout_ns
    # Between the threads: mailboxes, event descriptors, and flags that only ever go up.
    cdef Call* inbox
    cdef Call* outbox
    cdef int wake_fd
    cdef int done_fd
    cdef int64_t submitted
    cdef int64_t submitted_bytes
    cdef int64_t start_ns
    cdef int input_over
    cdef int draining
    cdef int aborting
    cdef readonly bint running
    cdef readonly bint ended
    # The reactor thread's own.
    cdef int timer_fd
    cdef int64_t armed_ns
    cdef int64_t looked_ns
    cdef bint started
    cdef bint anything_done
    cdef CallQueue ready       # submitted, in the order of their due times
    cdef CallQueue again       # in flight, to be sent once more
    cdef CallQueue waiting     # in flight, without a connection yet
    cdef Call* oldest          # in flight, by dispatch
    cdef Call* newest
    cdef int64_t* slots        # closed loop: when each slot that is free again became free, a ring of `limit`
    cdef int slot_head
    cdef int slots_free
    cdef int slots_opened      # slots used so far, from the start on
    cdef Counters counters
    cdef Reply scratch         # for calls that end without a connection

    cdef void loop(self) noexcept nogil
    cdef bint over(self) noexcept nogil
    cdef void collect(self) noexcept nogil
    cdef void obey(self) noexcept nogil
    cdef int64_t next_slot(self, bint take) noexcept nogil
    cdef int64_t next_due(self) noexcept nogil
    cdef void dispatch(self) noexcept nogil
    cdef void launch(self, Call* call) noexcept nogil
    cdef void leave_backlog(self, Call* call) noexcept nogil
    cdef void place(self, Call* call) noexcept nogil
    cdef void keep_spares(self, int64_t now) noexcept nogil
    cdef void begin(self, Conn* conn, Call* call) noexcept nogil
    cdef void prepare(self, Reply* reply, Call* call) noexcept nogil
    cdef void settle_request(self, Conn* conn, bint answered) noexcept nogil
    cdef bint send_again(self, Call* call, Reply* reply, End how) noexcept nogil
    cdef void finish(self, Call* call, Reply* reply, End how, int64_t end_ns) noexcept nogil
    cdef void cancel_unsent(self, Call* call) noexcept nogil
    cdef void end_early(self, Call* call, End how) noexcept nogil
    cdef void deliver(self, Call* call) noexcept nogil
    cdef void turn(self) noexcept nogil
    cdef void arm(self, int64_t when_ns) noexcept nogil
    cdef void expire(self, int64_t now) noexcept nogil
    cdef void look_after(self, int64_t now) noexcept nogil
