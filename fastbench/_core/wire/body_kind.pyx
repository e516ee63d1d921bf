# cython: language_level=3
"""What the body of a response is: an event stream, one JSON document, or nothing that can be read.

Labels are wrong often enough that what a body begins with decides; its Content-Type only where that is ambiguous.
"""

from fastbench._core.ring cimport FLAG_STREAM
from fastbench._core.wire.http cimport CONTENT_EVENT_STREAM, CONTENT_HTML, CONTENT_JSON
from fastbench._core.wire.outcome cimport NOTE_LIMIT, give_up
from fastbench._core.wire.reply_state cimport BODY_DOCUMENT, BODY_EVENTS, Reply

cdef const char* CODED = "the body is compressed or coded, which was not asked for"
cdef const char* HTML = "the service answered with an HTML page"
cdef const char* BOM = b"\xef\xbb\xbf"
cdef const char* GZIP = b"\x1f"
cdef const char* ZSTD = b"\x28\xb5"


cdef void name_coding(Reply* reply) noexcept nogil:
    """Refuses a body that is coded."""
    give_up(reply, CODED)


cdef void decide_by_label(Reply* reply) noexcept nogil:
    """The kind of a body that begins like none."""
    if reply.http.content_type == CONTENT_HTML:
        give_up(reply, HTML)
    elif reply.http.content_type == CONTENT_JSON:
        reply.kind = BODY_DOCUMENT
    elif reply.call.row.flags & FLAG_STREAM or reply.http.content_type == CONTENT_EVENT_STREAM:
        reply.kind = BODY_EVENTS
    else:
        reply.kind = BODY_DOCUMENT


cdef int begins_field(const char* at, const char* end, const char* name) noexcept nogil:
    """Whether a line of an event stream begins with this field: 1, 0, or -1 where more bytes are needed."""
    while at < end and name[0] and at[0] == name[0]:
        at += 1
        name += 1
    if at == end:
        return -1
    return not name[0] and (at[0] == c':' or at[0] == c'\n' or at[0] == c'\r')


cdef void decide_kind(Reply* reply, const char* at, size_t size) noexcept nogil:
    """What a body is: by its first bytes, whatever its label says; undecided where they are too few."""
    cdef const char* end = at + size
    cdef int data, event, id, retry
    if at < end and at[0] == BOM[0]:
        if size < 3:
            return
        at += 3
    while at < end and (at[0] == c' ' or at[0] == c'\t' or at[0] == c'\r' or at[0] == c'\n'):
        at += 1
    if at == end:
        if size >= NOTE_LIMIT:
            decide_by_label(reply)
    elif at[0] == c'{' or at[0] == c'[':
        reply.kind = BODY_DOCUMENT
    elif at[0] == c':':
        reply.kind = BODY_EVENTS
    elif at[0] == c'<':
        give_up(reply, HTML)
    elif at[0] == ZSTD[0] and end - at == 1:
        return
    elif at[0] == GZIP[0] or (at[0] == ZSTD[0] and at[1] == ZSTD[1]):
        give_up(reply, CODED)
    else:
        data, event = begins_field(at, end, "data"), begins_field(at, end, "event")
        id, retry = begins_field(at, end, "id"), begins_field(at, end, "retry")
        if data == 1 or event == 1 or id == 1 or retry == 1:
            reply.kind = BODY_EVENTS
        elif not (data or event or id or retry):
            decide_by_label(reply)
