cdef enum:
    MOST_WORDS = 64
    FINISH_OTHER = 1   # the code of a finish reason that has none of its own
    FINISH_FIRST = 2


cdef struct Words:
    int count
    const char* at[MOST_WORDS]


cdef Words words_of(names) except *
cdef bint is_word(const char* word, const char* start, size_t size) noexcept nogil
cdef bint holds(const char* start, const char* stop, const char* word) noexcept nogil
cdef bint is_empty(const char* start, const char* stop, bint quoted) noexcept nogil
cdef bint is_success(const char* start, size_t size) noexcept nogil
cdef bint is_among(const Words* words, const char* start, const char* stop) noexcept nogil
cdef int finish_code_of(const char** start, size_t* size, bint* given_up) noexcept nogil
