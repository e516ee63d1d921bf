from fastbench.mock.server.system cimport epoll_event
from fastbench.mock.types cimport Buffer, Conn
from libc.stdint cimport int64_t, uint32_t


cdef enum ReadResult:
    READ_SOME           # and perhaps there is more
    READ_DRAINED
    READ_ENDED          # FIN or an error
    READ_NO_MEMORY


cdef Conn* new_conn(int fd) noexcept nogil
cdef void free_conn(Conn* conn) noexcept nogil
cdef int read_more(Conn* conn) noexcept nogil
cdef bint send_or_keep(Conn* conn, const Buffer* out) noexcept nogil
cdef bint flush(Conn* conn) noexcept nogil
cdef void set_reset(Conn* conn) noexcept nogil


cdef enum:
    EVENTS = 64     # taken from epoll at once


cdef class Sockets:
    cdef int epoll
    cdef int timer
    cdef int stop_fd
    cdef bint stopping
    cdef int listeners[8]
    cdef int listener_count
    cdef int64_t armed_ns
    cdef bint accept_again      # no descriptor was left: try when a connection has closed
    cdef Conn** conns           # by fd
    cdef int conn_room
    cdef Conn* dead             # closed in this turn, freed at its end

    cdef int wait(self, epoll_event* events, int64_t due_ns) noexcept nogil
    cdef Conn* find(self, int fd) noexcept nogil
    cdef void retire(self, Conn* conn) noexcept nogil
    cdef void end_turn(self) noexcept nogil
    cdef bint watch(self, int fd, uint32_t events) noexcept nogil
    cdef void accept_all(self, int listener) noexcept nogil
    cdef bint add_conn(self, int fd) noexcept nogil
