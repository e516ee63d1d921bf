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
    agenda.size += 1
    settle(agenda, agenda.size - 1, call)
    return True


cdef void settle(Agenda* agenda, int64_t at, Call* call) noexcept nogil:
    """Puts a call into the free place `at`, or where it belongs above or below it."""
    cdef int64_t child = 2 * at + 1
    while at and agenda.calls[(at - 1) // 2].due_ns > call.due_ns:
        put(agenda, at, agenda.calls[(at - 1) // 2])
        at = (at - 1) // 2
        child = agenda.size
    while child < agenda.size:
        if child + 1 < agenda.size and agenda.calls[child + 1].due_ns < agenda.calls[child].due_ns:
            child += 1
        if agenda.calls[child].due_ns >= call.due_ns:
            break
        put(agenda, at, agenda.calls[child])
        at = child
        child = 2 * at + 1
    put(agenda, at, call)


cdef void put(Agenda* agenda, int64_t at, Call* call) noexcept nogil:
    agenda.calls[at] = call
    call.agenda_at = at


cdef Call* agenda_pop(Agenda* agenda) noexcept nogil:
    """Takes the call that is due first; there must be one."""
    cdef Call* first = agenda.calls[0]
    agenda_remove(agenda, first)
    return first


cdef bint agenda_remove(Agenda* agenda, Call* call) noexcept nogil:
    """Takes a call out; False when it is not there."""
    cdef int64_t at = call.agenda_at
    cdef Call* last
    if at >= agenda.size or agenda.calls[at] != call:
        return False
    agenda.size -= 1
    last = agenda.calls[agenda.size]
    if last != call:
        settle(agenda, at, last)
    return True


cdef void agenda_free(Agenda* agenda) noexcept nogil:
    while agenda.size:
        agenda.size -= 1
        agenda.calls[agenda.size].next = NULL
        calls_free(agenda.calls[agenda.size])
    free(agenda.calls)
