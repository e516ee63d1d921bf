"""Where the parts of a JSON text end. Each function reads from `p`, never beyond `end`."""
from libc.stdint cimport int64_t
from libc.string cimport memchr, memcmp


cdef inline const char* skip_space(const char* p, const char* end) noexcept nogil:
    while p < end and (p[0] == c' ' or p[0] == c'\n' or p[0] == c'\r' or p[0] == c'\t'):
        p += 1
    return p


cdef inline const char* string_end(const char* p, const char* end) noexcept nogil:
    """p: behind the opening quote. The closing quote, NULL when there is none."""
    cdef const char* quote
    cdef const char* back
    while True:
        quote = <const char*> memchr(p, c'"', <size_t> (end - p))
        if quote == NULL:
            return NULL
        back = quote
        while back > p and (back - 1)[0] == c"\\":
            back -= 1
        # An even run of backslashes before the quote escapes itself, not the quote.
        if ((quote - back) & 1) == 0:
            return quote
        p = quote + 1


cdef inline bint is_digit(char c) noexcept nogil:
    return c >= c'0' and c <= c'9'


cdef inline int64_t to_int(const char* p, const char* end) noexcept nogil:
    """A JSON number's whole part; -1 for what is no count: negative, with an exponent, past 2**31, no number."""
    cdef int64_t value = 0
    if p >= end or not is_digit(p[0]) or memchr(p, c'e', <size_t> (end - p)) or memchr(p, c'E', <size_t> (end - p)):
        return -1
    while p < end and is_digit(p[0]):
        value = value * 10 + (p[0] - c'0')
        if value > 0x7fffffff:
            return -1
        p += 1
    return value


cdef inline const char* digits_end(const char* p, const char* end) noexcept nogil:
    """Behind one or more digits, NULL when there is none."""
    cdef const char* start = p
    while p < end and is_digit(p[0]):
        p += 1
    return p if p > start else NULL


cdef inline const char* bare_end(const char* p, const char* end) noexcept nogil:
    """The end of a number, true, false or null; NULL for anything else."""
    if end - p >= 4 and (memcmp(p, "null", 4) == 0 or memcmp(p, "true", 4) == 0):
        return p + 4
    if end - p >= 5 and memcmp(p, "false", 5) == 0:
        return p + 5
    if p < end and p[0] == c'-':
        p += 1
    if p < end and p[0] == c'0':
        p += 1
    else:
        p = digits_end(p, end)
    if p != NULL and p < end and p[0] == c'.':
        p = digits_end(p + 1, end)
    if p != NULL and p < end and (p[0] == c'e' or p[0] == c'E'):
        p += 1
        if p < end and (p[0] == c'+' or p[0] == c'-'):
            p += 1
        p = digits_end(p, end)
    return p


cdef inline const char* value_end(const char* p, const char* end) noexcept nogil:
    """The end of the value at `p`, NULL where it has none; whether it is JSON all through is not looked at."""
    cdef const char* start = p
    cdef int64_t depth = 0
    while p < end:
        if p[0] == c'"':
            p = string_end(p + 1, end)
            if p == NULL:
                return NULL
        elif p[0] == c'{' or p[0] == c'[':
            depth += 1
        elif p[0] == c'}' or p[0] == c']':
            depth -= 1
        elif depth == 0:
            return bare_end(start, end)
        p += 1
        if depth <= 0:
            return p
    return NULL
