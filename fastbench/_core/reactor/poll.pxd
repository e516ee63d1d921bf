"""Linux's epoll, timerfd and eventfd."""
from libc.stdint cimport int64_t, uint32_t


cdef extern from "<sys/epoll.h>" nogil:
    int EPOLL_CLOEXEC, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP
    int EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD
    ctypedef union epoll_data_t:
        void* ptr
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_create1(int flags) noexcept
    int epoll_ctl(int epoll_fd, int op, int fd, epoll_event* event) noexcept
    int epoll_wait(int epoll_fd, epoll_event* events, int room, int timeout_ms) noexcept


cdef extern from *:
    """
    #include <errno.h>
    #include <poll.h>
    #include <sys/eventfd.h>
    #include <sys/timerfd.h>
    #include <unistd.h>

    static int fb_poll_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
    static int fb_poll_timerfd(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }
    /* An absolute time in the past fires at once; 0 would disarm. */
    static int fb_poll_arm(int fd, long long ns) {
        struct itimerspec at = {{0, 0}, {ns / 1000000000LL, ns % 1000000000LL}};
        return timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL);
    }
    /* Sleeps for so long, or until fd is signalled. */
    static void fb_poll_sleep(int fd, long long ns) {
        struct pollfd one = {fd, POLLIN, 0};
        struct timespec rest = {ns / 1000000000LL, ns % 1000000000LL};
        ppoll(&one, 1, &rest, NULL);
    }
    static void fb_poll_signal(int fd) {
        unsigned long long one = 1;
        while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {}
    }
    static void fb_poll_clear(int fd) {
        unsigned long long value;
        while (read(fd, &value, sizeof value) < 0 && errno == EINTR) {}
    }
    """
    int poll_eventfd "fb_poll_eventfd"() noexcept nogil
    int poll_timerfd "fb_poll_timerfd"() noexcept nogil
    int poll_arm "fb_poll_arm"(int fd, long long ns) noexcept nogil
    void poll_sleep "fb_poll_sleep"(int fd, long long ns) noexcept nogil
    void poll_signal "fb_poll_signal"(int fd) noexcept nogil
    void poll_clear "fb_poll_clear"(int fd) noexcept nogil


cdef inline int watch(int epoll_fd, int op, int fd, uint32_t events, void* owner) noexcept nogil:
    cdef epoll_event event
    event.events = events
    event.data.ptr = owner
    return epoll_ctl(epoll_fd, op, fd, &event)
