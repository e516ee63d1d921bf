# cython: language_level=3
"""Reads an HTTP/1.1 request head from a connection's input, without the GIL."""

from libc.string cimport memchr, memcmp, memset, strlen

from fastbench.mock.types cimport (
    ROUTE_CHAT, ROUTE_COMPLETIONS, ROUTE_HEALTH, ROUTE_METRICS, ROUTE_MINDIE, ROUTE_MODELS, ROUTE_NONE,
    ROUTE_RESET, ROUTE_TGI, ROUTE_TGI_STREAM, ROUTE_TRITON, ROUTE_TRITON_STREAM, Head, Part, Span,
)

cdef extern from "<strings.h>" nogil:
    int strncasecmp(const char* a, const char* b, size_t size)

cdef extern from "<string.h>" nogil:
    void* memmem(const void* hay, size_t hay_size, const void* needle, size_t size)

cdef size_t HEAD_LIMIT = 65536
cdef size_t BODY_LIMIT = 1 << 30


cdef bint equals(const Span* span, const char* text) noexcept nogil:
    """Whether the span is `text`, in any case of letters."""
    return span.size == strlen(text) and strncasecmp(span.at, text, span.size) == 0


cdef bint is_exactly(const Span* span, const char* text) noexcept nogil:
    return span.size == strlen(text) and memcmp(span.at, text, span.size) == 0


cdef bint lists(const Span* span, const char* word) noexcept nogil:
    """Whether a comma-separated header value holds `word`."""
    cdef Span part
    cdef const char* end = span.at + span.size
    part.at = span.at
    while part.at <= end:
        part.size = 0
        while part.at + part.size < end and part.at[part.size] != b",":
            part.size += 1
        if equals(trim(&part), word):
            return True
        part.at += part.size + 1
    return False


cdef Span* trim(Span* span) noexcept nogil:
    """Takes blanks off both ends of the span, so that a list can still be walked on from its end."""
    while span.size and (span.at[0] == b" " or span.at[0] == b"\t"):
        span.at += 1
        span.size -= 1
    while span.size and (span.at[span.size - 1] == b" " or span.at[span.size - 1] == b"\t"):
        span.size -= 1
    return span


cdef int route_of(const Span* path) noexcept nogil:
    if is_exactly(path, b"/v1/chat/completions"):
        return ROUTE_CHAT
    if is_exactly(path, b"/v1/completions"):
        return ROUTE_COMPLETIONS
    if is_exactly(path, b"/v1/models"):
        return ROUTE_MODELS
    if is_exactly(path, b"/health"):
        return ROUTE_HEALTH
    if is_exactly(path, b"/metrics"):
        return ROUTE_METRICS
    if is_exactly(path, b"/generate_stream"):
        return ROUTE_TGI_STREAM
    if is_exactly(path, b"/generate"):
        return ROUTE_TGI
    if is_exactly(path, b"/infer"):
        return ROUTE_MINDIE
    if is_exactly(path, b"/reset_prefix_cache") or is_exactly(path, b"/flush_cache"):
        return ROUTE_RESET
    return ROUTE_NONE


cdef int triton_route_of(const char* data, const Span* path, Part* model) noexcept nogil:
    """The route of `/v2/models/NAME/generate…`, with any `/versions/N` between; the name goes into `model`."""
    cdef Span rest
    cdef const char* end = path.at + path.size
    if path.size < 11 or memcmp(path.at, b"/v2/models/", 11) != 0:
        return ROUTE_NONE
    model.offset = path.at + 11 - data
    rest.at = path.at + 11
    while rest.at < end and rest.at[0] != b"/":
        rest.at += 1
    model.size = rest.at - data - model.offset
    if end - rest.at > 10 and memcmp(rest.at, b"/versions/", 10) == 0:
        rest.at += 10
        while rest.at < end and rest.at[0] != b"/":
            rest.at += 1
    rest.size = end - rest.at
    if is_exactly(&rest, b"/generate_stream"):
        return ROUTE_TRITON_STREAM
    return ROUTE_TRITON if is_exactly(&rest, b"/generate") else ROUTE_NONE


cdef const char* read_request_line(const char* data, const char* at, const char* end, Head* head) noexcept nogil:
    """Reads `METHOD path HTTP/1.x`; `end` is its CR. Returns NULL when it is not such a line."""
    cdef Span word
    cdef const char* blank = <const char*> memchr(at, b" ", end - at)
    if blank == NULL:
        return NULL
    word.at = at
    word.size = blank - at
    head.method = METHOD_OTHER
    if is_exactly(&word, b"GET"):
        head.method = METHOD_GET
    elif is_exactly(&word, b"POST"):
        head.method = METHOD_POST
    word.at = blank + 1
    blank = <const char*> memchr(word.at, b" ", end - word.at)
    if blank == NULL or blank == word.at:
        return NULL
    word.size = 0
    while word.at + word.size < blank and word.at[word.size] != b"?":
        word.size += 1
    head.route = route_of(&word)
    if head.route == ROUTE_NONE:
        head.route = triton_route_of(data, &word, &head.model)
    word.at = blank + 1
    word.size = end - word.at
    if not is_exactly(&word, b"HTTP/1.1"):
        if not is_exactly(&word, b"HTTP/1.0"):
            return NULL
        head.http10 = True
        head.close = True
    return end


cdef bint read_size(const Span* value, size_t* size) noexcept nogil:
    cdef size_t i
    size[0] = 0
    if value.size == 0 or value.size > 18:
        return False
    for i in range(value.size):
        if not (b"0" <= value.at[i] <= b"9"):
            return False
        size[0] = size[0] * 10 + <size_t> (value.at[i] - c"0")
    return True


cdef Part part_of(const char* data, const Span* value) noexcept nogil:
    cdef Part part
    part.offset = value.at - data
    part.size = value.size
    return part


cdef bint read_header(const char* data, const char* at, const char* end, Head* head) noexcept nogil:
    cdef Span name, value
    cdef const char* colon = <const char*> memchr(at, b":", end - at)
    if colon == NULL or colon == at or at[0] == b" " or at[0] == b"\t":
        return False
    name.at = at
    name.size = colon - at
    value.at = colon + 1
    value.size = end - value.at
    trim(&value)
    if equals(&name, b"content-length"):
        return read_size(&value, &head.body_size)
    if equals(&name, b"transfer-encoding"):
        head.chunked = True
    elif equals(&name, b"connection"):
        head.close = lists(&value, b"close") or (head.http10 and not lists(&value, b"keep-alive"))
    elif equals(&name, b"expect"):
        head.expect = equals(&value, b"100-continue")
    elif equals(&name, b"x-request-id"):
        head.request_id = part_of(data, &value)
    elif equals(&name, b"x-mock-fault"):
        head.fault = part_of(data, &value)
    return True


cdef int read_head(const char* data, size_t size, size_t* scanned, Head* head) noexcept nogil:
    """Fills `head` once the whole head stands in `data`; returns a HeadError.

    `scanned` remembers how many bytes hold no end of head, so that a head that comes byte by byte is searched once.
    """
    cdef const char* at = data
    cdef const char* line
    cdef size_t start = scanned[0] - 3 if scanned[0] > 3 else 0
    cdef const char* end = <const char*> memmem(data + start, size - start, b"\r\n\r\n", 4)
    if end == NULL:
        scanned[0] = size
        return HEAD_INCOMPLETE if size <= HEAD_LIMIT else HEAD_TOO_LARGE
    memset(head, 0, sizeof(Head))
    head.size = end + 4 - data
    if head.size > HEAD_LIMIT:
        return HEAD_TOO_LARGE
    line = <const char*> memmem(at, end + 2 - at, b"\r\n", 2)
    at = read_request_line(data, at, line, head)
    if at == NULL:
        return HEAD_BAD
    while at < end:
        at += 2
        line = <const char*> memmem(at, end + 2 - at, b"\r\n", 2)
        if not read_header(data, at, line, head):
            return HEAD_BAD
        at = line
    return HEAD_OK if head.body_size <= BODY_LIMIT else HEAD_TOO_LARGE
