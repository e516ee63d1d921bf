# cython: language_level=3
"""The descriptors that the event loop waits for: listeners, connections, a timer, and the one that says stop."""

from libc.errno cimport EMFILE, ENFILE, errno
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

import os

from fastbench.mock.server.conn cimport free_conn, new_conn
from fastbench.mock.server.system cimport (
    CLOCK_MONOTONIC, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP, SOCK_CLOEXEC,
    SOCK_NONBLOCK, TFD_CLOEXEC, TFD_NONBLOCK, TFD_TIMER_ABSTIME, accept4, close, epoll_create1, epoll_ctl,
    epoll_event, epoll_wait, itimerspec, now_ns, timerfd_create, timerfd_settime,
)
from fastbench.mock.types cimport Conn

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
