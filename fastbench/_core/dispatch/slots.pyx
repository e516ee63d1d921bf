# cython: language_level=3
"""The slots of a closed loop: when each first opens, becomes free again, and closes for good."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

import numpy as np

from fastbench._core.arrays cimport int64s

cdef int64_t NEVER = 0x7fffffffffffffffLL


cdef class Slots:
    """Times count from the start, ns, except those that were given back: all in the clock that the caller uses.

    most: slots that there may be at once after a `resize`.
    """

    def __cinit__(self, openings, closings, int64_t most=0):
        self.openings = np.ascontiguousarray(openings, dtype=np.int64)
        self.closings = np.ascontiguousarray(closings, dtype=np.int64)
        self.opens = int64s(self.openings)
        self.closes = int64s(self.closings)
        self.opens_count = self.openings.size
        self.closes_count = self.closings.size
        self.present = self.opens_count - self.closes_count
        # Never more at once than were opened in all, or than a resize may ask for.
        self.room = max(self.opens_count, most)
        self.freed = <int64_t*> malloc((self.room + 1) * sizeof(int64_t))
        if self.freed == NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self.freed)

    cdef int64_t next(self, int64_t now) noexcept nogil:
        """When the slot that is free first became or becomes so; NEVER while all are in use."""
        self.close_due(now)
        cdef int64_t slot = self.opens[self.opened] if self.opened < self.opens_count else NEVER
        if self.free_count and self.freed[self.head] <= slot:
            return self.freed[self.head]
        return slot

    cdef int64_t take(self, int64_t now) noexcept nogil:
        """Takes the slot that `next` announces."""
        cdef int64_t slot = self.next(now)
        if self.free_count and self.freed[self.head] == slot:
            self.drop_free()
        else:
            self.opened += 1
        return slot

    cdef void give_back(self, int64_t freed) noexcept nogil:
        """A slot is free again from this moment on, unless one is to close."""
        cdef int64_t at, before
        if self.surplus:
            self.surplus -= 1
            return
        if self.closed < self.closes_count and self.closes[self.closed] <= freed:
            self.closed += 1
            return
        # In the order of the moments: replies are noticed nearly, not quite, in the order in which they ended.
        at = (self.head + self.free_count) % self.room
        while at != self.head:
            before = (at + self.room - 1) % self.room
            if self.freed[before] <= freed:
                break
            self.freed[at] = self.freed[before]
            at = before
        self.freed[at] = freed
        self.free_count += 1

    cdef void close_due(self, int64_t now) noexcept nogil:
        """Closes free slots that are due to close; those in use close when they are given back."""
        while self.free_count and self.closed < self.closes_count and self.closes[self.closed] <= now:
            self.drop_free()
            self.closed += 1
        while self.free_count and self.surplus:
            self.drop_free()
            self.surplus -= 1

    cdef void drop_free(self) noexcept nogil:
        self.head = (self.head + 1) % self.room
        self.free_count -= 1

    cdef void resize(self, int64_t wanted, int64_t now, int64_t step) noexcept nogil:
        """So many slots from now on, at most `room`: new ones open `step` apart, the surplus closes as it is free."""
        cdef int64_t more = wanted - self.present
        cdef int64_t kept = min(max(more, 0), self.surplus)
        cdef int64_t k
        self.present = wanted
        self.surplus += max(-more, 0) - kept
        for k in range(more - kept):
            self.give_back(now + k * step)
        self.close_due(now)
