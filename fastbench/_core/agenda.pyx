# cython: language_level=3
"""Calls by the time at which they are due, whatever order they come in."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, realloc

from fastbench._core.call cimport Call, calls_free


cdef bint agenda_add(Agenda* agenda, Call* call) noexcept nogil:
    """Adds a call; False when memory is out."""
    cdef int64_t room = agenda.room * 2 if agenda.room else 64
    cdef Call** grown
    if agenda.size == agenda.room:
        grown = <Call**> realloc(agenda.calls, room * sizeof(Call*))
        if grown == NULL:
            return False
        agenda.calls = grown
        agenda.room = room
    cdef int64_t at = agenda.size
    agenda.size += 1
    while at and agenda.calls[(at - 1) // 2].due_ns > call.due_ns:
        agenda.calls[at] = agenda.calls[(at - 1) // 2]
        at = (at - 1) // 2
    agenda.calls[at] = call
    return True


cdef Call* agenda_pop(Agenda* agenda) noexcept nogil:
    """Takes the call that is due first; there must be one."""
    cdef Call* first = agenda.calls[0]
    agenda.size -= 1
    cdef Call* last = agenda.calls[agenda.size]
    cdef int64_t at = 0, child = 1
    while child < agenda.size:
        if child + 1 < agenda.size and agenda.calls[child + 1].due_ns < agenda.calls[child].due_ns:
            child += 1
        if agenda.calls[child].due_ns >= last.due_ns:
            break
        agenda.calls[at] = agenda.calls[child]
        at = child
        child = 2 * at + 1
    agenda.calls[at] = last
    return first


cdef void agenda_free(Agenda* agenda) noexcept nogil:
    while agenda.size:
        agenda.size -= 1
        agenda.calls[agenda.size].next = NULL
        calls_free(agenda.calls[agenda.size])
    free(agenda.calls)
