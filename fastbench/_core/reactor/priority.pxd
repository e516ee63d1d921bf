"""How soon the reactor's thread runs once something is ready or due.

Real-time, as sound servers are, as long as it sleeps now and then: a service on the same machine that is woken by a
request then cannot take the processor from the rest of a burst. A thread that is busy is an ordinary one, so that
nothing starves beside a client at its limit. Neither needs more than the permission (CAP_SYS_NICE, or limits on
`rtprio` and `nice`); without it the thread is as prompt as the system lets it be. A priority or a policy that the user
chose stays.
"""
from libc.stdint cimport int64_t

from fastbench._core.shared cimport shared_add


cdef extern from *:
    """
    #include <sched.h>
    #include <sys/prctl.h>
    #include <sys/resource.h>
    #include <sys/syscall.h>
    #include <unistd.h>

    static void fb_priority_sharpen_timers(void) { prctl(PR_SET_TIMERSLACK, 1UL); }
    /* Not by the C library: that of musl has no sched_getscheduler, it answers ENOSYS. */
    static int fb_priority_is_ordinary(void) { return syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER; }
    static int fb_priority_nice(void) { return getpriority(PRIO_PROCESS, 0); }
    static int fb_priority_main_nice(void) { return getpriority(PRIO_PROCESS, getpid()); }
    static void fb_priority_renice(int nice) { setpriority(PRIO_PROCESS, 0, nice); }
    /* Real-time at the lowest priority, or ordinary with turns so short that a thread in a longer one is interrupted
       for it (Linux 6.12). */
    static int fb_priority_schedule(int real_time) {
        struct { unsigned size, policy; unsigned long long flags; int nice; unsigned priority;
                 unsigned long long runtime, deadline, period; }
            as = {48, real_time ? SCHED_RR : SCHED_OTHER, 0, fb_priority_nice(), !!real_time, real_time ? 0 : 100000ULL,
                  0, 0};
        return syscall(SYS_sched_setattr, 0, &as, 0);
    }
    """
    void fb_priority_sharpen_timers() noexcept nogil
    bint fb_priority_is_ordinary() noexcept nogil
    int fb_priority_nice() noexcept nogil
    int fb_priority_main_nice() noexcept nogil
    void fb_priority_renice(int nice) noexcept nogil
    int fb_priority_schedule(bint real_time) noexcept nogil


cdef enum:
    WANTED_NICE = -10
    # Real-time as long as it sleeps for one part in so many: what else wants its processor has that much of it.
    ASLEEP_ONE_IN = 5
    # And again once it sleeps for more than that, or one at its limit would change to and fro.
    AGAIN_ONE_IN = 3


cdef struct Priority:
    bint permitted         # real-time scheduling
    bint real_time
    int64_t looked_ns
    int64_t slept_ns       # in polls, since the last look
    int64_t used_ns        # processor time, as of the last look
    int64_t spent_ns[2]    # how long it was ordinary and real-time, as of the last look


cdef inline bint priority_is_ours() noexcept nogil:
    """Whether nobody chose a priority for the calling thread: it has the usual one, or that of a thread that feeds a
    reactor, which is handed down."""
    cdef int nice = fb_priority_nice()
    return fb_priority_is_ordinary() and (nice == 0 or (nice == WANTED_NICE and fb_priority_main_nice() == 0))


cdef inline bint priority_ordinary() noexcept nogil:
    """Makes the calling thread an ordinary one; the system resets the timers' slack with it."""
    cdef bint done = fb_priority_schedule(False) == 0
    fb_priority_sharpen_timers()
    return done


cdef inline void priority_begin(Priority* priority, int64_t now_ns, int64_t used_ns) noexcept nogil:
    """For the calling thread, at its start."""
    cdef bint chosen = not priority_is_ours()
    priority.looked_ns = now_ns
    priority.used_ns = used_ns
    if not chosen:
        fb_priority_renice(WANTED_NICE)
    priority.permitted = priority.real_time = not chosen and fb_priority_schedule(True) == 0
    if fb_priority_is_ordinary():
        priority_ordinary()


cdef inline void priority_look(Priority* priority, int64_t now_ns, int64_t used_ns) noexcept nogil:
    """Now and then: real-time where it slept for long enough since the last look.

    Not by the processor time alone: of that a busy thread has little too, where others are as busy. Not by its sleep
    alone: a poll takes time of its own to fall asleep and to wake.
    """
    cdef int64_t passed = now_ns - priority.looked_ns
    cdef int64_t idle = min(priority.slept_ns, passed - (used_ns - priority.used_ns))
    cdef int one_in = ASLEEP_ONE_IN if priority.real_time else AGAIN_ONE_IN
    cdef bint wanted = priority.permitted and one_in * idle >= passed
    if priority.looked_ns == 0:
        return
    shared_add(&priority.spent_ns[priority.real_time], passed)
    priority.looked_ns = now_ns
    priority.used_ns = used_ns
    priority.slept_ns = 0
    if wanted and not priority.real_time:
        priority.permitted = priority.real_time = fb_priority_schedule(True) == 0
    elif priority.real_time and not wanted:
        priority.real_time = not priority_ordinary()
