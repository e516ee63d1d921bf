"""Clocks: CLOCK_MONOTONIC in ns, and how the kernel's CLOCK_REALTIME stamps become it."""
from libc.stdint cimport int64_t
from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, clockid_t, timespec


cdef extern from "<time.h>" nogil:
    clockid_t CLOCK_THREAD_CPUTIME_ID


cdef inline int64_t read_clock(clockid_t clock) noexcept nogil:
    cdef timespec now
    clock_gettime(clock, &now)
    return <int64_t> now.tv_sec * 1000000000 + now.tv_nsec


cdef inline int64_t mono_ns() noexcept nogil:
    return read_clock(CLOCK_MONOTONIC)


cdef inline int64_t thread_cpu_ns() noexcept nogil:
    return read_clock(CLOCK_THREAD_CPUTIME_ID)


cdef inline int64_t real_offset_ns() noexcept nogil:
    """REALTIME - MONOTONIC, from the tightest of five sandwiched readings."""
    cdef int64_t before, real, after, width, offset = 0, best = 0x7fffffffffffffff
    cdef int _
    for _ in range(5):
        before = mono_ns()
        real = read_clock(CLOCK_REALTIME)
        after = mono_ns()
        width = after - before
        if width < best:
            best = width
            offset = real - (before + (width >> 1))
    return offset
