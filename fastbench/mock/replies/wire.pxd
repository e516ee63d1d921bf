from libc.stdint cimport int32_t, int64_t, uint32_t

from fastbench.mock.types cimport DIALECT_COUNT, Buffer, Stream, Template


cdef enum Kind:
    KIND_ROLE
    KIND_TEXT
    KIND_REASONING
    KIND_TEXT_LAST
    KIND_REASONING_LAST
    KIND_FINISH
    KIND_USAGE
    KIND_ERROR
    KIND_DONE
    KIND_BODY_OPEN
    KIND_BODY_CHOICE
    KIND_BODY_CLOSE
    KIND_COUNT


cdef struct Fill:
    int32_t choice
    int32_t first               # the tokens of this event: first … last - 1
    int32_t last
    int32_t reasoning           # how many of the first tokens are reasoning
    int64_t completion_tokens
    int64_t reasoning_tokens
    bint finishes


cdef bint reserve(Buffer* out, size_t more) noexcept nogil
cdef bint append(Buffer* out, const char* text, size_t size) noexcept nogil
cdef void drop(Buffer* out, size_t size) noexcept nogil
cdef void release(Buffer* out) noexcept nogil
cdef char* put_number(char* at, int64_t value) noexcept nogil
cdef size_t open_chunk(Buffer* out, bint chunked) noexcept nogil
cdef bint close_chunk(Buffer* out, size_t start, bint chunked, bint upper) noexcept nogil


cdef class Wire:
    cdef Template templates[<int> DIALECT_COUNT][<int> KIND_COUNT][2]   # [dialect][kind][with usage]
    cdef const char** words
    cdef uint32_t* word_sizes
    cdef uint32_t word_count                # a power of two
    cdef uint32_t longest_word
    cdef object kept                        # the Python objects whose bytes the templates point into

    cdef int compile(self, Template* t, list pieces) except -1
    cdef char* put_words(self, char* at, const Stream* s, int32_t choice, int32_t first, int32_t last) noexcept nogil
    cdef char* put_ids(self, char* at, const Stream* s, const Fill* fill) noexcept nogil
    cdef char* put_slot(self, char* at, int slot, const Stream* s, const Fill* fill) noexcept nogil
    cdef bint emit(self, Buffer* out, const Template* t, const Stream* s, const Fill* fill) noexcept nogil
    cdef bint bind(self, Template* out, const Template* t, const Stream* s) noexcept nogil
