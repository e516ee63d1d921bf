# cython: language_level=3
"""HTTP/1.x response parser, sans I/O: bytes cut anywhere in, head and pieces of the body out.

Follows RFC 9112. It reads what decides a measurement (status, framing, persistence, content type) and refuses
what would make framing ambiguous instead of guessing. Pieces of the body are spans of the caller's bytes.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t
from libc.string cimport memchr, memcmp, memset, strlen

from fastbench._core.bytesbuf cimport Buffer, buffer_add, buffer_free, buffer_reset
from fastbench._core.wire.json cimport is_digit

MAX_HEAD = 256 * 1024
MAX_EXTENSIONS = 64 * 1024

cdef size_t HEAD_LIMIT = MAX_HEAD
cdef size_t EXTENSION_LIMIT = MAX_EXTENSIONS
# RFC 9112 7.1 asks for protection against overflow: no size reaches 2**63, and leading zeros have an end.
cdef int MAX_DIGITS = 16


cdef void http_init(Http* http) noexcept nogil:
    """Starts a new response; keeps the line buffer's room."""
    cdef Buffer line = http.line
    memset(http, 0, sizeof(Http))
    buffer_reset(&line)
    http.line = line
    http.length = -1


cdef void http_free(Http* http) noexcept nogil:
    buffer_free(&http.line)


cdef const char* http_error_text(HttpError error) noexcept nogil:
    if error == HTTP_BAD_STATUS_LINE:
        return "the answer does not begin with an HTTP/1.x status line"
    if error == HTTP_BAD_HEADER:
        return "a header line has no name and colon, or a bare CR"
    if error == HTTP_HEAD_TOO_LONG:
        return "the response head is longer than 256 KiB"
    if error == HTTP_BAD_LENGTH:
        return "Content-Length is not one number"
    if error == HTTP_BAD_CODING:
        return "the body has a transfer coding other than chunked"
    if error == HTTP_BAD_CHUNK_SIZE:
        return "a chunk size is not a hexadecimal number below 2**63"
    if error == HTTP_BAD_CHUNK_END:
        return "chunk data do not end with CR LF"
    if error == HTTP_EXTENSION_TOO_LONG:
        return "chunk extensions are longer than 64 KiB"
    if error == HTTP_UPGRADE:
        return "the service switched protocols, which was not requested"
    if error == HTTP_NO_MEMORY:
        return "no memory for a header line"
    return ""


cdef HttpStep fail(Http* http, HttpError error) noexcept nogil:
    http.error = error
    return HTTP_BAD


cdef bint begins(const char* value, size_t size, const char* prefix) noexcept nogil:
    """Whether `value` begins with `prefix`, ASCII letters' case aside in every locale. prefix: in lower case."""
    cdef size_t i = 0
    cdef char c
    while prefix[i] != 0:
        if i == size:
            return False
        c = value[i]
        if c != prefix[i] and not (c'A' <= c <= c'Z' and c + 32 == prefix[i]):
            return False
        i += 1
    return True


cdef bint is_named(const char* line, size_t size, const char* name) noexcept nogil:
    return size == strlen(name) and begins(line, size, name)


cdef bint is_space(char c) noexcept nogil:
    return c == c' ' or c == c'\t'


cdef bint contains(const char* value, size_t size, const char* word) noexcept nogil:
    """Whether the comma-separated `value` has the token `word`, letters' case aside."""
    cdef size_t start = 0, stop, first, last
    while start < size:
        stop = start
        while stop < size and value[stop] != c',':
            stop += 1
        first = start
        last = stop
        while first < last and is_space(value[first]):
            first += 1
        while last > first and is_space(value[last - 1]):
            last -= 1
        if is_named(value + first, last - first, word):
            return True
        start = stop + 1
    return False


cdef HttpError take_length(Http* http, const char* value, size_t size) noexcept nogil:
    cdef int64_t length = 0
    cdef size_t i
    if size == 0 or size > 18:
        return HTTP_BAD_LENGTH
    for i in range(size):
        if not is_digit(value[i]):
            return HTTP_BAD_LENGTH
        length = length * 10 + (value[i] - c'0')
    if http.length >= 0 and http.length != length:
        return HTTP_BAD_LENGTH
    http.length = length
    return HTTP_FINE


cdef HttpError take_coding(Http* http, const char* value, size_t size) noexcept nogil:
    """Transfer-Encoding: only `chunked`, once."""
    if http.chunked or not is_named(value, size, "chunked"):
        return HTTP_BAD_CODING
    http.chunked = True
    return HTTP_FINE


cdef bint is_coding(const char* name, size_t size) noexcept nogil:
    """Whether a name is that of a coding, with or without its old `x-`."""
    if size > 2 and (name[0] == c'x' or name[0] == c'X') and name[1] == c'-':
        name += 2
        size -= 2
    return (
        is_named(name, size, "gzip") or is_named(name, size, "br") or is_named(name, size, "deflate")
        or is_named(name, size, "zstd") or is_named(name, size, "compress") or is_named(name, size, "zlib")
        or is_named(name, size, "lzma") or is_named(name, size, "xz") or is_named(name, size, "bzip2")
        or is_named(name, size, "lz4") or is_named(name, size, "snappy") or is_named(name, size, "dcb")
        or is_named(name, size, "dcz") or is_named(name, size, "exi") or is_named(name, size, "aes128gcm")
        or is_named(name, size, "pack200-gzip")
    )


cdef bint is_coded(const char* value, size_t size) noexcept nogil:
    """Whether a Content-Encoding names a coding among its list; `none`, `identity` or a charset is none."""
    cdef size_t start = 0, stop = 0
    while start < size:
        stop = start
        while stop < size and value[stop] != c',' and value[stop] != c';' and not is_space(value[stop]):
            stop += 1
        if is_coding(value + start, stop - start):
            return True
        start = stop + 1
    return False


cdef void take_content_type(Http* http, const char* value, size_t size) noexcept nogil:
    if begins(value, size, "text/event-stream"):
        http.content_type = CONTENT_EVENT_STREAM
    elif begins(value, size, "application/json"):
        http.content_type = CONTENT_JSON
    elif begins(value, size, "text/html"):
        http.content_type = CONTENT_HTML
    else:
        http.content_type = CONTENT_OTHER


cdef HttpError take_header(Http* http, const char* line, size_t size) noexcept nogil:
    cdef const char* colon
    cdef const char* value
    cdef size_t name
    cdef HttpError error = HTTP_FINE
    if is_space(line[0]):
        return HTTP_BAD_HEADER if http.framing_header else HTTP_FINE
    colon = <const char*> memchr(line, c':', size)
    # RFC 9112 5.1: space before the colon is how two readers come to see two framings.
    if colon == NULL or colon == line or is_space((colon - 1)[0]):
        return HTTP_BAD_HEADER
    name = <size_t> (colon - line)
    value = colon + 1
    size -= name + 1
    while size and is_space(value[0]):
        value += 1
        size -= 1
    while size and is_space(value[size - 1]):
        size -= 1
    http.framing_header = False
    if is_named(line, name, "content-length"):
        http.framing_header = True
        error = take_length(http, value, size)
    elif is_named(line, name, "transfer-encoding"):
        http.framing_header = True
        error = take_coding(http, value, size)
    elif is_named(line, name, "content-type"):
        take_content_type(http, value, size)
    elif is_named(line, name, "content-encoding"):
        http.coded = http.coded or is_coded(value, size)
    elif is_named(line, name, "connection"):
        http.close = http.close or contains(value, size, "close")
        http.keep_alive = http.keep_alive or contains(value, size, "keep-alive")
    return error


cdef HttpError take_status_line(Http* http, const char* line, size_t size) noexcept nogil:
    cdef size_t i
    if size < 12 or memcmp(line, "HTTP/1.", 7) != 0 or not is_digit(line[7]) or line[8] != c' ':
        return HTTP_BAD_STATUS_LINE
    http.minor = <uint8_t> (line[7] - c'0')
    http.status = 0
    for i in range(9, 12):
        if not is_digit(line[i]):
            return HTTP_BAD_STATUS_LINE
        http.status = <uint16_t> (http.status * 10 + (line[i] - c'0'))
    if http.status < 100 or (size > 12 and line[12] != c' '):
        return HTTP_BAD_STATUS_LINE
    http.keep_alive = http.minor > 0
    return HTTP_FINE


cdef void restart_head(Http* http) noexcept nogil:
    """After an interim (1xx) response the final one follows; nothing of the first counts."""
    cdef size_t head_size = http.head_size
    http_init(http)
    http.head_size = head_size


cdef HttpStep end_head(Http* http) noexcept nogil:
    """Decides the body's framing (RFC 9112 6.3)."""
    if http.status == 101:
        return fail(http, HTTP_UPGRADE)
    if http.status < 200:
        restart_head(http)
        return HTTP_MORE
    if http.close:
        http.keep_alive = False
    if http.status == 204 or http.status == 304:
        http.state = STATE_DONE  # these have no body, whatever their headers say
    elif http.chunked:
        if http.length >= 0 or http.minor == 0:
            # Both framings, or one that HTTP/1.0 does not have: chunked wins, but the connection is not to be
            # trusted (RFC 9112 6.1, 6.3).
            http.keep_alive = False
        http.state = STATE_CHUNK_SIZE
    elif http.length >= 0:
        http.remaining = http.length
        http.state = STATE_LENGTH_BODY if http.length else STATE_DONE
    else:
        http.keep_alive = False
        http.state = STATE_CLOSE_BODY
    return HTTP_HEAD


cdef HttpStep take_head_line(Http* http, const char* line, size_t size) noexcept nogil:
    """One line of head or trailers, without its LF; HTTP_MORE asks for the next."""
    cdef HttpError error = HTTP_FINE
    if size and line[size - 1] == c'\r':
        size -= 1
    if http.state == STATE_STATUS and size and not may_be_status_line(line, size):
        return fail(http, HTTP_BAD_STATUS_LINE)
    if http.state != STATE_TRAILERS and memchr(line, c'\r', size) != NULL:
        return fail(http, HTTP_BAD_HEADER)  # RFC 9112 2.2: a bare CR makes its element invalid
    if http.state == STATE_STATUS:
        if size == 0:
            return HTTP_MORE  # RFC 9112 2.2: an empty line before the start is to be ignored
        error = take_status_line(http, line, size)
        http.state = STATE_HEADERS
    elif http.state == STATE_TRAILERS:
        if size == 0:
            http.state = STATE_DONE
    elif size == 0:
        return end_head(http)
    else:
        error = take_header(http, line, size)
    return HTTP_MORE if error == HTTP_FINE else fail(http, error)


cdef bint may_be_status_line(const char* line, size_t size) noexcept nogil:
    """Whether the beginning of a line is that of a status line, or of the empty line that may stand before it."""
    return line[0] == c'\r' or memcmp(line, "HTTP/1.", size if size < 7 else 7) == 0


cdef HttpStep read_lines(Http* http, const char** at, const char* end) noexcept nogil:
    """Head or trailer lines until the state moves on or the bytes end."""
    cdef const char* lf
    cdef const char* start
    cdef HttpState before
    cdef HttpStep step
    cdef size_t size
    while at[0] < end:
        start = at[0]
        lf = <const char*> memchr(start, 10, <size_t> (end - start))
        size = <size_t> ((lf if lf != NULL else end) - start)
        # Another protocol may never send the line end that a status line would be judged by.
        if http.state == STATE_STATUS and http.line.size == 0 and size and not may_be_status_line(start, size):
            return fail(http, HTTP_BAD_STATUS_LINE)
        http.head_size += size + 1
        if http.head_size > HEAD_LIMIT:
            return fail(http, HTTP_HEAD_TOO_LONG)
        if lf == NULL:
            http.head_size -= 1
            at[0] = end
            if not buffer_add(&http.line, start, size):
                return fail(http, HTTP_NO_MEMORY)
            if http.state == STATE_STATUS and not may_be_status_line(http.line.at, http.line.size):
                return fail(http, HTTP_BAD_STATUS_LINE)
            return HTTP_MORE
        at[0] = lf + 1
        before = http.state
        if http.line.size:
            if not buffer_add(&http.line, start, size):
                return fail(http, HTTP_NO_MEMORY)
            # A head that ends resets the buffer's owner, so the line must not be read after this call.
            step = take_head_line(http, http.line.at, http.line.size)
            buffer_reset(&http.line)
        else:
            step = take_head_line(http, start, size)
        if step != HTTP_MORE:
            return step
        if before == STATE_TRAILERS and http.state == STATE_DONE:
            return HTTP_MORE
    return HTTP_MORE


cdef int hex_value(char c) noexcept nogil:
    if c'0' <= c <= c'9':
        return c - c'0'
    if c'a' <= c <= c'f':
        return c - c'a' + 10
    if c'A' <= c <= c'F':
        return c - c'A' + 10
    return -1


cdef HttpStep read_chunk_size(Http* http, const char** at, const char* end) noexcept nogil:
    """Digits, extensions, CR LF; then the state is the chunk's data or the trailers."""
    cdef const char* p = at[0]
    cdef int digit
    while p < end:
        if http.state == STATE_CHUNK_SIZE:
            digit = hex_value(p[0])
            if digit >= 0:
                http.digits += 1
                if http.digits > MAX_DIGITS or http.remaining >> 59:
                    return fail(http, HTTP_BAD_CHUNK_SIZE)
                http.remaining = http.remaining * 16 + digit
                p += 1
                continue
            if http.digits == 0:
                return fail(http, HTTP_BAD_CHUNK_SIZE)
            if p[0] == c'\r':
                http.state = STATE_CHUNK_SIZE_LF
            elif p[0] == c';' or p[0] == c' ' or p[0] == c'\t':
                http.state = STATE_CHUNK_EXTENSION
            else:
                return fail(http, HTTP_BAD_CHUNK_SIZE)
        elif http.state == STATE_CHUNK_EXTENSION:
            http.extension_size += 1
            if http.extension_size > EXTENSION_LIMIT:
                return fail(http, HTTP_EXTENSION_TOO_LONG)
            if p[0] == c'\r':
                http.state = STATE_CHUNK_SIZE_LF
            elif p[0] == c'\n':
                return fail(http, HTTP_BAD_CHUNK_SIZE)
        else:
            if p[0] != c'\n':
                return fail(http, HTTP_BAD_CHUNK_SIZE)
            http.digits = 0
            http.extension_size = 0
            http.state = STATE_CHUNK_DATA if http.remaining else STATE_TRAILERS
            at[0] = p + 1
            return HTTP_MORE
        p += 1
    at[0] = p
    return HTTP_MORE


cdef HttpStep read_chunk_end(Http* http, const char** at, const char* end) noexcept nogil:
    while at[0] < end:
        if at[0][0] != (c'\r' if http.state == STATE_CHUNK_CR else c'\n'):
            return fail(http, HTTP_BAD_CHUNK_END)
        at[0] += 1
        if http.state == STATE_CHUNK_LF:
            http.state = STATE_CHUNK_SIZE
            return HTTP_MORE
        http.state = STATE_CHUNK_LF
    return HTTP_MORE


cdef bint skip_chunk_edge(Http* http, const char** at, const char* end) noexcept nogil:
    """The usual case at once: CR LF behind a chunk's data, a short size and CR LF before the next one's.

    False leaves everything as it was, for the functions above.
    """
    cdef const char* p = at[0]
    cdef int64_t size
    cdef int more, _
    if http.state == STATE_CHUNK_CR:
        if end - p < 2 or p[0] != c'\r' or p[1] != c'\n':
            return False
        p += 2
    elif http.state != STATE_CHUNK_SIZE or http.digits:
        return False
    if end - p < 6:
        return False
    size = hex_value(p[0])
    if size <= 0:
        return False
    p += 1
    for _ in range(3):
        more = hex_value(p[0])
        if more < 0:
            break
        size = size * 16 + more
        p += 1
    if p[0] != c'\r' or p[1] != c'\n':
        return False
    at[0] = p + 2
    http.remaining = size
    http.state = STATE_CHUNK_DATA
    return True


cdef HttpStep http_next(
    Http* http, const char** at, const char* end, const char** body, size_t* size
) noexcept nogil:
    """Advances `at` towards `end`. On HTTP_BODY the piece is `body`, `size`: a span of the caller's bytes."""
    cdef HttpStep step
    cdef size_t n
    while True:
        if http.error != HTTP_FINE:
            return HTTP_BAD
        if http.state == STATE_DONE:
            return HTTP_END
        if at[0] >= end:
            return HTTP_MORE
        if http.state == STATE_LENGTH_BODY or http.state == STATE_CHUNK_DATA:
            n = <size_t> (end - at[0])
            if <int64_t> n > http.remaining:
                n = <size_t> http.remaining
            body[0] = at[0]
            size[0] = n
            at[0] += n
            http.remaining -= <int64_t> n
            if http.remaining == 0:
                http.state = STATE_CHUNK_CR if http.state == STATE_CHUNK_DATA else STATE_DONE
            return HTTP_BODY
        if http.state == STATE_CLOSE_BODY:
            body[0] = at[0]
            size[0] = <size_t> (end - at[0])
            at[0] = end
            return HTTP_BODY
        if skip_chunk_edge(http, at, end):
            continue
        if http.state == STATE_STATUS or http.state == STATE_HEADERS or http.state == STATE_TRAILERS:
            step = read_lines(http, at, end)
        elif http.state == STATE_CHUNK_CR or http.state == STATE_CHUNK_LF:
            step = read_chunk_end(http, at, end)
        else:
            step = read_chunk_size(http, at, end)
        if step != HTTP_MORE:
            return step


cdef bint http_eof_completes(const Http* http) noexcept nogil:
    """Whether the connection's end is the body's end, and not a cut."""
    return http.error == HTTP_FINE and (http.state == STATE_CLOSE_BODY or http.state == STATE_DONE)


cdef class HttpParser:
    """The parser as a Python object, for tests and tools."""
    cdef Http http
    cdef readonly bint head_complete
    cdef readonly bint complete

    def __cinit__(self):
        http_init(&self.http)

    def __dealloc__(self):
        http_free(&self.http)

    def feed(self, bytes data):
        cdef const char* start = data
        cdef const char* at = start
        cdef const char* end = start + len(data)
        cdef const char* body = NULL
        cdef size_t size = 0
        cdef HttpStep step
        pieces = []
        while True:
            step = http_next(&self.http, &at, end, &body, &size)
            if step == HTTP_BODY:
                pieces.append(body[:size])
            elif step == HTTP_HEAD:
                self.head_complete = True
            elif step == HTTP_BAD:
                raise ValueError(http_error_text(self.http.error).decode())
            else:
                self.complete = step == HTTP_END
                return b"".join(pieces), data[at - start:]

    def eof(self):
        self.complete = self.complete or http_eof_completes(&self.http)
        return self.complete

    @property
    def status(self):
        return self.http.status

    @property
    def keep_alive(self):
        return self.http.keep_alive

    @property
    def content_type(self):
        return ("", "text/event-stream", "application/json", "text/html", "other")[self.http.content_type]
