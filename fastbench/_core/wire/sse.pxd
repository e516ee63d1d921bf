from fastbench._core.bytesbuf cimport Buffer


cdef enum SseStep:
    SSE_MORE        # all bytes used; feed again
    SSE_EVENT       # an event is complete
    SSE_TOO_LONG    # a line or an event above the limit
    SSE_NO_MEMORY


cdef struct Sse:
    Buffer line            # a line that a read has cut
    Buffer data            # data of the event, once it does not lie whole in the caller's bytes
    Buffer stray           # the start of the lines that are no field and no comment
    const char* span       # the event's only data line, still in the caller's bytes
    size_t span_size
    const char* next_lf    # where the caller's bytes have their next LF, to look for it once
    bint next_lf_known
    bint has_data
    bint owned             # `data` holds the event's data, not `span`
    bint after_cr          # a LF that comes now belongs to the CR before it
    bint event_is_error    # the event's type is "error"
    int bom                # bytes of a byte order mark seen; 3 = past the start


cdef inline bint sse_between_events(const Sse* sse) noexcept nogil:
    """Whether the next byte begins an event, and nothing of an earlier line or event waits."""
    return not sse.has_data and sse.line.size == 0 and not sse.after_cr and not sse.event_is_error and sse.bom >= 3


cdef void sse_init(Sse* sse) noexcept nogil
cdef void sse_free(Sse* sse) noexcept nogil
cdef void sse_end(Sse* sse) noexcept nogil
cdef SseStep sse_next(
    Sse* sse, const char** at, const char* end, const char** event, size_t* size, bint* is_error
) noexcept nogil
