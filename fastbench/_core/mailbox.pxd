"""A mailbox between two threads: one puts, the other takes all, without a lock and without a limit.

What is put in is a struct whose first member is the pointer to the next one.
"""


cdef extern from *:
    """
    typedef struct fb_mailbox_letter { struct fb_mailbox_letter *next; } fb_mailbox_letter;

    /* Returns whether the mailbox was empty: its reader may sleep then and wants a wake-up. */
    static inline int fb_mailbox_put(fb_mailbox_letter **box, fb_mailbox_letter *letter) {
        fb_mailbox_letter *head = __atomic_load_n(box, __ATOMIC_RELAXED);
        do letter->next = head;
        while (!__atomic_compare_exchange_n(box, &head, letter, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
        return head == NULL;
    }
    /* All letters, in the order in which they were put in. */
    static inline fb_mailbox_letter *fb_mailbox_take(fb_mailbox_letter **box) {
        fb_mailbox_letter *letter, *following, *ordered = NULL;
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
    static inline int fb_mailbox_seen(const int *flag) { return __atomic_load_n(flag, __ATOMIC_ACQUIRE); }
    static inline void fb_mailbox_set(int *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELEASE); }
    /* What this thread wrote is seen by others before what it reads next. */
    static inline void fb_mailbox_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
    """
    ctypedef struct Letter "fb_mailbox_letter":
        pass
    bint mailbox_put "fb_mailbox_put"(Letter** box, Letter* letter) noexcept nogil
    Letter* mailbox_take "fb_mailbox_take"(Letter** box) noexcept nogil
    bint mailbox_seen "fb_mailbox_seen"(const int* flag) noexcept nogil
    void mailbox_set "fb_mailbox_set"(int* flag) noexcept nogil
    void mailbox_fence "fb_mailbox_fence"() noexcept nogil
