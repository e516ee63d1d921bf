from libc.stdint cimport int64_t

from fastbench.mock.types cimport LogEntry


cdef LogEntry* new_entry() noexcept nogil
cdef void free_entry(LogEntry* entry) noexcept nogil
cdef bint stamp(LogEntry* entry, int64_t ns) noexcept nogil


cdef class Log:
    cdef LogEntry* newest
    cdef readonly int event_fd

    cdef void push(self, LogEntry* entry) noexcept nogil
