from libc.stdint cimport int64_t, uint32_t

from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.call cimport Call
from fastbench._core.counts.hdr cimport Hdr
from fastbench._core.reactor.lateness cimport Lateness
from fastbench._core.reactor.net cimport Address
from fastbench._core.reactor.gather cimport Gather
from fastbench._core.reactor.tls_message cimport TlsMessage, TlsMessageKind
from fastbench._core.wire.reply_state cimport End, Reply


cdef enum ConnState:
    CONN_CLOSED            # and unused
    CONN_CONNECTING
    CONN_SECURING          # TLS: the handshake goes on
    CONN_IDLE
    CONN_BUSY


cdef struct Conn:
    Conn* next             # in the idle stack, or among the closed or unused
    Conn* above            # in the idle stack: the one that is used before this one
    Conn* earlier          # among all that are open, by the time they were opened
    Conn* later
    int fd
    ConnState state
    bint writing           # the socket did not take all of `out`; waits for room
    bint early             # a response began before its request was sent: not to be used again
    bint broken            # a write failed: the connection was reset
    bint gone              # TLS: the socket has ended, its last bytes are still being decrypted
    uint32_t serial
    uint32_t served        # complete responses so far
    int64_t opened_ns
    int64_t last_read_ns
    int64_t last_stamp_ns
    const char* out        # what is being sent: the request, or `sealed`
    size_t out_size
    size_t out_sent
    Buffer sealed          # TLS: ciphertext to send
    Call* call
    Reply reply


cdef struct WireCounters:
    int64_t reads
    int64_t unstamped_reads
    int64_t connections
    int64_t connect_failures
    int64_t clock_steps


cdef class Connections:
    cdef readonly Hdr lag
    cdef Address address
    cdef int64_t connect_timeout_ns
    cdef int epoll_fd
    cdef int stamping_fd
    cdef char* buffer
    cdef int64_t offset_ns
    cdef int64_t noticed_ns    # when the read before was noticed
    cdef Lateness lateness
    cdef WireCounters wire
    cdef Conn* idle
    cdef Conn* closed          # in this iteration, whose poll may still report them
    cdef Conn* unused
    cdef Conn* first_conn
    cdef Conn* last_conn
    cdef int64_t open_conns
    cdef int64_t connecting
    cdef int64_t writing       # those that wait for room
    cdef Gather gather
    cdef int64_t spares_held_until   # no connection is opened ahead of need before this
    # TLS: messages between the reactor and the TLS side.
    cdef readonly bint tls
    cdef TlsMessage* tls_in
    cdef TlsMessage* tls_out
    cdef int tls_fd

    # What the requests' side does.
    cdef void on_open(self, Conn* conn) noexcept nogil
    cdef void on_refused(self, const char* reason, size_t size) noexcept nogil
    cdef void on_read(
        self, Conn* conn, const char* data, size_t size, int64_t stamp_ns, int64_t late_ns, bint stamped
    ) noexcept nogil
    cdef void on_lost(self, Conn* conn, End how) noexcept nogil
    cdef void on_sending(self, Conn* conn) noexcept nogil

    cdef bint open_conn(self, int64_t now) noexcept nogil
    cdef void close_conn(self, Conn* conn, bint reset) noexcept nogil
    cdef void let_closed_be_used(self) noexcept nogil
    cdef void rest(self, Conn* conn) noexcept nogil
    cdef void leave_idle(self, Conn* conn) noexcept nogil
    cdef void hold_spares(self) noexcept nogil
    cdef void drop_idle(self, Conn* conn) noexcept nogil
    cdef void send_request(self, Conn* conn, const char* data, size_t size) noexcept nogil
    cdef void handle(self, Conn* conn, uint32_t events) noexcept nogil
    cdef void expire_connecting(self, int64_t now) noexcept nogil
    cdef void watch_clock(self) noexcept nogil
    cdef void take_tls_messages(self) noexcept nogil
    cdef void refuse(self, Conn* conn, const char* reason, size_t size) noexcept nogil
    cdef void established(self, Conn* conn) noexcept nogil
    cdef void await_room(self, Conn* conn, bint wanted) noexcept nogil
    cdef void write(self, Conn* conn) noexcept nogil
    cdef void read(self, Conn* conn, bint more) noexcept nogil
    cdef void take_read(self, Conn* conn, size_t size, int64_t real_ns) noexcept nogil
    cdef void lost(self, Conn* conn, End how) noexcept nogil
    cdef void drop(self, Conn* conn, End how) noexcept nogil
    cdef void send_tls_message(
        self, TlsMessageKind kind, Conn* conn, const char* data, size_t size, int64_t stamp_ns, int64_t late_ns
    ) noexcept nogil
    cdef void take_tls_message(self, Conn* conn, TlsMessage* message) noexcept nogil
    cdef void send_sealed(self, Conn* conn, TlsMessage* message) noexcept nogil
