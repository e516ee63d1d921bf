from libc.stdint cimport int64_t

from fastbench._core.call cimport Call


cdef struct Agenda:
    Call** calls           # a binary heap by `due_ns`
    int64_t size
    int64_t room


cdef bint agenda_add(Agenda* agenda, Call* call) noexcept nogil
cdef bint agenda_remove(Agenda* agenda, Call* call) noexcept nogil
cdef Call* agenda_pop(Agenda* agenda) noexcept nogil
cdef void agenda_free(Agenda* agenda) noexcept nogil
