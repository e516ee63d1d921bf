from libc.stdint cimport int32_t, int64_t, uint32_t

from fastbench._core.call cimport Call
from fastbench._core.hdr cimport Hdr
from fastbench._core.net cimport Address
from fastbench._core.output cimport OutputSpec
from fastbench._core.reply cimport End, Reply
from fastbench._core.ring cimport Ring
from fastbench._core.turns cimport Turns


cdef enum ConnState:
    CONN_CONNECTING
    CONN_IDLE
    CONN_BUSY


cdef struct Conn:
    Conn* next             # in the idle stack or among the unused
    Conn* earlier          # among all that are open, by the time they were opened
    Conn* later
    int fd
    ConnState state
    bint writing           # the socket did not take the whole request; waits for room
    bint early             # the response began before the request was sent
    uint32_t serial
    uint32_t served        # complete responses so far
    int64_t opened_ns
    int64_t last_read_ns
    int64_t last_stamp_ns
    Call* call
    Reply reply


cdef struct CallQueue:
    Call* head
    Call* tail
    int64_t size


cdef struct Counters:
    int64_t launched
    int64_t launched_bytes
    int64_t sent
    int64_t in_flight
    int64_t peak_in_flight
    int64_t output_events
    int64_t reads
    int64_t unstamped_reads
    int64_t starved
    int64_t retries
    int64_t resent
    int64_t connections
    int64_t connect_failures
    int64_t clock_steps
    int64_t cpu_ns
    int64_t outcomes[12]


cdef class Reactor:
    cdef readonly OutputSpec spec
    cdef readonly Hdr lag
    cdef Ring ring
    cdef Address address
    cdef readonly int limit
    cdef int spare
    cdef int retry
    cdef bint closed_loop
    cdef bint precise
    cdef int64_t connect_timeout_ns
    cdef int64_t request_timeout_ns
    # Between the threads: mailboxes, event descriptors, and flags that only ever go up.
    cdef int64_t submitted
    cdef int64_t submitted_bytes
    cdef Call* inbox
    cdef Call* outbox
    cdef int wake_fd
    cdef int done_fd
    cdef int64_t start_ns
    cdef int input_over
    cdef int draining
    cdef int aborting
    cdef readonly bint running
    cdef readonly bint ended
    # The reactor thread's own.
    cdef int epoll_fd
    cdef int timer_fd
    cdef int stamping_fd
    cdef int64_t armed_ns
    cdef int64_t offset_ns
    cdef int64_t looked_ns
    cdef bint started
    cdef int64_t spares_held_until
    cdef bint anything_done
    cdef CallQueue ready       # submitted, in the order of their due times
    cdef CallQueue again       # in flight, to be sent once more
    cdef CallQueue waiting     # in flight, without a connection yet
    cdef Call* oldest          # in flight, by dispatch
    cdef Call* newest
    cdef int64_t* slots        # closed loop: when each free slot became free, a ring of `limit`
    cdef int slot_head
    cdef int slots_free
    cdef Conn* idle
    cdef Conn* unused
    cdef Conn* first_conn
    cdef Conn* last_conn
    cdef int open_conns
    cdef int connecting
    cdef char* buffer
    cdef Turns turns
    cdef Counters counters
    cdef Reply scratch

    cdef void loop(self) noexcept nogil
    cdef void collect(self) noexcept nogil
    cdef void obey(self) noexcept nogil
    cdef int64_t next_due(self) noexcept nogil
    cdef void dispatch(self) noexcept nogil
    cdef void launch(self, Call* call) noexcept nogil
    cdef void place(self, Call* call) noexcept nogil
    cdef void keep_spares(self, int64_t now) noexcept nogil
    cdef bint open_conn(self, int64_t now) noexcept nogil
    cdef void connect_failed(self, int error) noexcept nogil
    cdef void connected(self, Conn* conn) noexcept nogil
    cdef void close_conn(self, Conn* conn, bint reset) noexcept nogil
    cdef void begin(self, Conn* conn, Call* call) noexcept nogil
    cdef void write(self, Conn* conn) noexcept nogil
    cdef void read(self, Conn* conn) noexcept nogil
    cdef void take_read(self, Conn* conn, ssize_t size, int64_t real_ns) noexcept nogil
    cdef void lose(self, Conn* conn, End how) noexcept nogil
    cdef bint send_again(self, Call* call, Reply* reply, End how) noexcept nogil
    cdef void finish(self, Call* call, Reply* reply, End how, int64_t end_ns) noexcept nogil
    cdef void fail_unsent(self, Call* call, End how, const char* reason) noexcept nogil
    cdef void deliver(self, Call* call) noexcept nogil
    cdef void turn(self) noexcept nogil
    cdef void arm(self, int64_t when_ns) noexcept nogil
    cdef void handle(self, Conn* conn, uint32_t events) noexcept nogil
    cdef void expire(self, int64_t now) noexcept nogil
    cdef void end_early(self, Call* call, End how) noexcept nogil
    cdef void offer(self, Conn* conn) noexcept nogil
    cdef void expire_connecting(self, int64_t now) noexcept nogil
    cdef void look_after(self, int64_t now) noexcept nogil
    cdef void watch_clock(self) noexcept nogil
