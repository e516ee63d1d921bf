# cython: language_level=3
"""Queues of calls, and lines of their deadlines: both only link what stands in the calls themselves."""

from fastbench._core.call cimport Call, Deadline, calls_free
from libc.stdint cimport int64_t
from libc.stdlib cimport free, realloc


cdef void queue_push(CallQueue* queue, Call* call) noexcept nogil:
    call.next = NULL
    if queue.tail == NULL:
        queue.head = call
    else:
        queue.tail.next = call
    queue.tail = call
    queue.size += 1


cdef Call* queue_pop(CallQueue* queue) noexcept nogil:
    cdef Call* call = queue.head
    queue.head = call.next
    if queue.head == NULL:
        queue.tail = NULL
    queue.size -= 1
    return call


cdef bint queue_unlink(CallQueue* queue, Call* call) noexcept nogil:
    """Takes one call out of the middle; False when it is not there."""
    cdef Call* before = NULL
    cdef Call* at = queue.head
    while at != NULL and at != call:
        before = at
        at = at.next
    if at == NULL:
        return False
    if before == NULL:
        queue.head = call.next
    else:
        before.next = call.next
    if queue.tail == call:
        queue.tail = before
    queue.size -= 1
    return True


cdef void deadlines_add(Deadlines* line, Deadline* deadline, Call* call, int64_t until_ns) noexcept nogil:
    """Puts a deadline at the line's end, wherever in the line it is now."""
    deadlines_remove(line, deadline)
    deadline.call = call
    deadline.until_ns = until_ns
    deadline.earlier = line.last
    if line.last == NULL:
        line.first = deadline
    else:
        line.last.later = deadline
    line.last = deadline


cdef void deadlines_remove(Deadlines* line, Deadline* deadline) noexcept nogil:
    """Takes a deadline out of the line, if it is in it."""
    if deadline.call == NULL:
        return
    if deadline.earlier == NULL:
        line.first = deadline.later
    else:
        deadline.earlier.later = deadline.later
    if deadline.later == NULL:
        line.last = deadline.earlier
    else:
        deadline.later.earlier = deadline.earlier
    deadline.call = NULL
    deadline.earlier = deadline.later = NULL


cdef bint deadlines_expired(const Deadlines* line, int64_t now_ns) noexcept nogil:
    """Whether the time of the line's first call is over."""
    return line.first != NULL and line.first.until_ns <= now_ns


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
