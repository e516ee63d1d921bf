# cython: language_level=3
"""One connection's bytes in and out. Sockets do not block; what a socket does not take waits in `pending`."""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport calloc, free

from fastbench.mock.server.system cimport (
    IPPROTO_TCP, MSG_NOSIGNAL, SO_LINGER, SOL_SOCKET, TCP_NODELAY, SO_TIMESTAMPNS, linger, mock_recv,
    now_ns, send, setsockopt,
)
from fastbench.mock.types cimport Buffer, Conn
from fastbench.mock.replies.wire cimport append, drop, release, reserve

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
