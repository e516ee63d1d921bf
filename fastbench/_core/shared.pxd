"""Numbers that two threads share without a lock.

A counter has one thread that writes it; others read it. Requests from one thread to another only rise. Who sees a
number also sees what its thread wrote before it, but behind `shared_add`.
"""
from libc.stdint cimport int64_t


cdef extern from *:
    """
    #include <stdint.h>

    static inline int64_t fb_shared_get(const int64_t *at) { return __atomic_load_n(at, __ATOMIC_ACQUIRE); }
    static inline void fb_shared_put(int64_t *at, int64_t value) { __atomic_store_n(at, value, __ATOMIC_RELEASE); }
    /* No other thread writes it: a plain load and a plain store, as the processor has it. */
    static inline void fb_shared_add(int64_t *at, int64_t more) { __atomic_store_n(at, *at + more, __ATOMIC_RELAXED); }
    /* To this value, unless it is higher. */
    static inline void fb_shared_raise(int64_t *at, int64_t value) {
        int64_t seen = __atomic_load_n(at, __ATOMIC_RELAXED);
        while (seen < value && !__atomic_compare_exchange_n(at, &seen, value, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {}
    }
    /* In one order with each other and with `mailbox_filled` and `mailbox_put`, as all threads see it. */
    static inline int64_t fb_shared_swap(int64_t *at, int64_t value) {
        return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
    }
    """
    int64_t shared_get "fb_shared_get"(const int64_t* at) noexcept nogil
    void shared_put "fb_shared_put"(int64_t* at, int64_t value) noexcept nogil
    void shared_add "fb_shared_add"(int64_t* at, int64_t more) noexcept nogil
    void shared_raise "fb_shared_raise"(int64_t* at, int64_t value) noexcept nogil
    int64_t shared_swap "fb_shared_swap"(int64_t* at, int64_t value) noexcept nogil
