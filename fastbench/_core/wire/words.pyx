# cython: language_level=3
"""Words in the bytes of a JSON text: compared without letters' case, looked up in lists; finish reasons among them."""

from libc.string cimport strlen

from fastbench._core.wire.json cimport is_digit

from fastbench._core.ring import FINISHES as PY_FINISHES
from fastbench._core.ring import GIVEN_UP as PY_GIVEN_UP

cdef int GIVEN_UP = PY_GIVEN_UP

_kept = []  # what the words point at


cdef Words words_of(names) except *:
    cdef Words words
    if len(names) > MOST_WORDS:
        raise ImportError("more words than a list of them has room for")
    words.count = len(names)
    for i, name in enumerate(names):
        _kept.append(name.encode())
        words.at[i] = _kept[-1]
    return words


# Finish reasons, by code.
cdef Words FINISH_WORDS = words_of(PY_FINISHES)


cdef bint is_word(const char* word, const char* start, size_t size) noexcept nogil:
    """Whether `size` bytes are the lower-case word, in letters of either case."""
    cdef size_t i
    if strlen(word) != size:
        return False
    for i in range(size):
        if word[i] != (start[i] | 0x20 if c'A' <= start[i] <= c'Z' else start[i]):
            return False
    return True


cdef bint is_reason(const char* word, const char* start, size_t size) noexcept nogil:
    """Whether `size` bytes are the lower-case word of a finish reason, with - or spaces in the place of its _."""
    cdef size_t i
    cdef char letter
    if strlen(word) != size:
        return False
    for i in range(size):
        letter = start[i]
        if letter == c'-' or letter == c' ':
            letter = c'_'
        elif c'A' <= letter <= c'Z':
            letter = letter | 0x20
        if word[i] != letter:
            return False
    return True


cdef bint holds(const char* start, const char* stop, const char* word) noexcept nogil:
    """Whether the lower-case word stands somewhere in the bytes."""
    cdef size_t size = strlen(word)
    while <size_t> (stop - start) >= size:
        if is_word(word, start, size):
            return True
        start += 1
    return False


cdef bint is_empty(const char* start, const char* stop, bint quoted) noexcept nogil:
    """Whether a scalar says nothing: "", null, false, 0, or one of these as a word."""
    cdef size_t size = <size_t> (stop - start)
    if quoted:
        return (
            size == 0 or is_word("null", start, size) or is_word("none", start, size) or is_word("0", start, size)
            or is_word("false", start, size)
        )
    if not (is_digit(start[0]) or start[0] == c'-'):
        return start[0] != c't'
    while start < stop and start[0] != c'e' and start[0] != c'E':
        if c'1' <= start[0] <= c'9':
            return False
        start += 1
    return True


cdef bint is_success(const char* start, size_t size) noexcept nogil:
    return is_word("ok", start, size) or is_word("success", start, size) or is_word("succeeded", start, size)


cdef bint is_among(const Words* words, const char* start, const char* stop) noexcept nogil:
    cdef int i
    for i in range(words.count):
        if is_word(words.at[i], start, <size_t> (stop - start)):
            return True
    return False


cdef void core_of_word(const char** start, size_t* size) noexcept nogil:
    """A word without the spaces around it, what stands before its last dot, and what stands behind a colon."""
    cdef size_t i = 0
    cdef const char* at = start[0]
    while i < size[0] and at[i] != c':':
        i += 1
    size[0] = i
    while i and at[i - 1] != c'.':
        i -= 1
    at += i
    size[0] -= i
    while size[0] and at[0] == c' ':
        at += 1
        size[0] -= 1
    while size[0] and at[size[0] - 1] == c' ':
        size[0] -= 1
    start[0] = at


cdef int finish_code_of(const char** start, size_t* size, bint* given_up) noexcept nogil:
    """The code of a finish reason, of which start and size are then the bare word. given_up: the request was."""
    cdef int code = FINISH_FIRST
    core_of_word(start, size)
    while code < FINISH_WORDS.count and not is_reason(FINISH_WORDS.at[code], start[0], size[0]):
        code += 1
    if code == FINISH_WORDS.count:
        return FINISH_OTHER
    given_up[0] = code >= GIVEN_UP
    return code
