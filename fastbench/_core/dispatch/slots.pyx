# cython: language_level=3
"""The slots of a closed loop: when each first opens, becomes free again, and closes for good."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

import numpy as np

cimport numpy as cnp

cnp.import_array()

cdef int64_t NEVER = 0x7fffffffffffffffLL


cdef class Slots:
    """Times count from the start, ns, except those that were given back: all in the clock that the caller uses."""

    def __cinit__(self, openings, closings):
        self.openings = np.ascontiguousarray(openings, dtype=np.int64)
        self.closings = np.ascontiguousarray(closings, dtype=np.int64)
        self.opens = <const int64_t*> cnp.PyArray_DATA(self.openings)
        self.closes = <const int64_t*> cnp.PyArray_DATA(self.closings)
        self.opens_count = self.openings.size
        self.closes_count = self.closings.size
        # Never more at once than were opened in all.
        self.room = self.opens_count
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
            self.head = (self.head + 1) % self.room
            self.free_count -= 1
        else:
            self.opened += 1
        return slot

    cdef void give_back(self, int64_t freed) noexcept nogil:
        """A slot is free again from this moment on, unless one is to close."""
        cdef int64_t at, before
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
            self.head = (self.head + 1) % self.room
            self.free_count -= 1
            self.closed += 1
