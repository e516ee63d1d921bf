from libc.stdint cimport int64_t

from fastbench._core.call cimport Call
from fastbench._core.dispatch.dispatcher cimport Dispatcher
from fastbench._core.reactor.connections cimport Conn, Connections
from fastbench._core.reactor.priority cimport Priority
from fastbench._core.ring cimport Ring
from fastbench._core.wire.reply_state cimport End


cdef struct Wishes:
    # Of any thread, for the reactor's. None is ever taken back; `life` is the last to be set and the first to be read.
    int64_t life           # the stage of the run, a `Life`
    int64_t withdrawn
    int64_t out_of_time
    int64_t input_closed


cdef struct SlotsWish:
    # Of Python, for the reactor's thread: one at a time, `number` is the last to be set and the first to be read.
    int64_t number         # of the wish, from 1
    int64_t wanted
    int64_t first


cdef class Loop(Connections):
    cdef Dispatcher dispatcher
    cdef Ring ring             # the dispatcher's
    cdef bint precise
    # Between the threads: mailboxes, event descriptors, and numbers that only ever go up, but `hungry`. Python reads
    # the counters too.
    cdef Call* inbox
    cdef int64_t hungry        # the next request wakes the reactor: it may be late for it
    cdef Call* outbox
    cdef int wake_fd
    cdef int done_fd
    cdef int64_t patience      # Python is told of ends once fewer are prepared than this; 0 = of each
    cdef int64_t given_start_ns
    cdef int64_t releases
    cdef Wishes wished
    cdef SlotsWish slots_wished
    cdef int64_t slots_set     # the number of the wish that is fulfilled
    cdef int64_t slots_set_ns
    cdef int64_t known_ns      # all that went out before has ended, and is in the outbox
    cdef int64_t output_events
    cdef int64_t cpu_ns
    # The reactor thread's own.
    cdef int timer_fd
    cdef int64_t armed_ns
    cdef int64_t kept_ns       # when the house was last kept
    cdef int64_t released
    cdef bint found            # the last poll had something of a connection
    cdef Priority priority

    cdef void loop(self) noexcept nogil
    cdef void collect(self) noexcept nogil
    cdef void set_slots(self, int64_t wish, int64_t now) noexcept nogil
    cdef bint fed_meanwhile(self) noexcept nogil
    cdef void hand_over(self) noexcept nogil
    cdef void dispatch(self, int64_t now) noexcept nogil
    cdef void place(self, Call* call) noexcept nogil
    cdef void keep_spares(self, int64_t now) noexcept nogil
    cdef void begin(self, Conn* conn, Call* call) noexcept nogil
    cdef void settle_request(self, Conn* conn, bint answered) noexcept nogil
    cdef void end_with_run(self, int64_t now) noexcept nogil
    cdef void expire(self, int64_t now) noexcept nogil
    cdef void end_early(self, Call* call, End how, const char* reason) noexcept nogil
    cdef void iterate(self) noexcept nogil
    cdef bint may_gather(self, int64_t until_due_ns) noexcept nogil
    cdef void arm(self, int64_t when_ns) noexcept nogil
    cdef void keep_house(self, int64_t now) noexcept nogil
    cdef void note_usage(self, int64_t now) noexcept nogil
