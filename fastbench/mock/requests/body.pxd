from fastbench.mock.types cimport Ask


cdef int read_body(const char* data, size_t size, int dialect, Ask* ask) noexcept nogil
