# cython: language_level=3
"""Calls by the time at which they are due, whatever order they come in."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, realloc

from fastbench._core.call cimport Call, calls_free


cdef bint due_heap_add(DueHeap* heap, Call* call) noexcept nogil:
    """Adds a call; False when memory is out."""
    cdef int64_t room = heap.room * 2 if heap.room else 64
    cdef Call** grown
    if heap.size == heap.room:
        grown = <Call**> realloc(heap.calls, room * sizeof(Call*))
        if grown == NULL:
            return False
        heap.calls = grown
        heap.room = room
    heap.size += 1
    settle(heap, heap.size - 1, call)
    return True


cdef void settle(DueHeap* heap, int64_t at, Call* call) noexcept nogil:
    """Puts a call into the free place `at`, or where it belongs above or below it."""
    cdef int64_t child = 2 * at + 1
    while at and heap.calls[(at - 1) // 2].due_ns > call.due_ns:
        put(heap, at, heap.calls[(at - 1) // 2])
        at = (at - 1) // 2
        child = heap.size
    while child < heap.size:
        if child + 1 < heap.size and heap.calls[child + 1].due_ns < heap.calls[child].due_ns:
            child += 1
        if heap.calls[child].due_ns >= call.due_ns:
            break
        put(heap, at, heap.calls[child])
        at = child
        child = 2 * at + 1
    put(heap, at, call)


cdef void put(DueHeap* heap, int64_t at, Call* call) noexcept nogil:
    heap.calls[at] = call
    call.heap_at = at


cdef Call* due_heap_pop(DueHeap* heap) noexcept nogil:
    """Takes the call that is due first; there must be one."""
    cdef Call* first = heap.calls[0]
    due_heap_remove(heap, first)
    return first


cdef bint due_heap_remove(DueHeap* heap, Call* call) noexcept nogil:
    """Takes a call out; False when it is not there."""
    cdef int64_t at = call.heap_at
    cdef Call* last
    if at >= heap.size or heap.calls[at] != call:
        return False
    heap.size -= 1
    last = heap.calls[heap.size]
    if last != call:
        settle(heap, at, last)
    return True


cdef void due_heap_free(DueHeap* heap) noexcept nogil:
    while heap.size:
        heap.size -= 1
        heap.calls[heap.size].next = NULL
        calls_free(heap.calls[heap.size])
    free(heap.calls)
