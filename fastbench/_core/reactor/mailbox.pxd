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
        while (!__atomic_compare_exchange_n(box, &head, letter, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
        return head == NULL;
    }
    /* Several at once, linked from the last to the first. */
    static inline void fb_mailbox_put_all(fb_mailbox_letter **box, fb_mailbox_letter *last, fb_mailbox_letter *first) {
        fb_mailbox_letter *head = __atomic_load_n(box, __ATOMIC_RELAXED);
        do first->next = head;
        while (!__atomic_compare_exchange_n(box, &head, last, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
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
    /* Whether anything is in it. */
    static inline int fb_mailbox_filled(fb_mailbox_letter **box) {
        return __atomic_load_n(box, __ATOMIC_SEQ_CST) != NULL;
    }
    """
    ctypedef struct Letter "fb_mailbox_letter":
        pass
    bint mailbox_put "fb_mailbox_put"(Letter** box, Letter* letter) noexcept nogil
    void mailbox_put_all "fb_mailbox_put_all"(Letter** box, Letter* last, Letter* first) noexcept nogil
    Letter* mailbox_take "fb_mailbox_take"(Letter** box) noexcept nogil
    bint mailbox_filled "fb_mailbox_filled"(Letter** box) noexcept nogil
