from fastbench.mock.types cimport Fault, Span


cdef bint read_fault(const Span* text, Fault* fault) noexcept nogil
cdef const char* fault_name(int kind) noexcept nogil
