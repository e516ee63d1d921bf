"""The orders in which calls wait: for their turn, and for the end of their time."""

from fastbench._core.call cimport Call, Deadline
from libc.stdint cimport int64_t


cdef struct CallQueue:
    Call* head
    Call* tail
    int64_t size


cdef void queue_push(CallQueue* queue, Call* call) noexcept nogil
cdef Call* queue_pop(CallQueue* queue) noexcept nogil
cdef bint queue_unlink(CallQueue* queue, Call* call) noexcept nogil


cdef struct Deadlines:
    Deadline* first        # by when they were added; all are given the same time, so also by when it is over
    Deadline* last


cdef void deadlines_add(Deadlines* line, Deadline* deadline, Call* call, int64_t until_ns) noexcept nogil
cdef void deadlines_remove(Deadlines* line, Deadline* deadline) noexcept nogil
cdef bint deadlines_expired(const Deadlines* line, int64_t now_ns) noexcept nogil


cdef struct DueHeap:
    Call** calls           # a binary heap by `due_ns`
    int64_t size
    int64_t room


cdef bint due_heap_add(DueHeap* heap, Call* call) noexcept nogil
cdef bint due_heap_remove(DueHeap* heap, Call* call) noexcept nogil
cdef Call* due_heap_pop(DueHeap* heap) noexcept nogil
cdef void due_heap_free(DueHeap* heap) noexcept nogil
