from libc.stdint cimport int64_t

from fastbench._core.call cimport Call
from fastbench._core.dispatch.queues cimport DueHeap
from fastbench._core.dispatch.queues cimport CallQueue, Deadlines
from fastbench._core.dispatch.slots cimport Slots
from fastbench._core.ring cimport OUTCOME_COUNT, Ring
from fastbench._core.wire.reply_state cimport End, Reply
from fastbench._core.wire.rules cimport OutputSpec


cdef enum Life:
    # Of a run, which only ever goes on to a later stage, or jumps over some.
    LIFE_RUNNING
    LIFE_WITHDRAWING       # what is not sent is forgotten, nothing is tried again; what is in flight goes on
    LIFE_DRAINING          # what is not sent ends as cancelled, no slot is given back
    LIFE_ABORTING          # what is in flight ends too
    LIFE_ABANDONED         # and conversations get no answers any more


cdef struct Counters:
    # Written by one thread, read by others.
    int64_t launched
    int64_t launched_bytes
    int64_t sent
    int64_t in_flight
    int64_t peak_in_flight
    int64_t answering      # in flight, and some of their output has come
    int64_t withdrawn
    int64_t unsent         # cancelled before they were sent
    int64_t starved
    int64_t retries
    int64_t resent
    int64_t outcomes[OUTCOME_COUNT]


cdef class Dispatcher:
    cdef readonly OutputSpec spec
    cdef readonly int limit    # in flight at most; changed by `set_slots`
    cdef Ring ring
    cdef int spare
    cdef int retry
    cdef bint drop_when_full
    cdef bint closed_loop
    cdef int64_t request_timeout_ns  # of an attempt, from its first byte sent
    cdef int64_t total_timeout_ns  # of a request
    cdef int64_t retry_pause_ns
    cdef int64_t stop_offset_ns
    # The state of the run, set by the reactor.
    cdef Life life
    cdef bint withdrawn        # what is not sent is forgotten, whatever stage follows
    cdef bint out_of_time      # not the user aborts, but the time to end was over
    cdef bint input_closed     # nothing more will be submitted
    cdef int64_t start_ns      # NEVER: not known yet
    # Its own.
    cdef Slots slots           # None = open loop
    cdef int64_t occupied      # requests in flight, and conversations between two of their turns, or not settled yet
    cdef int64_t room_ns       # open loop: when the limit in flight last was no longer reached
    cdef CallQueue ready       # submitted, in the order of their due times
    cdef DueHeap following     # turns that follow another turn of their conversation: it has its slot
    cdef DueHeap pausing       # in flight, to be tried again
    cdef CallQueue resending   # in flight, to be sent once more at once
    cdef CallQueue waiting     # in flight, without a connection yet
    cdef Deadlines flight      # all in flight
    cdef Deadlines attempts    # those with a connection
    cdef Deadlines lingerers   # those whose reply is complete and its message is not
    cdef CallQueue ended       # sealed, for the taker of outcomes
    cdef Counters counters
    cdef Reply scratch         # for calls that end without a connection

    # What comes in.
    cdef void submit(self, Call* call, int64_t now) noexcept nogil
    cdef void release(self, int64_t now) noexcept nogil
    cdef void set_slots(self, int64_t wanted, int64_t first, int64_t now) noexcept nogil
    cdef int64_t known(self, int64_t now) noexcept nogil
    cdef void end_unsent(self, int64_t now) noexcept nogil
    # What is to be sent.
    cdef int64_t next_due(self, int64_t now) noexcept nogil
    cdef Call* take_due(self, int64_t due, int64_t now) noexcept nogil
    cdef Call* take_again(self, int64_t now) noexcept nogil
    cdef int64_t connections_wanted(self) noexcept nogil
    cdef void wait(self, Call* call) noexcept nogil
    cdef Call* take_waiting(self) noexcept nogil
    cdef void prepare(self, Reply* reply, Call* call) noexcept nogil
    # Its counters.
    cdef void begin_attempt(self, Call* call, int64_t now) noexcept nogil
    cdef void note_output(self, Call* call) noexcept nogil
    cdef void note_sent(self, Call* call, int64_t opened_ns, int64_t now) noexcept nogil
    cdef void refuse(self, int64_t connecting, const char* reason, size_t size, int64_t now) noexcept nogil
    cdef void lose(self, Call* call, Reply* reply, End how, bint served, int64_t now) noexcept nogil
    cdef void linger(self, Call* call, int64_t stamp_ns) noexcept nogil
    cdef void finish(self, Call* call, Reply* reply, End how, int64_t end_ns) noexcept nogil
    # What is to end early.
    cdef Call* cancelled(self, const char** reason) noexcept nogil
    cdef Call* expired(self, int64_t now, const char** reason) noexcept nogil
    cdef Call* take_lingerer(self, int64_t now) noexcept nogil
    cdef void end_early(self, Call* call, Reply* reply, End how, const char* reason, int64_t now) noexcept nogil
    cdef bint over(self, bint more_submitted) noexcept nogil

    cdef int64_t next_begun(self, int64_t now) noexcept nogil
    cdef void launch(self, Call* call, int64_t now) noexcept nogil
    cdef void leave_backlog(self, Call* call) noexcept nogil
    cdef bint try_again(self, Call* call, Reply* reply, End how, int64_t now) noexcept nogil
    cdef void vacate(self, int64_t ended_ns) noexcept nogil
    cdef void forget(self, Call* call) noexcept nogil
    cdef void end_begun(self, Call* call, int outcome, const char* reason, int64_t now) noexcept nogil
    cdef void end_following(self, Call* call, int64_t now) noexcept nogil
    cdef void end_one_unsent(self, Call* call, int outcome, const char* reason, int64_t now) noexcept nogil
    cdef void deliver(self, Call* call) noexcept nogil
