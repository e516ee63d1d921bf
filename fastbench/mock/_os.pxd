"""What the mock uses of Linux."""

from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        uint64_t u64

    struct epoll_event:
        uint32_t events
        epoll_data_t data

    enum:
        EPOLLIN
        EPOLLOUT
        EPOLLRDHUP
        EPOLLERR
        EPOLLHUP
        EPOLLET
        EPOLL_CTL_ADD
        EPOLL_CLOEXEC

    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int fd, epoll_event* event)
    int epoll_wait(int epoll, epoll_event* events, int limit, int timeout_ms)


cdef extern from "<time.h>" nogil:
    struct timespec:
        int64_t tv_sec
        long tv_nsec

    struct itimerspec:
        timespec it_interval
        timespec it_value

    enum:
        CLOCK_MONOTONIC
        CLOCK_REALTIME

    int clock_gettime(int clock, timespec* now)


cdef extern from "<sys/timerfd.h>" nogil:
    enum:
        TFD_NONBLOCK
        TFD_CLOEXEC
        TFD_TIMER_ABSTIME

    int timerfd_create(int clock, int flags)
    int timerfd_settime(int fd, int flags, const itimerspec* value, itimerspec* old)


cdef extern from "<sys/socket.h>" nogil:
    struct linger:
        int l_onoff
        int l_linger

    enum:
        SOCK_NONBLOCK
        SOCK_CLOEXEC
        SOL_SOCKET
        SO_LINGER
        MSG_NOSIGNAL

    int accept4(int fd, void* address, void* size, int flags)
    int setsockopt(int fd, int level, int option, const void* value, uint32_t size)
    ssize_t recv(int fd, void* data, size_t size, int flags)
    ssize_t send(int fd, const void* data, size_t size, int flags)


cdef extern from "<netinet/in.h>" nogil:
    enum:
        IPPROTO_TCP


cdef extern from "<netinet/tcp.h>" nogil:
    enum:
        TCP_NODELAY


cdef extern from "<sys/prctl.h>" nogil:
    enum:
        PR_SET_TIMERSLACK

    int prctl(int option, unsigned long value)


cdef extern from "<unistd.h>" nogil:
    int close(int fd)


cdef inline int64_t now_ns() noexcept nogil:
    """CLOCK_MONOTONIC."""
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1000000000 + now.tv_nsec
