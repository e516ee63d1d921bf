from fastbench.mock.types cimport Ask, PrefixCache


cdef int read_body(const char* data, size_t size, int dialect, Ask* ask, PrefixCache* prefixes) noexcept nogil
