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
        SO_TIMESTAMPNS
        MSG_NOSIGNAL

    int accept4(int fd, void* address, void* size, int flags)
    int setsockopt(int fd, int level, int option, const void* value, uint32_t size)
    ssize_t send(int fd, const void* data, size_t size, int flags)


cdef extern from *:
    """
    #include <string.h>
    #include <sys/socket.h>
    #include <time.h>

    /* One read; real_ns: the kernel's stamp (CLOCK_REALTIME) of its last segment, 0 when it gave none. */
    static ssize_t mock_recv(int fd, void *data, size_t size, long long *real_ns) {
        char control[128];
        struct iovec piece = {data, size};
        struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        *real_ns = 0;
        ssize_t got = recvmsg(fd, &message, 0);
        if (got > 0)
            for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
                    struct timespec at;
                    memcpy(&at, CMSG_DATA(c), sizeof at);
                    *real_ns = (long long) at.tv_sec * 1000000000LL + at.tv_nsec;
                }
        return got;
    }
    """
    ssize_t mock_recv(int fd, void* data, size_t size, long long* real_ns) noexcept nogil


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


cdef inline int64_t real_offset_ns() noexcept nogil:
    """CLOCK_REALTIME minus CLOCK_MONOTONIC, from the tightest of three sandwiched readings."""
    cdef timespec real
    cdef int64_t before, after, offset = 0, best = 0x7fffffffffffffff
    cdef int _
    for _ in range(3):
        before = now_ns()
        clock_gettime(CLOCK_REALTIME, &real)
        after = now_ns()
        if after - before < best:
            best = after - before
            offset = real.tv_sec * 1000000000 + real.tv_nsec - before - best // 2
    return offset


cdef inline int64_t now_ns() noexcept nogil:
    """CLOCK_MONOTONIC."""
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1000000000 + now.tv_nsec
