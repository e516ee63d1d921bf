# cython: language_level=3
"""Sockets as the reactor needs them: non-blocking, with the kernel's receive stamps."""

from libc.errno cimport (
    EADDRNOTAVAIL,
    ECONNREFUSED,
    EHOSTUNREACH,
    EINPROGRESS,
    EMFILE,
    ENETUNREACH,
    ETIMEDOUT,
    errno,
)
from libc.stdint cimport int64_t
from posix.unistd cimport close


cdef extern from *:
    """
    #include <arpa/inet.h>
    #include <netinet/in.h>
    #include <netinet/tcp.h>
    #include <sys/socket.h>
    #include <string.h>
    #include <time.h>

    static int fb_net_option(int fd, int level, int option, int value) {
        return setsockopt(fd, level, option, &value, sizeof value);
    }
    static int fb_net_address(void *to, int family, const char *host, int port) {
        memset(to, 0, 128);
        if (port < 1 || port > 65535 || (family != AF_INET && family != AF_INET6))
            return 0;
        if (family == AF_INET6) {
            struct sockaddr_in6 *six = to;
            six->sin6_family = AF_INET6;
            six->sin6_port = htons((unsigned short) port);
            return inet_pton(AF_INET6, host, &six->sin6_addr) == 1 ? (int) sizeof *six : 0;
        }
        struct sockaddr_in *four = to;
        four->sin_family = AF_INET;
        four->sin_port = htons((unsigned short) port);
        return inet_pton(AF_INET, host, &four->sin_addr) == 1 ? (int) sizeof *four : 0;
    }
    static ssize_t fb_net_recv(int fd, char *at, size_t room, long long *real_ns) {
        char control[128];
        struct iovec piece = {at, room};
        struct msghdr message = {0};
        struct cmsghdr *c;
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        *real_ns = 0;
        ssize_t n = recvmsg(fd, &message, 0);
        if (n > 0)
            for (c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
                    struct timespec t;
                    memcpy(&t, CMSG_DATA(c), sizeof t);
                    *real_ns = (long long) t.tv_sec * 1000000000LL + t.tv_nsec;
                }
        return n;
    }
    static int fb_net_connect(int fd, const void *address, int size) {
        return connect(fd, (const struct sockaddr *) address, (socklen_t) size);
    }
    static int fb_net_error(int fd) {
        int error = 0;
        socklen_t size = sizeof error;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) ? -1 : error;
    }
    /* Resets a connection, also where another process has its socket open too: linger 0 would reset the last one. */
    static void fb_net_reset(int fd) {
        struct sockaddr none = {0};
        none.sa_family = AF_UNSPEC;
        connect(fd, &none, sizeof none);
    }
    """
    int SOCK_STREAM, SOCK_NONBLOCK, SOCK_CLOEXEC, SOL_SOCKET, SO_TIMESTAMPNS, IPPROTO_TCP, TCP_NODELAY
    int SOCK_DGRAM, AF_INET, MSG_NOSIGNAL, SHUT_RDWR
    int c_socket "socket"(int family, int kind, int protocol) noexcept nogil
    int fb_net_option(int fd, int level, int option, int value) noexcept nogil
    int fb_net_address(void* to, int family, const char* host, int port) noexcept nogil
    ssize_t fb_net_recv(int fd, char* at, size_t room, long long* real_ns) noexcept nogil
    int fb_net_connect(int fd, const void* address, int size) noexcept nogil
    int fb_net_error(int fd) noexcept nogil
    void fb_net_reset(int fd) noexcept nogil
    int c_shutdown "shutdown"(int fd, int how) noexcept nogil
    ssize_t c_send "send"(int fd, const void* data, size_t size, int flags) noexcept nogil


cdef bint address_parse(Address* address, int family, bytes host, int port):
    address.family = family
    address.size = fb_net_address(address.bytes, family, host, port)
    return address.size > 0


cdef int net_connect(const Address* address, bint* done) noexcept nogil:
    """Starts a connection; its descriptor, or minus the errno. done: it stands already."""
    cdef int fd = c_socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    cdef int error
    if fd < 0:
        return -errno
    fb_net_option(fd, IPPROTO_TCP, TCP_NODELAY, 1)
    fb_net_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1)
    done[0] = fb_net_connect(fd, address.bytes, address.size) == 0
    if not done[0] and errno != EINPROGRESS:
        error = errno
        close(fd)
        return -error
    return fd


cdef int net_socket_error(int fd) noexcept nogil:
    """The outcome of a connection attempt: 0, or its errno."""
    return fb_net_error(fd)


cdef ssize_t net_recv(int fd, char* buffer, size_t room, int64_t* real_ns) noexcept nogil:
    """One read. real_ns: the kernel's stamp of its last segment (CLOCK_REALTIME), 0 when it gave none."""
    cdef long long stamp = 0
    cdef ssize_t n = fb_net_recv(fd, buffer, room, &stamp)
    real_ns[0] = stamp
    return n


cdef ssize_t net_send(int fd, const char* data, size_t size) noexcept nogil:
    return c_send(fd, data, size, MSG_NOSIGNAL)


cdef void net_shut(int fd) noexcept nogil:
    """Ends both directions: nothing more is sent, and the end is read."""
    c_shutdown(fd, SHUT_RDWR)


cdef void net_close(int fd, bint reset) noexcept nogil:
    """Closes; with `reset` at once and without waiting for the other side, as a cancelled request wants it.

    The service sees it even where a process that was forked meanwhile has the socket open too.
    """
    if reset:
        fb_net_reset(fd)
    else:
        net_shut(fd)
    close(fd)


cdef int net_stamping_socket() noexcept nogil:
    """An open socket that wants stamps: the kernel turns stamping on lazily, so one must exist before the run."""
    cdef int fd = c_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
    if fd >= 0:
        fb_net_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return fd


cdef const char* net_reason(int error) noexcept nogil:
    """Why a connection could not be made."""
    if error == ECONNREFUSED:
        return "connection refused"
    if error == ETIMEDOUT:
        return "the connection attempt timed out"
    if error == EHOSTUNREACH or error == ENETUNREACH:
        return "the host cannot be reached"
    if error == EMFILE:
        return "too many open files: raise the limit with `ulimit -n`"
    if error == EADDRNOTAVAIL:
        return "no free local port is left"
    return "no connection"
