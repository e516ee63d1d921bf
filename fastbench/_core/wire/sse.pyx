# cython: language_level=3
"""Event-stream scanner, sans I/O: bytes cut anywhere in, data of whole events out.

Follows WHATWG HTML 9.2.5-9.2.6 (parsing and interpreting an event stream). A CR ends its line at once and a LF
that follows it is swallowed later, so an event's time stamp never waits for the next read. Each byte is looked
at a bounded number of times, however the bytes are cut.
"""

from libc.string cimport memchr, memcmp, memset

from fastbench._core.bytesbuf cimport Buffer, buffer_add, buffer_free, buffer_reset

MAX_EVENT = 32 * 1024 * 1024

cdef size_t LIMIT = MAX_EVENT
cdef size_t STRAY_LIMIT = 4096
cdef const char* BOM = b"\xef\xbb\xbf"


cdef void sse_init(Sse* sse) noexcept nogil:
    """Starts a new stream; keeps the buffers' room."""
    cdef Buffer line = sse.line
    cdef Buffer data = sse.data
    cdef Buffer stray = sse.stray
    memset(sse, 0, sizeof(Sse))
    buffer_reset(&line)
    buffer_reset(&data)
    buffer_reset(&stray)
    sse.line = line
    sse.data = data
    sse.stray = stray


cdef void sse_free(Sse* sse) noexcept nogil:
    buffer_free(&sse.line)
    buffer_free(&sse.data)
    buffer_free(&sse.stray)


cdef SseStep skip_bom(Sse* sse, const char** at, const char* end) noexcept nogil:
    """Drops one leading byte order mark; bytes that only began like one go to the line."""
    while sse.bom < 3 and at[0] < end:
        if at[0][0] != BOM[sse.bom]:
            if sse.bom and not buffer_add(&sse.line, BOM, <size_t> sse.bom):
                return SSE_NO_MEMORY
            sse.bom = 4
        else:
            sse.bom += 1
            at[0] += 1
    return SSE_MORE


cdef const char* line_end(Sse* sse, const char* at, const char* end) noexcept nogil:
    """The next CR or LF of `at … end`, NULL when there is none. The next LF is looked for once, not per line."""
    cdef const char* lf
    cdef const char* cr
    if not sse.next_lf_known or (sse.next_lf != NULL and sse.next_lf < at):
        sse.next_lf = <const char*> memchr(at, 10, <size_t> (end - at))
        sse.next_lf_known = True
    lf = sse.next_lf
    cr = <const char*> memchr(at, 13, <size_t> ((lf if lf != NULL else end) - at))
    return cr if cr != NULL else lf


cdef SseStep own(Sse* sse) noexcept nogil:
    """Copies the event's data out of the caller's bytes, which go away."""
    if sse.has_data and not sse.owned:
        sse.data.size = 0
        if not buffer_add(&sse.data, sse.span, sse.span_size):
            return SSE_NO_MEMORY
        sse.owned = True
    return SSE_MORE


cdef SseStep add_data(Sse* sse, const char* value, size_t size, bint in_caller) noexcept nogil:
    cdef SseStep step
    if not sse.has_data:
        sse.has_data = True
        sse.owned = False
        sse.span = value
        sse.span_size = size
        return SSE_MORE if in_caller else own(sse)
    step = own(sse)
    if step != SSE_MORE:
        return step
    if sse.data.size + size + 1 > LIMIT:
        return SSE_TOO_LONG
    if not buffer_add(&sse.data, "\n", 1) or not buffer_add(&sse.data, value, size):
        return SSE_NO_MEMORY
    return SSE_MORE


cdef SseStep take_line(Sse* sse, const char* line, size_t size, bint in_caller) noexcept nogil:
    """Interprets one line without its end; SSE_EVENT when it is the blank line that completes an event."""
    cdef size_t name, value
    cdef const char* colon
    if size == 0:
        if sse.has_data:
            return SSE_EVENT
        sse.event_is_error = False
        return SSE_MORE
    if size >= 6 and memcmp(line, "data: ", 6) == 0:
        return add_data(sse, line + 6, size - 6, in_caller)
    if line[0] == c':':
        return SSE_MORE
    colon = <const char*> memchr(line, c':', size)
    name = <size_t> (colon - line) if colon != NULL else size
    value = name
    if colon != NULL:
        value += 2 if name + 1 < size and line[name + 1] == c' ' else 1
    if name == 4 and memcmp(line, "data", 4) == 0:
        return add_data(sse, line + value, size - value, in_caller)
    if name == 5 and memcmp(line, "event", 5) == 0:
        sse.event_is_error = size - value == 5 and memcmp(line + value, "error", 5) == 0
    elif not (name == 2 and memcmp(line, "id", 2) == 0 or name == 5 and memcmp(line, "retry", 5) == 0):
        keep_stray(sse, line, size)
    return SSE_MORE


cdef void keep_stray(Sse* sse, const char* line, size_t size) noexcept nogil:
    """Keeps a line that is no field, as far as a message goes: a service that breaks off may say why in it."""
    if sse.stray.size < STRAY_LIMIT:
        if sse.stray.size:
            buffer_add(&sse.stray, "\n", 1)
        buffer_add(&sse.stray, line, min(size, STRAY_LIMIT - sse.stray.size))


cdef void sse_end(Sse* sse) noexcept nogil:
    """The stream ended: what came behind its last line end is a line, too. No event comes of it."""
    if sse.line.size:
        take_line(sse, sse.line.at, sse.line.size, False)
        buffer_reset(&sse.line)


cdef SseStep add_to_line(Sse* sse, const char* part, size_t size) noexcept nogil:
    """Keeps a part of a line that a read has cut. Of a comment the colon is enough: it may have any length."""
    cdef char first = sse.line.at[0] if sse.line.size else part[0] if size else 0
    if first == c':':
        size = 0 if sse.line.size else 1
    elif sse.line.size + size > LIMIT:
        return SSE_TOO_LONG
    return SSE_MORE if buffer_add(&sse.line, part, size) else SSE_NO_MEMORY


cdef SseStep end_line(Sse* sse, const char* part, size_t size) noexcept nogil:
    """The last part of a line came; SSE_EVENT when the line completes an event."""
    cdef SseStep step
    if sse.line.size == 0:
        return take_line(sse, part, size, True) if size <= LIMIT or part[0] == c':' else SSE_TOO_LONG
    step = add_to_line(sse, part, size)
    if step == SSE_MORE:
        step = take_line(sse, sse.line.at, sse.line.size, False)
    buffer_reset(&sse.line)
    return step


cdef SseStep sse_next(
    Sse* sse, const char** at, const char* end, const char** event, size_t* size, bint* is_error
) noexcept nogil:
    """Advances `at` towards `end`. On SSE_EVENT the event's data lie in `event`, valid until the next call.

    On SSE_MORE nothing is left of the caller's bytes that the scanner still needs.
    """
    cdef SseStep step
    cdef const char* stop
    cdef const char* start
    if sse.bom < 3:
        step = skip_bom(sse, at, end)
        if step != SSE_MORE:
            return step
    while True:
        if sse.after_cr and at[0] < end:
            sse.after_cr = False
            if at[0][0] == c'\n':
                at[0] += 1
        if at[0] >= end:
            sse.next_lf_known = False
            return own(sse)
        stop = line_end(sse, at[0], end)
        start = at[0]
        if stop == NULL:
            at[0] = end
            step = add_to_line(sse, start, <size_t> (end - start))
        else:
            at[0] = stop + 1
            sse.after_cr = stop[0] == c'\r'
            step = end_line(sse, start, <size_t> (stop - start))
        if step == SSE_EVENT:
            if sse.owned:
                event[0] = sse.data.at
                size[0] = sse.data.size
            else:
                event[0] = sse.span
                size[0] = sse.span_size
            is_error[0] = sse.event_is_error
            sse.has_data = False
            sse.owned = False
            sse.event_is_error = False
            return SSE_EVENT
        if step != SSE_MORE:
            return step


cdef class SseParser:
    """The scanner as a Python object, for tests and tools."""
    cdef Sse sse

    def __cinit__(self):
        sse_init(&self.sse)

    def __dealloc__(self):
        sse_free(&self.sse)

    def feed(self, bytes data):
        cdef const char* at = data
        cdef const char* end = at + len(data)
        cdef const char* event = NULL
        cdef size_t size = 0
        cdef bint is_error = False
        cdef SseStep step
        events = []
        while True:
            step = sse_next(&self.sse, &at, end, &event, &size, &is_error)
            if step == SSE_EVENT:
                events.append(event[:size])
            elif step == SSE_MORE:
                return events
            elif step == SSE_TOO_LONG:
                raise ValueError(f"a line or an event of more than {LIMIT} bytes")
            else:
                raise MemoryError()
