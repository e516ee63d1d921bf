# cython: language_level=3
"""Queues of calls, and lines of their deadlines: both only link what stands in the calls themselves."""

from libc.stdint cimport int64_t

from fastbench._core.call cimport Call, Deadline


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
