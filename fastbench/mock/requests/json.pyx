# cython: language_level=3
"""A strict JSON reader (RFC 8259, UTF-8 checked) that walks a text in place, without the GIL.

Every function moves the cursor over what it read and returns False (or -1) at the first byte that is not JSON;
the cursor then stands at that byte. `c.at < c.end` is tested before each byte is read.
"""

from libc.stdlib cimport strtod
from libc.string cimport memchr, memcmp, memcpy

from fastbench.mock.types cimport Span

cdef int MAX_DEPTH = 256


cdef int peek(Cursor* c) noexcept nogil:
    """The next byte that is not white space, which is skipped; -1 at the end."""
    while c.at < c.end and (c.at[0] == b" " or c.at[0] == b"\n" or c.at[0] == b"\r" or c.at[0] == b"\t"):
        c.at += 1
    return <unsigned char> c.at[0] if c.at < c.end else -1


cdef int hex_value(char byte) noexcept nogil:
    if b"0" <= byte <= b"9":
        return byte - c"0"
    if b"a" <= byte <= b"f":
        return byte - c"a" + 10
    if b"A" <= byte <= b"F":
        return byte - c"A" + 10
    return -1


cdef int read_hex4(const char* at, const char* end) noexcept nogil:
    """The value of four hex digits, -1 when there are not four."""
    cdef int value = 0, digit, i
    if end - at < 4:
        return -1
    for i in range(4):
        digit = hex_value(at[i])
        if digit < 0:
            return -1
        value = value * 16 + digit
    return value


cdef int utf8_size(const unsigned char* at, const unsigned char* end) noexcept nogil:
    """Bytes of the multi-byte UTF-8 sequence at `at`, 0 when it is not valid (overlong, surrogate, cut)."""
    cdef int size, i
    cdef unsigned char low = 0x80, high = 0xBF
    if 0xC2 <= at[0] <= 0xDF:
        size = 2
    elif 0xE0 <= at[0] <= 0xEF:
        size = 3
        if at[0] == 0xE0:
            low = 0xA0
        elif at[0] == 0xED:
            high = 0x9F
    elif 0xF0 <= at[0] <= 0xF4:
        size = 4
        if at[0] == 0xF0:
            low = 0x90
        elif at[0] == 0xF4:
            high = 0x8F
    else:
        return 0
    if end - at < size or at[1] < low or at[1] > high:
        return 0
    for i in range(2, size):
        if at[i] & 0xC0 != 0x80:
            return 0
    return size


cdef bint skip_escape(Cursor* c) noexcept nogil:
    """Over the escape at the cursor (a backslash)."""
    if c.end - c.at < 2:
        c.at = c.end
        return False
    if c.at[1] == b"u":
        if read_hex4(c.at + 2, c.end) < 0:
            return False
        c.at += 6
        return True
    if c.at[1] == 0 or memchr(b"\"\\/bfnrt", c.at[1], 8) == NULL:
        return False
    c.at += 2
    return True


cdef bint read_string(Cursor* c, Span* out) noexcept nogil:
    """The string at the cursor; `out` is its inside as written, escapes not resolved."""
    cdef unsigned char byte
    cdef int size
    if peek(c) != b'"':
        return False
    c.at += 1
    out.at = c.at
    out.escaped = False
    while c.at < c.end:
        byte = <unsigned char> c.at[0]
        if 0x20 <= byte < 0x80 and byte != b'"' and byte != b"\\":
            c.at += 1
        elif byte == b'"':
            out.size = c.at - out.at
            c.at += 1
            return True
        elif byte == b"\\":
            out.escaped = True
            if not skip_escape(c):
                return False
        elif byte < 0x20:
            return False
        else:
            size = utf8_size(<const unsigned char*> c.at, <const unsigned char*> c.end)
            if size == 0:
                return False
            c.at += size
    return False


cdef bint skip_digits(Cursor* c) noexcept nogil:
    """Over at least one digit."""
    cdef const char* start = c.at
    while c.at < c.end and b"0" <= c.at[0] <= b"9":
        c.at += 1
    return c.at > start


cdef bint read_number(Cursor* c, double* value) noexcept nogil:
    """The number at the cursor. A number of more than 63 characters is valid, its value is then infinite."""
    cdef char copy[64]
    cdef const char* start
    cdef size_t size
    peek(c)
    start = c.at
    if c.at < c.end and c.at[0] == b"-":
        c.at += 1
    if c.at < c.end and c.at[0] == b"0":
        c.at += 1
    elif not skip_digits(c):
        return False
    if c.at < c.end and c.at[0] == b".":
        c.at += 1
        if not skip_digits(c):
            return False
    if c.at < c.end and (c.at[0] == b"e" or c.at[0] == b"E"):
        c.at += 1
        if c.at < c.end and (c.at[0] == b"+" or c.at[0] == b"-"):
            c.at += 1
        if not skip_digits(c):
            return False
    size = c.at - start
    if size >= sizeof(copy):
        value[0] = 1e308 * 10
        return True
    memcpy(copy, start, size)
    copy[size] = 0
    value[0] = strtod(copy, NULL)
    return True


cdef bint read_word(Cursor* c, const char* word, int size) noexcept nogil:
    """Over a literal name such as `true`."""
    if c.end - c.at < size or memcmp(c.at, word, size) != 0:
        return False
    c.at += size
    return True


cdef int next_part(Cursor* c, char closing, bint* first) noexcept nogil:
    """1 before the next part of a list or object (the opening bracket is read), 0 after its end, -1 at an error."""
    cdef int byte = peek(c)
    if first[0]:
        first[0] = False
        if byte != closing:
            return 1 if byte >= 0 else -1
        c.at += 1
        return 0
    if byte != closing and byte != b",":
        return -1
    c.at += 1
    return 0 if byte == closing else 1


cdef int next_element(Cursor* c, bint* first) noexcept nogil:
    """As `next_part`, of a list."""
    return next_part(c, b"]", first)


cdef int next_member(Cursor* c, Span* key, bint* first) noexcept nogil:
    """As `next_part`, of an object: `key` is read and the cursor stands at the value."""
    cdef int found = next_part(c, b"}", first)
    if found != 1:
        return found
    if not read_string(c, key) or peek(c) != b":":
        return -1
    c.at += 1
    return 1


cdef bint skip_value(Cursor* c, int depth) noexcept nogil:
    """Over any value; nesting deeper than 256 is refused."""
    cdef Span text
    cdef double number
    cdef bint first = True
    cdef int found
    cdef int byte = peek(c)
    if byte == b'"':
        return read_string(c, &text)
    if byte == b"t":
        return read_word(c, b"true", 4)
    if byte == b"f":
        return read_word(c, b"false", 5)
    if byte == b"n":
        return read_word(c, b"null", 4)
    if byte != b"{" and byte != b"[":
        return read_number(c, &number)
    if depth >= MAX_DEPTH:
        return False
    c.at += 1
    while True:
        found = next_member(c, &text, &first) if byte == b"{" else next_element(c, &first)
        if found <= 0:
            return found == 0
        if not skip_value(c, depth + 1):
            return False


cdef int put_utf8(char* out, int code) noexcept nogil:
    """Writes one code point below U+10000 (a lone surrogate as the three bytes it would have)."""
    if code < 0x80:
        out[0] = <char> code
        return 1
    if code < 0x800:
        out[0] = <char> (0xC0 | code >> 6)
        out[1] = <char> (0x80 | code & 0x3F)
        return 2
    out[0] = <char> (0xE0 | code >> 12)
    out[1] = <char> (0x80 | code >> 6 & 0x3F)
    out[2] = <char> (0x80 | code & 0x3F)
    return 3


cdef size_t decode(const Span* span, char* out, size_t capacity) noexcept nogil:
    """The string's text with escapes resolved. A text that needs more than `capacity` gives `capacity + 1`."""
    cdef size_t size = 0
    cdef const char* at = span.at
    cdef const char* end = span.at + span.size
    cdef const char* plain = b"\"\\/bfnrt"
    cdef const char* meant = b"\"\\/\b\f\n\r\t"
    while at < end:
        if size + 3 > capacity and size + <size_t> (end - at) > capacity:
            return capacity + 1
        if at[0] != b"\\":
            out[size] = at[0]
            size += 1
            at += 1
        elif at[1] == b"u":
            size += put_utf8(out + size, read_hex4(at + 2, end))
            at += 6
        else:
            out[size] = meant[<const char*> memchr(plain, at[1], 8) - plain]
            size += 1
            at += 2
    return size


cdef bint spells(const Span* span, const char* text, size_t size) noexcept nogil:
    """Whether the string's text is `text`. Texts above 255 bytes are compared as written."""
    cdef char plain[255]
    if not span.escaped:
        return span.size == size and memcmp(span.at, text, size) == 0
    return decode(span, plain, sizeof(plain)) == size and memcmp(plain, text, size) == 0
