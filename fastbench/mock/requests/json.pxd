from fastbench.mock.types cimport Span


cdef struct Cursor:
    const char* at
    const char* end


cdef int hex_value(char byte) noexcept nogil
cdef int peek(Cursor* c) noexcept nogil
cdef bint read_string(Cursor* c, Span* out) noexcept nogil
cdef bint read_number(Cursor* c, double* value) noexcept nogil
cdef bint read_word(Cursor* c, const char* word, int size) noexcept nogil
cdef bint skip_value(Cursor* c, int depth) noexcept nogil
cdef int next_member(Cursor* c, Span* key, bint* first) noexcept nogil
cdef int next_element(Cursor* c, bint* first) noexcept nogil
cdef size_t decode(const Span* span, char* out, size_t capacity) noexcept nogil
cdef bint spells(const Span* span, const char* text, size_t size) noexcept nogil


cdef inline bint skip_member(Cursor* c) noexcept nogil:
    """Skips the value of an object's member or a list's element."""
    return skip_value(c, 1)
