# cython: language_level=3
"""The descriptors that the event loop waits for: listeners, connections, a timer, and the one that says stop."""

import os
from fastbench.mock.replies.wire cimport append, drop, release, reserve
from fastbench.mock.server.system cimport (
    CLOCK_MONOTONIC, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLL_CLOEXEC, EPOLL_CTL_ADD, IPPROTO_TCP, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_NONBLOCK, SOL_SOCKET, SO_LINGER, SO_TIMESTAMPNS, TCP_NODELAY, TFD_CLOEXEC, TFD_NONBLOCK, TFD_TIMER_ABSTIME, accept4, close, epoll_create1, epoll_ctl, epoll_event, epoll_wait, itimerspec, linger, mock_recv, now_ns, send, setsockopt, timerfd_create, timerfd_settime
)
from fastbench.mock.types cimport Buffer, Conn
from libc.errno cimport EAGAIN, EINTR, EMFILE, ENFILE, errno
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset


cdef enum:
    READ_ROOM = 16384


cdef Conn* new_conn(int fd) noexcept nogil:
    """A connection just accepted; NULL when memory is out."""
    cdef int on = 1
    cdef Conn* conn = <Conn*> calloc(1, sizeof(Conn))
    if conn == NULL:
        return NULL
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on))
    conn.fd = fd
    conn.accepted_ns = now_ns()
    return conn


cdef void free_conn(Conn* conn) noexcept nogil:
    release(&conn.input)
    release(&conn.pending)
    free(conn)


cdef int read_more(Conn* conn) noexcept nogil:
    """One `recv` into the input, with room for the whole request once its length is known; a ReadResult."""
    cdef size_t whole = conn.head.size + conn.head.body_size
    cdef size_t room = max(<size_t> READ_ROOM, whole - conn.input.size if whole > conn.input.size else 0)
    cdef ssize_t got
    cdef long long real_ns = 0
    if not reserve(&conn.input, room):
        return READ_NO_MEMORY
    room = conn.input.capacity - conn.input.size
    while True:
        got = mock_recv(conn.fd, conn.input.data + conn.input.size, room, &real_ns)
        if got >= 0 or errno != EINTR:
            break
    if got > 0:
        conn.input.size += got
        conn.arrived_real_ns = real_ns
        return READ_SOME
    if conn.input.size == 0:
        release(&conn.input)
    return READ_DRAINED if got < 0 and errno == EAGAIN else READ_ENDED


cdef ssize_t send_some(int fd, const char* data, size_t size) noexcept nogil:
    """Bytes that the socket took, 0 when it is full, -1 when the connection is broken."""
    cdef ssize_t sent
    while True:
        sent = send(fd, data, size, MSG_NOSIGNAL)
        if sent >= 0 or errno != EINTR:
            break
    return 0 if sent < 0 and errno == EAGAIN else sent


cdef bint send_or_keep(Conn* conn, const Buffer* out) noexcept nogil:
    """Sends, behind what is pending; False when the connection is broken."""
    cdef ssize_t sent = 0
    if conn.pending.size == 0:
        sent = send_some(conn.fd, out.data, out.size)
        if sent == <ssize_t> out.size:
            return True
    return sent >= 0 and append(&conn.pending, out.data + sent, out.size - sent)


cdef bint flush(Conn* conn) noexcept nogil:
    """Sends what is pending as far as the socket takes it; False when the connection is broken."""
    cdef ssize_t sent
    while conn.pending.size:
        sent = send_some(conn.fd, conn.pending.data, conn.pending.size)
        if sent < 0:
            return False
        if sent == 0:
            break
        drop(&conn.pending, sent)
    return True


cdef void set_reset(Conn* conn) noexcept nogil:
    """Makes closing the socket send RST."""
    cdef linger at_once
    at_once.l_onoff = 1
    at_once.l_linger = 0
    setsockopt(conn.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once))


cdef enum:
    CONN_STEP = 256     # the table of connections grows by so many
    SPIN_NS = 200000    # a due time nearer than this is waited for by polling: an idle processor wakes up late


cdef class Sockets:
    """Everything is registered once, edge-triggered. listeners: fds of listening sockets that do not block."""

    def __cinit__(self, list listeners, int stop_fd):
        self.stop_fd = stop_fd
        self.epoll = epoll_create1(EPOLL_CLOEXEC)
        self.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)
        if self.epoll < 0 or self.timer < 0:
            raise OSError(errno, os.strerror(errno))
        for i, fd in enumerate(listeners):
            self.listeners[i] = fd
            self.listener_count = i + 1
        for fd in (*listeners, self.timer, stop_fd):
            if not self.watch(fd, EPOLLIN | EPOLLET):
                raise OSError(errno, os.strerror(errno))

    def __dealloc__(self):
        cdef int fd
        for fd in range(self.conn_room):
            if self.conns[fd] != NULL:
                self.retire(self.conns[fd])
        self.listener_count = 0
        self.end_turn()
        free(self.conns)
        close(self.epoll)
        close(self.timer)

    cdef int wait(self, epoll_event* events, int64_t due_ns) noexcept nogil:
        """Fills `events` (EVENTS of them) as soon as there is one, or at `due_ns`; returns how many."""
        cdef itimerspec value
        if due_ns - now_ns() < SPIN_NS:
            return epoll_wait(self.epoll, events, EVENTS, 0)
        if due_ns != self.armed_ns:
            memset(&value, 0, sizeof(value))
            value.it_value.tv_sec = due_ns // 1000000000
            value.it_value.tv_nsec = due_ns % 1000000000
            timerfd_settime(self.timer, TFD_TIMER_ABSTIME, &value, NULL)
            self.armed_ns = due_ns
        return epoll_wait(self.epoll, events, EVENTS, -1)

    cdef Conn* find(self, int fd) noexcept nogil:
        """The connection that an event is about; NULL when it was another descriptor's event, which is handled."""
        cdef int i
        if fd == self.timer:
            self.armed_ns = 0
            return NULL
        if fd == self.stop_fd:
            self.stopping = True
            return NULL
        for i in range(self.listener_count):
            if fd == self.listeners[i]:
                self.accept_all(fd)
                return NULL
        return self.conns[fd]   # NULL when closed earlier in this turn

    cdef bint watch(self, int fd, uint32_t events) noexcept nogil:
        cdef epoll_event event
        event.events = events
        event.data.u64 = <uint64_t> fd
        return epoll_ctl(self.epoll, EPOLL_CTL_ADD, fd, &event) == 0

    cdef void accept_all(self, int listener) noexcept nogil:
        cdef int fd
        while True:
            fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)
            if fd < 0:
                self.accept_again = errno == EMFILE or errno == ENFILE
                return
            if not self.add_conn(fd):
                close(fd)

    cdef bint add_conn(self, int fd) noexcept nogil:
        """False when memory is out."""
        cdef Conn** conns
        cdef Conn* conn
        if fd >= self.conn_room:
            conns = <Conn**> realloc(self.conns, (fd + CONN_STEP) * sizeof(Conn*))
            if conns == NULL:
                return False
            memset(conns + self.conn_room, 0, (fd + CONN_STEP - self.conn_room) * sizeof(Conn*))
            self.conns = conns
            self.conn_room = fd + CONN_STEP
        conn = new_conn(fd)
        if conn == NULL:
            return False
        if not self.watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET):
            free_conn(conn)
            return False
        self.conns[fd] = conn
        return True

    cdef void retire(self, Conn* conn) noexcept nogil:
        """Closes the connection's socket; its memory stays until the end of the turn."""
        self.conns[conn.fd] = NULL
        close(conn.fd)
        conn.fd = -1
        conn.next_dead = self.dead
        self.dead = conn

    cdef void end_turn(self) noexcept nogil:
        """Frees what was closed, and accepts whom a lack of descriptors kept out."""
        cdef Conn* conn
        cdef int i
        if self.dead == NULL:
            return
        while self.dead != NULL:
            conn = self.dead
            self.dead = conn.next_dead
            free_conn(conn)
        if self.accept_again:
            self.accept_again = False
            for i in range(self.listener_count):
                self.accept_all(self.listeners[i])
