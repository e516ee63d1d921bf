"""A mailbox between two threads: one puts, the other takes all, without a lock and without a limit.

What is put in is a struct whose first member is the pointer to the next one.
"""


cdef extern from *:
    """
    typedef struct fb_letter { struct fb_letter *next; } fb_letter;

    /* Returns whether the mailbox was empty: its reader may sleep then and wants a wake-up. */
    static inline int fb_put(fb_letter **box, fb_letter *letter) {
        fb_letter *head = __atomic_load_n(box, __ATOMIC_RELAXED);
        do letter->next = head;
        while (!__atomic_compare_exchange_n(box, &head, letter, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
        return head == NULL;
    }
    /* All letters, in the order in which they were put in. */
    static inline fb_letter *fb_take(fb_letter **box) {
        fb_letter *letter, *following, *ordered = NULL;
        if (!__atomic_load_n(box, __ATOMIC_RELAXED)) return NULL;
        letter = __atomic_exchange_n(box, NULL, __ATOMIC_ACQUIRE);
        for (; letter; letter = following) {
            following = letter->next;
            letter->next = ordered;
            ordered = letter;
        }
        return ordered;
    }
    /* A flag of another thread: who sees it set also sees what was written before it was. */
    static inline int fb_seen(const int *flag) { return __atomic_load_n(flag, __ATOMIC_ACQUIRE); }
    static inline void fb_set(int *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELEASE); }
    /* What this thread wrote is seen by others before what it reads next. */
    static inline void fb_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
    """
    ctypedef struct Letter "fb_letter":
        pass
    bint mailbox_put "fb_put"(Letter** box, Letter* letter) noexcept nogil
    Letter* mailbox_take "fb_take"(Letter** box) noexcept nogil
    bint fb_seen(const int* flag) noexcept nogil
    void fb_set(int* flag) noexcept nogil
    void fb_fence() noexcept nogil
