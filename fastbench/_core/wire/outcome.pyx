# cython: language_level=3
"""How a response ended: its one outcome, its token counts by their best source, and the message of a failure."""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t
from libc.string cimport strlen

from fastbench._core.bytesbuf cimport Buffer, buffer_add
from fastbench._core.ring cimport (
    FLAG_EVENT_TOKENS,
    FLAG_REASONING,
    OUTCOME_CANCELLED,
    OUTCOME_EMPTY,
    OUTCOME_HTTP_ERROR,
    OUTCOME_MALFORMED,
    OUTCOME_OK,
    OUTCOME_REFUSED,
    OUTCOME_RESET,
    OUTCOME_STREAM_ERROR,
    OUTCOME_TIMEOUT,
    OUTCOME_TRUNCATED,
    SOURCE_EVENTS,
    SOURCE_TOKEN_IDS,
    SOURCE_USAGE,
    Outcome,
    Row,
)
from fastbench._core.wire.reply_state cimport (
    BODY_IGNORED,
    END_CANCELLED,
    END_REFUSED,
    END_RESET,
    END_TIMEOUT,
    End,
    Reply,
)
from fastbench._core.wire.rules cimport ROLE_CHOICE

MAX_NOTE = NOTE_LIMIT


cdef extern from *:
    int __builtin_popcountll(unsigned long long) noexcept nogil


cdef int count_choices(const Reply* reply) noexcept nogil:
    """How many choices the reply has had so far."""
    return __builtin_popcountll(reply.choices)


cdef void give_up(Reply* reply, const char* reason) noexcept nogil:
    """The body is not what was asked for; the rest is read only to keep the framing."""
    reply.malformed = True
    because(reply, reason)
    reply.kind = BODY_IGNORED


cdef void because(Reply* reply, const char* reason) noexcept nogil:
    """Our message for a failure; the first cause stands, the service's own error too."""
    if reply.reason == NULL and not reply.error:
        reply.reason = reason


cdef int32_t as_count(int64_t tokens) noexcept nogil:
    """As a row has it: -1 for what is not known, and for a sum that no service can mean."""
    return <int32_t> tokens if tokens <= 0x7fffffff else -1


cdef int64_t reasoning_of(const Reply* reply) noexcept nogil:
    """How many of the usage's output tokens are reasoning; -1: not reported, or counted beside them."""
    if reply.usage_reasoning > reply.usage_out:
        return -1
    if reply.usage_reasoning > 0 and reply.usage_total == reply.usage_in + reply.usage_out + reply.usage_reasoning:
        return -1
    return reply.usage_reasoning


cdef void settle_tokens(Reply* reply) noexcept nogil:
    """The request's token counts by the best source it has: token_ids, else usage, else its events."""
    cdef Row* row = &reply.call.row
    cdef int choices = count_choices(reply)
    cdef uint16_t* last
    cdef int64_t usage_out = reply.usage_out
    cdef int64_t tokens
    row.choices = <unsigned char> choices
    row.cached_tokens = as_count(reply.usage_cached)
    row.reasoning_tokens = as_count(reasoning_of(reply))
    row.input_tokens = -1
    if reply.usage_in >= 0:
        row.input_tokens = as_count(reply.usage_in)
        row.input_source = SOURCE_USAGE
    elif reply.prompt_token_ids:
        row.input_tokens = as_count(reply.prompt_token_ids)
        row.input_source = SOURCE_TOKEN_IDS
    # Some services send one usage for each choice instead of their sum.
    if choices > 1 and reply.usage_only == <uint32_t> choices:
        usage_out = reply.usage_only_sum
    if reply.token_ids and not (reply.without_ids and usage_out >= 0):
        row.output_tokens = as_count(reply.token_ids)
        row.output_source = SOURCE_TOKEN_IDS
    elif usage_out >= 0:
        row.output_tokens = as_count(usage_out)
        row.output_source = SOURCE_USAGE
    else:
        row.output_tokens = <int32_t> row.events
        row.output_source = SOURCE_EVENTS
    # A usage that does not grow does not count events, and unstreamed reasoning is in none of them.
    if reply.zero_events or (row.reasoning_tokens > 0 and not row.flags & FLAG_REASONING and not reply.token_ids):
        reply.tokens_known = False
    if reply.tokens_known and reply.call.tokens.size == row.events * sizeof(uint16_t) and row.events:
        row.flags |= FLAG_EVENT_TOKENS
        last = <uint16_t*> reply.call.tokens.at + row.events - 1
        tokens = last[0] + reply.pending_tokens
        last[0] = <uint16_t> tokens if tokens < 65535 else 65535


cdef Outcome decide_cut(Reply* reply, End how) noexcept nogil:
    """The outcome of a response that did not come to its own end."""
    if how == END_TIMEOUT:
        because(reply, "no complete response in time")
        return OUTCOME_TIMEOUT
    if how == END_CANCELLED:
        because(reply, "cancelled by the user")
        return OUTCOME_CANCELLED
    if how == END_REFUSED:
        because(reply, "no connection")
        return OUTCOME_REFUSED
    if how == END_RESET:
        because(reply, "the service reset the connection")
        return OUTCOME_RESET
    because(reply, "the service closed the connection before the end of the response")
    return OUTCOME_TRUNCATED


cdef Outcome decide(Reply* reply, End how, bint whole) noexcept nogil:
    """The one outcome of the request, and in `reason` our message where the service has none."""
    cdef Row* row = &reply.call.row
    if row.status and (row.status < 200 or row.status > 299):
        return OUTCOME_HTTP_ERROR
    if reply.error:
        return OUTCOME_STREAM_ERROR
    if reply.malformed:
        return OUTCOME_MALFORMED
    if not whole:
        return decide_cut(reply, how)
    if row.events == 0:
        because(reply, "the response holds no output")
        return OUTCOME_EMPTY
    if reply.rules.needs_finish and (not reply.finish or reply.finished != reply.choices):
        because(
            reply,
            "the stream ended without its final record" if reply.rules.nodes[0].role == ROLE_CHOICE
            else "the stream ended without a finish reason",
        )
        return OUTCOME_TRUNCATED
    return OUTCOME_OK


cdef void write_note(Reply* reply) noexcept nogil:
    """Our reason, then what the service itself said."""
    cdef Buffer* note = &reply.call.note
    if reply.reason != NULL:
        buffer_add(note, reply.reason, strlen(reply.reason))
    if reply.body.size and (reply.call.row.events == 0 or reply.error or reply.malformed or reply.odd):
        if note.size:
            buffer_add(note, ": ", 2)
        buffer_add(note, reply.body.at, reply.body.size if reply.body.size < NOTE_LIMIT else NOTE_LIMIT)
