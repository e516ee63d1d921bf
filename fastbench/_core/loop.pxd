from libc.stdint cimport int64_t

from fastbench._core.agenda cimport Agenda
from fastbench._core.call cimport Call, CallQueue, Line
from fastbench._core.connections cimport Conn, Connections
from fastbench._core.output cimport OutputSpec
from fastbench._core.reply_state cimport End, Reply
from fastbench._core.ring cimport OUTCOME_COUNT, Ring
from fastbench._core.slots cimport Slots
from fastbench._core.urgency cimport Urgency


cdef struct Counters:
    int64_t launched
    int64_t launched_bytes
    int64_t sent
    int64_t in_flight
    int64_t peak_in_flight
    int64_t occupied       # requests in flight, and conversations between two of their turns, or not settled yet
    int64_t withdrawn
    int64_t unsent         # cancelled before they were sent
    int64_t output_events
    int64_t starved
    int64_t retries
    int64_t resent
    int64_t cpu_ns
    int64_t outcomes[OUTCOME_COUNT]


cdef enum Order:
    ORDER_END = 1          # nothing more will be submitted
    ORDER_WITHDRAW = 2     # forget what is not sent
    ORDER_DRAIN = 4        # end what is not sent
    ORDER_ABORT = 8        # end what is in flight
    ORDER_ABANDON = 16     # nobody answers for conversations any more
    ORDER_OUT_OF_TIME = 32  # not the user aborts, but the time to end was over


cdef class Loop(Connections):
    cdef readonly OutputSpec spec
    cdef Ring ring
    cdef readonly int limit
    cdef int spare
    cdef int retry
    cdef bint precise
    cdef bint drop_when_full
    cdef int64_t request_timeout_ns  # of an attempt, from its first byte sent
    cdef int64_t total_timeout_ns  # of a request
    cdef int64_t retry_pause_ns
    cdef int64_t stop_offset_ns
    # Between the threads: mailboxes, event descriptors, and numbers that only ever go up, but `hungry`. Python reads
    # the counters too.
    cdef Call* inbox
    cdef int64_t hungry        # the next request wakes the reactor: it may be late for it
    cdef Call* outbox
    cdef int wake_fd
    cdef int done_fd
    cdef int64_t given_start_ns
    cdef int64_t releases
    cdef int64_t given         # orders
    # The reactor thread's own.
    cdef int timer_fd
    cdef int64_t armed_ns
    cdef int64_t looked_ns
    cdef int64_t room_ns       # open loop: when the limit in flight last was no longer reached
    cdef int64_t start_ns      # NEVER: not told yet
    cdef int64_t released
    cdef int64_t orders        # as this turn found them
    cdef bint anything_done
    cdef Slots slots           # None = open loop
    cdef bint closed_loop
    cdef CallQueue ready       # submitted, in the order of their due times
    cdef Agenda following      # turns that follow another turn of their conversation: it has its slot
    cdef Agenda pausing        # in flight, to be tried again
    cdef CallQueue again       # in flight, to be sent once more at once
    cdef CallQueue waiting     # in flight, without a connection yet
    cdef Line flight           # all in flight
    cdef Line attempts         # those with a connection
    cdef Line lingerers        # those whose reply is complete and its message is not
    cdef Counters counters
    cdef Urgency urgency
    cdef Reply scratch         # for calls that end without a connection

    cdef void loop(self) noexcept nogil
    cdef bint over(self) noexcept nogil
    cdef void collect(self) noexcept nogil
    cdef bint fed_meanwhile(self) noexcept nogil
    cdef void receive(self, Call* call) noexcept nogil
    cdef void obey(self) noexcept nogil
    cdef void withdraw_all(self) noexcept nogil
    cdef int64_t next_due(self, int64_t now) noexcept nogil
    cdef int64_t next_begun(self, int64_t now) noexcept nogil
    cdef void dispatch(self, int64_t now) noexcept nogil
    cdef void dispatch_one(self, int64_t now) noexcept nogil
    cdef void launch(self, Call* call) noexcept nogil
    cdef void leave_backlog(self, Call* call) noexcept nogil
    cdef void place(self, Call* call) noexcept nogil
    cdef void keep_spares(self, int64_t now) noexcept nogil
    cdef void begin(self, Conn* conn, Call* call) noexcept nogil
    cdef void begin_attempt(self, Call* call, int64_t now) noexcept nogil
    cdef void prepare(self, Reply* reply, Call* call) noexcept nogil
    cdef void settle_request(self, Conn* conn, bint answered) noexcept nogil
    cdef bint send_again(self, Call* call, Reply* reply, End how) noexcept nogil
    cdef void finish(self, Call* call, Reply* reply, End how, int64_t end_ns) noexcept nogil
    cdef void forget(self, Call* call) noexcept nogil
    cdef void vacate(self, int64_t ended_ns) noexcept nogil
    cdef void end_begun(self, Call* call, int outcome, const char* reason) noexcept nogil
    cdef void end_following(self, Call* call) noexcept nogil
    cdef void end_unsent(self, Call* call, int outcome, const char* reason) noexcept nogil
    cdef void end_early(self, Call* call, End how, const char* reason) noexcept nogil
    cdef void deliver(self, Call* call) noexcept nogil
    cdef void turn(self) noexcept nogil
    cdef void arm(self, int64_t when_ns) noexcept nogil
    cdef void expire(self, int64_t now) noexcept nogil
    cdef void look_after(self, int64_t now) noexcept nogil
    cdef void take_stock(self, int64_t now) noexcept nogil
