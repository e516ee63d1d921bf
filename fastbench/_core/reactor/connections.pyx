# cython: language_level=3
"""The reactor's connections: opened, written, read with the kernel's stamps, closed; in clear or over TLS.

What the bytes mean is the business of the requests' side, which fills in the `on_` methods. For TLS the sockets
stay here and their ciphertext is stamped here; the keys are Python's, and messages go to and fro.
"""

from libc.errno cimport EAGAIN, EINTR, ENOMEM, ETIMEDOUT, errno
from libc.stdint cimport int64_t, uint32_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport strlen
from posix.unistd cimport close

from fastbench._core.bytesbuf cimport buffer_add, buffer_free, buffer_reset
from fastbench._core.reactor.clock cimport mono_ns, real_offset_ns
from fastbench._core.reactor.lateness cimport lateness_of_read
from fastbench._core.reactor.mailbox cimport Letter, mailbox_put, mailbox_take
from fastbench._core.reactor.net cimport (
    address_parse,
    net_close,
    net_connect,
    net_reason,
    net_recv,
    net_send,
    net_shut,
    net_socket_error,
    net_stamping_socket,
)
from fastbench._core.reactor.poll cimport (
    EPOLL_CLOEXEC,
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLL_CTL_MOD,
    EPOLLET,
    EPOLLIN,
    EPOLLOUT,
    EPOLLRDHUP,
    epoll_create1,
    poll_clear,
    poll_eventfd,
    poll_signal,
    watch,
)
from fastbench._core.reactor.gather cimport gather_note_read
from fastbench._core.reactor.tls_message cimport (
    TLS_CIPHER,
    TLS_CLOSED,
    TLS_END,
    TLS_FAILED,
    TLS_GONE,
    TLS_OPEN,
    TLS_PLAIN,
    TLS_READY,
    TLS_REQUEST,
    TLS_SEAL,
    TLS_WRITE,
    TlsMessage,
    TlsMessageKind,
    tls_message_new,
    tls_messages_free,
    tls_messages_to_python,
)
from fastbench._core.shared cimport shared_add, shared_get
from fastbench._core.wire.reply cimport reply_free
from fastbench._core.wire.reply_state cimport END_CLOSED, END_RESET, End

from fastbench._core.counts.hdr import Hdr as PyHdr

cdef enum:
    READ_ROOM = 64 * 1024
    # Long requests that are due at one moment alternate: none delays the first byte of the others.
    WRITE_ROOM = 16_384

cdef int64_t CLOCK_STEP_NS = 1_000_000
cdef const char* NO_HANDSHAKE = b"TLS: no handshake in time; does this port speak https?"
cdef const char* NO_MEMORY = b"no memory for what is to be sent"
cdef int64_t SPARE_PAUSE_NS = 100_000_000


# By its edges: what has been read is not looked at once more. So a read that leaves something has it reported again.
cdef uint32_t FOR_DATA = EPOLLIN | EPOLLRDHUP | EPOLLET


cdef class Connections:
    def __cinit__(self):
        self.epoll_fd = self.stamping_fd = self.tls_fd = -1
        self.lag = PyHdr()
        self.buffer = <char*> malloc(READ_ROOM)
        if self.buffer == NULL:
            raise MemoryError()
        self.epoll_fd = epoll_create1(EPOLL_CLOEXEC)
        self.tls_fd = poll_eventfd()
        self.stamping_fd = net_stamping_socket()
        if self.epoll_fd < 0 or self.tls_fd < 0 or self.stamping_fd < 0:
            raise OSError("no descriptors for the reactor: raise the limit with `ulimit -n`")

    def __dealloc__(self):
        cdef Conn* conn
        while self.first_conn != NULL:
            self.close_conn(self.first_conn, False)
        self.let_closed_be_used()
        while self.unused != NULL:
            conn = self.unused
            self.unused = conn.next
            reply_free(&conn.reply)
            buffer_free(&conn.sealed)
            free(conn)
        tls_messages_free(self.tls_in)
        tls_messages_free(self.tls_out)
        free(self.buffer)
        for fd in (self.epoll_fd, self.tls_fd, self.stamping_fd):
            if fd >= 0:
                close(fd)

    # Python's side: any thread that holds the GIL.

    def connect_to(self, int family, str host, int port, *, int64_t timeout_ns, bint tls):
        if not address_parse(&self.address, family, host.encode(), port):
            raise ValueError(f"not a numeric address: {host!r}")
        self.connect_timeout_ns = timeout_ns
        self.tls = tls

    @property
    def open_connections(self):
        return shared_get(&self.open_conns) - shared_get(&self.connecting)

    @property
    def connect_failures(self):
        return shared_get(&self.wire.connect_failures)

    def parcel_fileno(self):
        return self.tls_fd

    def take_parcels(self):
        poll_clear(self.tls_fd)
        return tls_messages_to_python(<TlsMessage*> mailbox_take(<Letter**> &self.tls_out))

    def give_parcel(self, int kind, tuple key, bytes data=b"", int64_t stamp_ns=0, int64_t late_ns=0):
        cdef uintptr_t conn = key[0]
        cdef TlsMessage* message = tls_message_new(<TlsMessageKind> kind, <void*> conn, key[1], data, len(data))
        if message == NULL:
            raise MemoryError()
        message.stamp_ns = stamp_ns
        message.late_ns = late_ns
        if mailbox_put(<Letter**> &self.tls_in, <Letter*> message):
            self.wake()

    def wake(self):
        raise NotImplementedError  # the reactor's; a base class has no thread to wake

    # The requests' side.

    cdef void on_open(self, Conn* conn) noexcept nogil:
        """A connection is open and without work."""

    cdef void on_refused(self, const char* reason, size_t size) noexcept nogil:
        """An attempt to open one failed."""

    cdef void on_read(
        self, Conn* conn, const char* data, size_t size, int64_t stamp_ns, int64_t late_ns, bint stamped
    ) noexcept nogil:
        """Bytes of a response. late_ns: see `lateness_of_read`; stamped: the kernel gave the stamp."""

    cdef void on_lost(self, Conn* conn, End how) noexcept nogil:
        """A connection with a request on it ended; it is closed after this."""

    cdef void on_sending(self, Conn* conn) noexcept nogil:
        """The first byte of the request is about to be handed to the kernel."""

    # The reactor thread's side.

    cdef bint open_conn(self, int64_t now) noexcept nogil:
        """Begins to open a connection; False when that failed at once."""
        cdef bint done = False
        cdef const char* reason
        cdef Conn* conn = self.unused
        cdef int fd = net_connect(&self.address, &done)
        if fd >= 0 and conn == NULL:
            conn = <Conn*> calloc(1, sizeof(Conn))
            if conn == NULL:
                close(fd)
                fd = -ENOMEM
        elif fd >= 0:
            self.unused = conn.next
        if fd < 0:
            shared_add(&self.wire.connect_failures, 1)
            reason = net_reason(-fd)
            self.on_refused(reason, strlen(reason))
            return False
        conn.fd = fd
        conn.serial = <uint32_t> self.wire.connections
        conn.served = 0
        conn.early = conn.broken = conn.gone = False
        conn.opened_ns = now
        conn.last_read_ns = conn.last_stamp_ns = 0
        conn.out_size = conn.out_sent = 0
        conn.call = NULL
        conn.state = CONN_CONNECTING
        conn.earlier = self.last_conn
        conn.later = NULL
        if self.last_conn == NULL:
            self.first_conn = conn
        else:
            self.last_conn.later = conn
        self.last_conn = conn
        shared_add(&self.wire.connections, 1)
        shared_add(&self.open_conns, 1)
        shared_add(&self.connecting, 1)
        if watch(self.epoll_fd, EPOLL_CTL_ADD, fd, FOR_DATA if done else EPOLLOUT, conn) < 0:
            reason = net_reason(errno)
            self.refuse(conn, reason, strlen(reason))
            return False
        if done:
            self.established(conn)
        return True

    cdef void refuse(self, Conn* conn, const char* reason, size_t size) noexcept nogil:
        """A connection that never came to stand."""
        self.close_conn(conn, True)
        shared_add(&self.wire.connect_failures, 1)
        self.on_refused(reason, size)

    cdef void established(self, Conn* conn) noexcept nogil:
        if self.tls:
            conn.state = CONN_SECURING
            self.send_tls_message(TLS_OPEN, conn, NULL, 0, 0, 0)
        else:
            shared_add(&self.connecting, -1)
            conn.state = CONN_BUSY
            self.on_open(conn)

    cdef void rest(self, Conn* conn) noexcept nogil:
        """Keeps an open connection for the next request; the one used last is the first to be used again."""
        conn.state = CONN_IDLE
        conn.call = NULL
        conn.above = NULL
        conn.next = self.idle
        if self.idle != NULL:
            self.idle.above = conn
        self.idle = conn

    cdef void leave_idle(self, Conn* conn) noexcept nogil:
        if conn.above == NULL:
            self.idle = conn.next
        else:
            conn.above.next = conn.next
        if conn.next != NULL:
            conn.next.above = conn.above

    cdef void hold_spares(self) noexcept nogil:
        self.spares_held_until = mono_ns() + SPARE_PAUSE_NS

    cdef void drop_idle(self, Conn* conn) noexcept nogil:
        """An idle connection ended, or spoke unasked. Where it never served, the next one may fare alike: no hurry."""
        if conn.served == 0:
            self.hold_spares()
        self.close_conn(conn, False)

    cdef void close_conn(self, Conn* conn, bint reset) noexcept nogil:
        if conn.state == CONN_CONNECTING or conn.state == CONN_SECURING:
            shared_add(&self.connecting, -1)
        elif conn.state == CONN_IDLE:
            self.leave_idle(conn)
        self.writing -= conn.writing
        conn.writing = False
        if self.tls and conn.state != CONN_CONNECTING:
            self.send_tls_message(TLS_CLOSED, conn, NULL, 0, 0, 0)
        # By hand: a process that was forked meanwhile may hold the socket, and the poll would report it for ever.
        watch(self.epoll_fd, EPOLL_CTL_DEL, conn.fd, 0, conn)
        net_close(conn.fd, reset)
        if conn.earlier == NULL:
            self.first_conn = conn.later
        else:
            conn.earlier.later = conn.later
        if conn.later == NULL:
            self.last_conn = conn.earlier
        else:
            conn.later.earlier = conn.earlier
        shared_add(&self.open_conns, -1)
        conn.fd = -1
        conn.state = CONN_CLOSED
        conn.call = NULL
        buffer_reset(&conn.sealed)
        conn.next = self.closed
        self.closed = conn

    cdef void let_closed_be_used(self) noexcept nogil:
        """Once the events of a poll are handled: none of them is taken for one of another connection."""
        cdef Conn* conn
        while self.closed != NULL:
            conn = self.closed
            self.closed = conn.next
            conn.next = self.unused
            self.unused = conn

    cdef void send_request(self, Conn* conn, const char* data, size_t size) noexcept nogil:
        """Sends a request in one piece; over TLS as soon as it is encrypted. `data` must stay until then."""
        conn.state = CONN_BUSY
        # No answer arrives before this, whatever somebody does to the wall clock.
        conn.last_read_ns = conn.last_stamp_ns = mono_ns()
        if self.tls:
            self.send_tls_message(TLS_SEAL, conn, data, size, 0, 0)
            return
        conn.out = data
        conn.out_size = size
        conn.out_sent = 0
        self.on_sending(conn)
        self.write(conn)

    cdef void write(self, Conn* conn) noexcept nogil:
        cdef ssize_t n
        cdef size_t room = WRITE_ROOM
        while conn.out_sent < conn.out_size:
            n = net_send(conn.fd, conn.out + conn.out_sent, min(conn.out_size - conn.out_sent, room))
            if n >= 0:
                conn.out_sent += <size_t> n
                room -= <size_t> n
            elif errno != EAGAIN and errno != EINTR:
                # An answer may lie in the socket all the same. The error itself is reported only once.
                conn.broken = True
                conn.out_sent = conn.out_size
            if conn.out_sent < conn.out_size and (room == 0 or n < 0 and errno == EAGAIN):
                self.await_room(conn, True)
                return
        self.await_room(conn, False)

    cdef void await_room(self, Conn* conn, bint wanted) noexcept nogil:
        if conn.writing != wanted:
            conn.writing = wanted
            self.writing += 1 if wanted else -1
            watch(self.epoll_fd, EPOLL_CTL_MOD, conn.fd, EPOLLIN | EPOLLOUT if wanted else FOR_DATA, conn)

    cdef void handle(self, Conn* conn, uint32_t events) noexcept nogil:
        """What the poll said of a connection."""
        cdef const char* reason
        cdef int error
        if conn.state == CONN_CLOSED:
            return  # since the poll: by what was handled before it
        if conn.state == CONN_CONNECTING:
            error = net_socket_error(conn.fd)
            if error == 0:
                watch(self.epoll_fd, EPOLL_CTL_MOD, conn.fd, FOR_DATA, conn)
                self.established(conn)
            else:
                reason = net_reason(error)
                self.refuse(conn, reason, strlen(reason))
            return
        if conn.writing and events & EPOLLOUT:
            self.write(conn)
        if events & ~<uint32_t> EPOLLOUT and not conn.gone:
            self.read(conn, (events & ~<uint32_t> (EPOLLIN | EPOLLOUT)) != 0)

    cdef void read(self, Conn* conn, bint more) noexcept nogil:
        """more: behind the data is something else to be read, the connection's end."""
        cdef int64_t real_ns = 0
        cdef ssize_t n = net_recv(conn.fd, self.buffer, READ_ROOM, &real_ns)
        if n > 0:
            self.take_read(conn, <size_t> n, real_ns)
            if (more or n == READ_ROOM) and conn.state != CONN_CLOSED and not conn.writing:
                watch(self.epoll_fd, EPOLL_CTL_MOD, conn.fd, FOR_DATA, conn)
        elif n == 0 or (errno != EAGAIN and errno != EINTR):
            self.lost(conn, END_CLOSED if n == 0 and not conn.broken else END_RESET)

    cdef void take_read(self, Conn* conn, size_t size, int64_t real_ns) noexcept nogil:
        """Stamps one read and hands it on."""
        cdef int64_t noticed = mono_ns()
        # Before this read, not behind it: the thread may have been stopped between the kernel's read and our clock.
        cdef int64_t read_after = max(self.noticed_ns, self.lateness.returned_ns)
        cdef int64_t stamp = real_ns - self.offset_ns if real_ns else noticed
        cdef int64_t late
        if stamp > noticed:
            stamp = noticed
        if stamp < conn.last_stamp_ns:
            stamp = conn.last_stamp_ns
        if conn.state == CONN_BUSY:
            shared_add(&self.wire.reads, 1)
            shared_add(&self.wire.unstamped_reads, real_ns == 0)
            self.lag.record(noticed - stamp)
            gather_note_read(&self.gather, stamp - conn.last_stamp_ns, real_ns != 0)
        late = lateness_of_read(&self.lateness, stamp, noticed, conn.last_read_ns)
        conn.last_stamp_ns = stamp
        conn.last_read_ns = read_after
        self.noticed_ns = noticed
        if self.tls:
            # Below 0: the kernel gave no stamp.
            self.send_tls_message(TLS_CIPHER, conn, self.buffer, size, stamp, late if real_ns else -1 - late)
        elif conn.state == CONN_BUSY:
            self.on_read(conn, self.buffer, size, stamp, late, real_ns != 0)
        else:
            # An idle connection has nothing to say: it is not to be trusted.
            self.drop_idle(conn)

    cdef void lost(self, Conn* conn, End how) noexcept nogil:
        """The socket has ended."""
        if self.tls and conn.state != CONN_IDLE:
            # What was read before may still be on its way through decryption.
            conn.gone = True
            watch(self.epoll_fd, EPOLL_CTL_DEL, conn.fd, 0, conn)
            self.send_tls_message(TLS_GONE, conn, NULL, 0, 0, how)
        else:
            self.drop(conn, how)

    cdef void drop(self, Conn* conn, End how) noexcept nogil:
        """A connection that stood is of no further use."""
        if conn.state == CONN_BUSY:
            self.on_lost(conn, how)
            self.close_conn(conn, False)
        else:
            self.drop_idle(conn)

    cdef void expire_connecting(self, int64_t now) noexcept nogil:
        """Ends attempts to connect that took too long; they are among the first of those that are open."""
        cdef Conn* conn = self.first_conn
        cdef Conn* following
        cdef const char* reason = net_reason(ETIMEDOUT)
        while self.connecting and conn != NULL and conn.opened_ns + self.connect_timeout_ns <= now:
            following = conn.later
            if conn.state == CONN_SECURING:
                self.refuse(conn, NO_HANDSHAKE, strlen(NO_HANDSHAKE))
            elif conn.state == CONN_CONNECTING:
                self.refuse(conn, reason, strlen(reason))
            conn = following

    cdef void watch_clock(self) noexcept nogil:
        """Follows CLOCK_REALTIME, in which the kernel stamps, and notices when somebody sets it."""
        cdef int64_t offset = real_offset_ns()
        if self.offset_ns and not -CLOCK_STEP_NS < offset - self.offset_ns < CLOCK_STEP_NS:
            shared_add(&self.wire.clock_steps, 1)
        self.offset_ns = offset

    # TLS.

    cdef void send_tls_message(
        self, TlsMessageKind kind, Conn* conn, const char* data, size_t size, int64_t stamp_ns, int64_t late_ns
    ) noexcept nogil:
        cdef TlsMessage* message = tls_message_new(kind, conn, conn.serial, data, size)
        if message == NULL:
            # Out of memory. What was to be said is lost, and so is the connection: its end will be read.
            if kind != TLS_CLOSED:
                net_shut(conn.fd)
            return
        message.stamp_ns = stamp_ns
        message.late_ns = late_ns
        if mailbox_put(<Letter**> &self.tls_out, <Letter*> message):
            poll_signal(self.tls_fd)

    cdef void take_tls_messages(self) noexcept nogil:
        """Takes what the TLS side sent."""
        cdef TlsMessage* message = <TlsMessage*> mailbox_take(<Letter**> &self.tls_in)
        cdef TlsMessage* following
        cdef Conn* conn
        while message != NULL:
            following = message.next
            conn = <Conn*> message.conn
            # A connection that was closed meanwhile, or serves as another one, gets none of it.
            if conn.state != CONN_CLOSED and conn.serial == message.serial:
                self.take_tls_message(conn, message)
            free(message)
            message = following

    cdef void take_tls_message(self, Conn* conn, TlsMessage* message) noexcept nogil:
        if message.kind == TLS_WRITE:
            self.send_sealed(conn, message)
        elif message.kind == TLS_REQUEST and conn.call != NULL:
            self.on_sending(conn)
            self.send_sealed(conn, message)
        elif message.kind == TLS_READY:
            shared_add(&self.connecting, -1)
            conn.state = CONN_BUSY
            self.on_open(conn)
        elif message.kind == TLS_PLAIN:
            if conn.state == CONN_BUSY:
                self.on_read(
                    conn, message.data, message.size, message.stamp_ns,
                    message.late_ns if message.late_ns >= 0 else -1 - message.late_ns, message.late_ns >= 0,
                )
            else:
                self.drop_idle(conn)
        elif message.kind == TLS_FAILED and conn.state == CONN_SECURING:
            self.refuse(conn, message.data, message.size)
        elif message.kind == TLS_END or message.kind == TLS_FAILED:
            self.drop(conn, <End> message.late_ns)

    cdef void send_sealed(self, Conn* conn, TlsMessage* message) noexcept nogil:
        if conn.out_sent >= conn.out_size:
            conn.sealed.size = 0
            conn.out_sent = 0
        if not buffer_add(&conn.sealed, message.data, message.size):
            # What is missing in it cannot be made up for.
            if conn.state == CONN_SECURING:
                self.refuse(conn, NO_MEMORY, strlen(NO_MEMORY))
            else:
                self.drop(conn, END_RESET)
            return
        conn.out = conn.sealed.at
        conn.out_size = conn.sealed.size
        if not conn.gone:
            self.write(conn)
