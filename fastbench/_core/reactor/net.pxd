"""Sockets as the reactor needs them: non-blocking, with the kernel's receive stamps."""
from libc.stdint cimport int64_t


cdef struct Address:
    unsigned char bytes[128]     # a sockaddr_in or sockaddr_in6
    int size
    int family


cdef bint address_parse(Address* address, int family, bytes host, int port)
cdef int net_connect(const Address* address, bint* done) noexcept nogil
cdef int net_socket_error(int fd) noexcept nogil
cdef ssize_t net_recv(int fd, char* buffer, size_t room, int64_t* real_ns) noexcept nogil
cdef ssize_t net_send(int fd, const char* data, size_t size) noexcept nogil
cdef void net_shut(int fd) noexcept nogil
cdef void net_close(int fd, bint reset) noexcept nogil
cdef int net_stamping_socket() noexcept nogil
cdef const char* net_reason(int error) noexcept nogil
