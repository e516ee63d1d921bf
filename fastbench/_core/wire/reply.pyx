# cython: language_level=3
"""One response, sans I/O: stamped reads in; the request's moments, counts and outcome out.

Ties the parsers together: HTTP framing, event stream, what each event says. The rules for outcomes and for
what counts as output are those of the metrics specification ("The life of a request", "Outcomes").
"""

cimport cython
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memset

from fastbench._core.bytesbuf cimport Buffer, buffer_add, buffer_free, buffer_reset
from fastbench._core.call cimport Call, call_free, call_new, call_seal, take_batch
from fastbench._core.ring cimport FLAG_CLIPPED, FLAG_REASONING, FLAG_STREAM, OUTCOME_OK, Mark, Ring, Row
from fastbench._core.wire.body_kind cimport decide_by_label, decide_kind, name_coding
from fastbench._core.wire.http cimport (
    HTTP_BODY,
    HTTP_END,
    HTTP_FINE,
    HTTP_HEAD,
    HTTP_MORE,
    HttpStep,
    http_eof_completes,
    http_error_text,
    http_free,
    http_init,
    http_next,
)
from fastbench._core.wire.memo cimport MEMO_FRAME, MEMO_LEAD, memo_framed, memo_free, memo_reset
from fastbench._core.wire.outcome cimport NOTE_LIMIT, because, count_choices, decide, give_up, settle_tokens, write_note
from fastbench._core.wire.output cimport is_blank, is_done, output_find
from fastbench._core.wire.reply_state cimport (
    BODY_DOCUMENT,
    BODY_EVENTS,
    BODY_IGNORED,
    BODY_UNDECIDED,
    END_CANCELLED,
    END_CLOSED,
    END_COMPLETE,
    END_LINGERED,
    END_RESET,
    END_TIMEOUT,
    End,
    Reply,
)
from fastbench._core.wire.rules cimport OutputSpec, Rules
from fastbench._core.wire.sse cimport (
    SSE_EVENT,
    SSE_MORE,
    SSE_TOO_LONG,
    Sse,
    SseStep,
    sse_between_events,
    sse_end,
    sse_free,
    sse_init,
    sse_next,
)
from fastbench._core.wire.walk cimport Found, capture_text, walk_document
from fastbench._core.wire.words cimport FINISH_OTHER

MAX_DOCUMENT = 64 * 1024 * 1024

cdef size_t DOCUMENT_LIMIT = MAX_DOCUMENT
cdef const char* BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A finish reason that has no code is kept as far as this.
cdef size_t FINISH_LIMIT = 64


cdef void reply_begin(Reply* reply, Call* call, const Rules* rules) noexcept nogil:
    """Makes `reply` ready for the response to `call`; keeps the buffers of the one before."""
    cdef Reply before = reply[0]
    memset(reply, 0, sizeof(Reply))
    reply.http.line = before.http.line
    reply.sse.line = before.sse.line
    reply.sse.data = before.sse.data
    reply.sse.stray = before.sse.stray
    reply.memo = before.memo
    reply.body = before.body
    http_init(&reply.http)
    sse_init(&reply.sse)
    memo_reset(&reply.memo)
    buffer_reset(&reply.body)
    reply.call = call
    reply.rules = rules
    reply.tokens_known = True
    reply.usage_in = reply.usage_out = reply.usage_total = reply.usage_cached = reply.usage_reasoning = -1


cdef void reply_free(Reply* reply) noexcept nogil:
    http_free(&reply.http)
    sse_free(&reply.sse)
    memo_free(&reply.memo)
    buffer_free(&reply.body)


cdef bint reply_started(const Reply* reply) noexcept nogil:
    """Whether any byte of a response arrived: after that nothing may be sent again."""
    return reply.call.row.received_bytes > 0


cdef bint reply_ends_with_connection(const Reply* reply) noexcept nogil:
    return not reply.http.keep_alive


cdef void keep_head(Buffer* body, const char* data, size_t size) noexcept nogil:
    """Keeps the first 4 KiB of the body for a message."""
    if body.size < NOTE_LIMIT:
        buffer_add(body, data, size if size < NOTE_LIMIT - body.size else NOTE_LIMIT - body.size)


cdef void take_head(Reply* reply, int64_t stamp_ns) noexcept nogil:
    cdef Row* row = &reply.call.row
    row.headers_ns = stamp_ns
    row.status = reply.http.status
    if row.status < 200 or row.status > 299:
        reply.kind = BODY_IGNORED
    elif reply.http.coded:
        name_coding(reply)
    else:
        reply.kind = BODY_UNDECIDED


cdef bint add_tokens(Call* call, int64_t tokens) noexcept nogil:
    """Notes how many tokens the coming output event has; a stream of single tokens needs no room for that."""
    cdef uint16_t value = 1
    cdef uint32_t _
    if tokens == 1 and call.tokens.size == 0:
        return True
    if call.tokens.size == 0:
        for _ in range(call.row.events):
            if not buffer_add(&call.tokens, <const char*> &value, sizeof(uint16_t)):
                return False
    value = <uint16_t> tokens if tokens < 65535 else 65535
    return buffer_add(&call.tokens, <const char*> &value, sizeof(uint16_t))


cdef void count_tokens(Reply* reply, const Found* found) noexcept nogil:
    """Token counts of one event: by `token_ids`, else by a usage that grows from event to event."""
    cdef int64_t tokens = -1
    if found.token_ids:
        tokens = found.token_ids
        reply.token_ids += tokens
    elif found.usage and found.choice and count_choices(reply) == 1:
        tokens = found.usage_out - (reply.usage_out if reply.usage_out > 0 else 0)
    if found.text:
        reply.without_ids = reply.without_ids or not found.token_ids
        reply.zero_events += tokens == 0 and reply.pending_tokens == 0
        if tokens < 0:
            reply.tokens_known = False
        elif reply.tokens_known:
            reply.tokens_known = add_tokens(reply.call, tokens + reply.pending_tokens)
        reply.pending_tokens = 0
    elif tokens > 0:
        reply.pending_tokens += tokens
    reply.prompt_token_ids += found.prompt_token_ids
    if found.usage_in >= 0:
        reply.usage_in = found.usage_in
    if found.usage_cached >= 0 and found.usage_in >= 0:  # beside a placeholder it is one too
        reply.usage_cached = found.usage_cached
    if found.usage_total >= 0:
        reply.usage_total = found.usage_total
    if found.usage_reasoning >= 0 and found.usage:
        reply.usage_reasoning = found.usage_reasoning
    if found.usage:
        reply.usage_out = found.usage_out
        if not found.choice:
            reply.usage_only += 1
            reply.usage_only_sum += found.usage_out


cdef void stamp_output(Reply* reply, Ring ring, int64_t stamp_ns) noexcept nogil:
    """An output event arrived at `stamp_ns`."""
    cdef Call* call = reply.call
    cdef Row* row = &call.row
    cdef int64_t us
    if row.events == 0:
        row.first_token_ns = stamp_ns
        if not reply.error:
            reply.body.size = 0  # from here on a failure says what happened, not how the body began
        ring.lease(&call.stamps)
    elif reply.odd and not reply.error:
        reply.body.size = 0  # it went on: those words were no failure's
    reply.odd = False
    reply.sse.stray.size = 0
    us = (stamp_ns - row.first_token_ns + 500) // 1000
    if us > 0xFFFFFFFFLL:
        us = 0xFFFFFFFF
        row.flags |= FLAG_CLIPPED
    if row.events >= call.stamps.capacity and not ring.grow(&call.stamps):
        give_up(reply, "no room for more time stamps")
        return
    call.stamps.us[row.events] = <uint32_t> us
    row.events += 1
    row.last_token_ns = stamp_ns
    reply.read_events += 1


cdef void take_found(Reply* reply, Ring ring, Found* found, int64_t stamp_ns) noexcept nogil:
    # A final record repeats the whole text; where it has more than the events before, it brought the rest itself.
    if found.whole_size > reply.text_size + (found.text_size if found.text else 0):
        found.text = found.answer = True
        found.text_size = found.whole_size - reply.text_size
    if found.text and found.of_whole and reply.pieces:
        found.text = False  # it repeats what came in pieces
    reply.choices |= found.choices
    reply.finished |= found.finished
    reply.finish = reply.finish or found.finish
    if found.finish_code:
        keep_finish(reply, found)
    if says_tokens(found):
        count_tokens(reply, found)
    if found.text:
        take_output(reply, ring, found, stamp_ns)


cdef bint says_tokens(const Found* found) noexcept nogil:
    return (
        found.text or found.usage or found.token_ids or found.prompt_token_ids or found.usage_in >= 0
        or found.usage_cached >= 0 or found.usage_reasoning >= 0
    )


cdef void take_output(Reply* reply, Ring ring, const Found* found, int64_t stamp_ns) noexcept nogil:
    cdef Row* row = &reply.call.row
    reply.text_size += found.text_size
    reply.pieces = reply.pieces or not found.of_whole
    reply.done_ns = 0  # what came before was not the end
    if found.reasoning:
        row.flags |= FLAG_REASONING
    if found.answer and row.answer_ns == 0:
        row.answer_ns = stamp_ns
    stamp_output(reply, ring, stamp_ns)


cdef void keep_finish(Reply* reply, const Found* found) noexcept nogil:
    """Keeps the finish reason; one that says that the request was given up is its failure."""
    cdef Call* call = reply.call
    cdef size_t size = min(found.finish_size, FINISH_LIMIT)
    if call.row.finish and not found.given_up:
        return
    call.row.finish = <uint8_t> found.finish_code
    call.finish.size = 0
    if found.finish_code == FINISH_OTHER:
        buffer_add(&call.finish, found.finish_word, size)
    if found.given_up:
        because(reply, "the service gave the request up, its finish reason is")
        keep_event(reply, found.finish_word, size)
        reply.error = True


cdef bint is_odd(const Found* found) noexcept nogil:
    """Whether an event says nothing that is known."""
    return not (found.choice or found.finish or says_tokens(found))


cdef void keep_event(Reply* reply, const char* data, size_t size) noexcept nogil:
    """The event is the message, unless the service's own error came before it."""
    if not reply.error:
        reply.body.size = 0
        keep_head(&reply.body, data, size)


cdef void fail_by_event(Reply* reply, const char* data, size_t size) noexcept nogil:
    """The service reports an error inside a 2xx response; its first words are the message."""
    keep_event(reply, data, size)
    reply.error = True


cdef void take_event(
    Reply* reply, Ring ring, const char* data, size_t size, bint is_error, int64_t stamp_ns
) noexcept nogil:
    cdef Found found
    cdef Call* call = reply.call
    cdef Buffer* text = &call.text if call.keep_text else NULL
    cdef size_t captured = call.text.size
    call.row.data_events += 1
    if is_blank(data, size) and not is_error:
        return  # an event without data keeps a connection alive, and says nothing
    call.row.record_ns = stamp_ns
    if is_done(data, size) and not is_error:
        if reply.done_ns == 0:
            reply.done_ns = stamp_ns
    elif not output_find(reply.rules, &reply.memo, data, size, &found, text):
        if is_error:
            fail_by_event(reply, data, size)
        else:
            keep_event(reply, data, size)
            give_up(reply, "an event is not a JSON object")
    elif found.error or is_error:
        memo_reset(&reply.memo)  # an event like this one may be output where it is not marked as an error
        fail_by_event(reply, data, size)
    else:
        if found.of_whole and reply.pieces:
            call.text.size = captured
        take_found(reply, ring, &found, stamp_ns)
        if call.row.events and is_odd(&found):  # before, the body's beginning is the message
            keep_event(reply, data, size)
            reply.odd = True


cdef void take_ordinary(Reply* reply, Ring ring, const char* text, size_t size, int64_t stamp_ns) noexcept nogil:
    """`take_event` for an event that is like the last ordinary one: output, and nothing else."""
    reply.call.row.data_events += 1
    reply.call.row.record_ns = stamp_ns
    reply.choices |= reply.memo.found.choices
    reply.tokens_known = False  # an ordinary event does not say how many tokens it has
    reply.without_ids = True
    reply.pending_tokens = 0
    reply.done_ns = 0
    reply.text_size += size
    if reply.call.keep_text:
        capture_text(&reply.call.text, reply.memo.found.text_role, text, size)
    stamp_output(reply, ring, stamp_ns)


cdef void take_events(Reply* reply, Ring ring, const char* data, size_t size, int64_t stamp_ns) noexcept nogil:
    cdef const char* at = data
    cdef const char* end = data + size
    cdef const char* event = NULL
    cdef size_t event_size = 0
    cdef size_t text
    cdef bint is_error = False
    cdef SseStep step
    if reply.call.row.events == 0 and not reply.error:
        keep_head(&reply.body, data, size)
    while reply.kind == BODY_EVENTS:
        if sse_between_events(&reply.sse):
            text = memo_framed(&reply.memo, at, end)
            if text:
                take_ordinary(reply, ring, at + MEMO_LEAD + reply.memo.prefix, text, stamp_ns)
                at += MEMO_FRAME + reply.memo.prefix + text + reply.memo.suffix
                continue
        step = sse_next(&reply.sse, &at, end, &event, &event_size, &is_error)
        if step == SSE_EVENT:
            take_event(reply, ring, event, event_size, is_error, stamp_ns)
        elif step == SSE_MORE:
            return
        elif step == SSE_TOO_LONG:
            give_up(reply, "an event is longer than 32 MiB")
        else:
            give_up(reply, "no memory for an event")


cdef void take_body(Reply* reply, Ring ring, const char* data, size_t size, int64_t stamp_ns) noexcept nogil:
    if reply.kind == BODY_UNDECIDED:
        take_beginning(reply, ring, data, size, stamp_ns)
    elif reply.kind == BODY_EVENTS:
        take_events(reply, ring, data, size, stamp_ns)
    elif reply.kind == BODY_IGNORED:
        if reply.call.row.data_events == 0:
            keep_head(&reply.body, data, size)
    elif reply.body.size + size > DOCUMENT_LIMIT:
        reply.body.size = NOTE_LIMIT
        give_up(reply, "the document is longer than 64 MiB")
    elif not buffer_add(&reply.body, data, size):
        give_up(reply, "no memory for the document")


cdef void take_beginning(Reply* reply, Ring ring, const char* data, size_t size, int64_t stamp_ns) noexcept nogil:
    """The first bytes of a body: kept until they show what it is, then read as that."""
    cdef Buffer kept
    if reply.body.size == 0:
        decide_kind(reply, data, size)
        if reply.kind != BODY_UNDECIDED:
            take_body(reply, ring, data, size, stamp_ns)
            return
    if not buffer_add(&reply.body, data, size):
        give_up(reply, "no memory for the document")
        return
    decide_kind(reply, reply.body.at, reply.body.size)
    if reply.kind != BODY_UNDECIDED:
        kept = reply.body
        memset(&reply.body, 0, sizeof(Buffer))
        take_body(reply, ring, kept.at, kept.size, stamp_ns)
        buffer_free(&kept)


cdef void note_shared(Reply* reply, uint32_t data_events, int64_t late_ns) noexcept nogil:
    """Output events that shared a read: counted, and marked as uncertain where the reactor was late.

    data_events: how many there were before this read.
    """
    cdef Row* row = &reply.call.row
    cdef Mark mark
    if reply.read_events > 1:
        row.shared_events += reply.read_events - 1
    if reply.read_events > row.burst_events:
        row.burst_events = reply.read_events
    # One output event too, where another event shared its read: the read's one stamp may be that one's.
    if late_ns > 0 and reply.read_events and row.data_events - data_events > 1:
        mark.event = row.events - reply.read_events
        mark.count = reply.read_events
        mark.bound_us = <uint32_t> ((late_ns + 999) // 1000) if late_ns < 4000000000000LL else 0xFFFFFFFF
        buffer_add(&reply.call.marks, <const char*> &mark, sizeof(Mark))


cdef ReplyStep reply_feed(
    Reply* reply, Ring ring, const char* data, size_t size, int64_t stamp_ns, int64_t late_ns, size_t* left
) noexcept nogil:
    """Takes one read that arrived at `stamp_ns`.

    late_ns: 0, or how long before its stamp a byte of the read may have arrived because the reactor was late.
    left: on REPLY_COMPLETE how many bytes came behind the message.
    """
    cdef const char* at = data
    cdef const char* end = data + size
    cdef const char* body = NULL
    cdef size_t body_size = 0
    cdef uint32_t data_events = reply.call.row.data_events
    cdef HttpStep step
    reply.call.row.received_bytes += <int64_t> size
    reply.read_events = 0
    while True:
        step = http_next(&reply.http, &at, end, &body, &body_size)
        if step == HTTP_BODY:
            take_body(reply, ring, body, body_size, stamp_ns)
        elif step == HTTP_HEAD:
            take_head(reply, stamp_ns)
        else:
            break
    note_shared(reply, data_events, late_ns)
    left[0] = <size_t> (end - at)
    if step == HTTP_MORE:
        return REPLY_MORE
    return REPLY_COMPLETE if step == HTTP_END else REPLY_BROKEN


cdef void read_document(Reply* reply, Ring ring, int64_t stamp_ns) noexcept nogil:
    """The body as one JSON document: the answer to a request without streaming, or an error.

    Of an error under an event stream's label only the head was kept, which is enough to know it.
    """
    cdef Found found
    cdef Call* call = reply.call
    cdef size_t begin = 3 if reply.body.size > 3 and memcmp(reply.body.at, BYTE_ORDER_MARK, 3) == 0 else 0
    cdef bint valid = walk_document(
        reply.rules, reply.body.at + begin, reply.body.size - begin, True, &found,
        &call.text if call.keep_text else NULL,
    )
    cdef bint cut = reply.kind == BODY_EVENTS and reply.body.size >= NOTE_LIMIT
    call.row.record_ns = stamp_ns
    if (valid or cut) and found.error:
        reply.error = True
    elif call.row.flags & FLAG_STREAM:
        if reply.kind == BODY_DOCUMENT:
            give_up(reply, "the service answered with one JSON document though a stream was asked for")
    elif not valid:
        give_up(reply, "the answer is not a JSON document")
    else:
        take_found(reply, ring, &found, stamp_ns)


cdef void take_rest(Reply* reply) noexcept nogil:
    """What a stream that breaks off has beside its events: lines that are none, an event without its end. A service may
    say there why: that is the message, and an error where it is one. (Before any output the body's beginning is.)"""
    cdef Sse* sse = &reply.sse
    sse_end(sse)
    if sse.has_data and sse.owned and says_error(reply, &sse.data):
        fail_by_event(reply, sse.data.at, sse.data.size)
    elif says_error(reply, &sse.stray):
        fail_by_event(reply, sse.stray.at, sse.stray.size)
    elif not is_blank(sse.stray.at, sse.stray.size):
        keep_event(reply, sse.stray.at, sse.stray.size)
        reply.odd = True


cdef bint says_error(const Reply* reply, const Buffer* text) noexcept nogil:
    cdef Found found
    return text.size and walk_document(reply.rules, text.at, text.size, True, &found, NULL) and found.error


cdef void reply_end(Reply* reply, Ring ring, End how, int64_t now_ns) noexcept nogil:
    """Decides everything that could not be decided before the end. now_ns: the end's own moment."""
    cdef Row* row = &reply.call.row
    cdef bint whole = how == END_COMPLETE or how == END_LINGERED
    whole = whole or (how == END_CLOSED and http_eof_completes(&reply.http))
    if reply.kind == BODY_UNDECIDED:
        if is_blank(reply.body.at, reply.body.size):
            reply.kind = BODY_EVENTS  # an empty body is of any kind
            reply.body.size = 0
        else:
            decide_by_label(reply)
    if reply.http.error != HTTP_FINE:
        give_up(reply, http_error_text(reply.http.error))
    elif whole and reply.kind == BODY_DOCUMENT:
        read_document(reply, ring, now_ns)
    elif whole and reply.kind == BODY_EVENTS and row.data_events == 0 and reply.body.size:
        read_document(reply, ring, now_ns)  # an error document under an event stream's label
    if reply.kind == BODY_EVENTS and row.events:
        take_rest(reply)
    settle_tokens(reply)
    row.outcome = decide(reply, how, whole)
    row.end_ns = reply.done_ns if reply.done_ns and row.outcome == OUTCOME_OK else now_ns
    row.message_ns = now_ns
    if row.outcome != OUTCOME_OK and reply.call.note.size == 0:
        write_note(reply)


@cython.no_gc_clear  # the ring must still stand when the last stamps go back to it
cdef class ReplyReader:
    """One response as a Python object, for tests and tools: the parser exactly as the reactor uses it."""
    cdef Reply reply
    cdef Ring ring
    cdef OutputSpec spec
    cdef int64_t last_ns
    cdef readonly bint complete

    def __cinit__(self, OutputSpec spec not None, bint stream=True, bint keep_text=False):
        self.spec = spec
        self.ring = Ring(1, 64)
        cdef Call* call = call_new(b"", 0)
        if call == NULL:
            raise MemoryError()
        call.keep_text = keep_text
        if stream:
            call.row.flags |= FLAG_STREAM
        reply_begin(&self.reply, call, &spec.compiled)

    def __dealloc__(self):
        if self.reply.call != NULL:
            call_seal(self.reply.call, self.ring)
            call_free(self.reply.call)
        reply_free(&self.reply)

    def feed(self, bytes data, int64_t stamp_ns=1, int64_t late_ns=0):
        cdef size_t left = 0
        cdef ReplyStep step
        if self.reply.call == NULL or self.complete:
            raise ValueError("the response has ended")
        self.last_ns = stamp_ns
        step = reply_feed(&self.reply, self.ring, data, len(data), stamp_ns, late_ns, &left)
        self.complete = step != REPLY_MORE
        return left

    def end(self, str how="closed", now_ns=None):
        cdef dict ends = {
            "closed": END_CLOSED, "reset": END_RESET, "timeout": END_TIMEOUT, "cancelled": END_CANCELLED,
        }
        cdef Call* call = self.reply.call
        if call == NULL:
            raise ValueError("the response has ended")
        reply_end(
            &self.reply, self.ring, END_COMPLETE if self.complete else ends[how],
            self.last_ns if now_ns is None else now_ns,
        )
        self.reply.call = NULL
        call_seal(call, self.ring)
        call.next = NULL
        return take_batch(call)
