from fastbench.mock.types cimport Ask, Buffer


cdef bint put_answer(
    Buffer* out, int status, const char* kind, const char* more, const char* body, size_t size, bint close
) noexcept nogil
cdef bint put_error(
    Buffer* out, int status, const char* message, const char* param, int dialect, bint close
) noexcept nogil
cdef bint put_body_error(Buffer* out, int error, const Ask* ask, int dialect, bint close) noexcept nogil
