from libc.stdint cimport int64_t

from fastbench._core.call cimport Call


cdef struct DueHeap:
    Call** calls           # a binary heap by `due_ns`
    int64_t size
    int64_t room


cdef bint due_heap_add(DueHeap* heap, Call* call) noexcept nogil
cdef bint due_heap_remove(DueHeap* heap, Call* call) noexcept nogil
cdef Call* due_heap_pop(DueHeap* heap) noexcept nogil
cdef void due_heap_free(DueHeap* heap) noexcept nogil
