# cython: language_level=3
"""One request from its submission to its place in a batch."""

from libc.stdint cimport int64_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

import numpy as np

from fastbench._core.arrays cimport memory_of
from fastbench._core.bytesbuf cimport buffer_free
from fastbench._core.ring cimport (
    FLAG_EVENT_TOKENS,
    OUTCOME_OK,
    Mark,
    Ring,
    Row,
    choose_base,
    count_escapes,
    encode_gaps,
)

from fastbench._core.ring import MARK_DTYPE, ROW_DTYPE, Batch

NOTE_FAILURE = 1
NOTE_TEXT = 2
NOTE_FINISH = 3


cdef Call* call_new(const char* payload, size_t size) noexcept nogil:
    """A call with its own copy of the request's bytes; NULL when memory is out."""
    cdef Call* call = <Call*> calloc(1, sizeof(Call))
    if call == NULL:
        return NULL
    call.payload = <char*> malloc(size if size else 1)
    if call.payload == NULL:
        free(call)
        return NULL
    if size:
        memcpy(call.payload, payload, size)
    call.payload_size = size
    call.stamps.index = -1
    return call


cdef void call_drop_payload(Call* call) noexcept nogil:
    """Frees the request's bytes: with the first byte of a response there is no further attempt."""
    free(call.payload)
    call.payload = NULL


cdef void call_free(Call* call) noexcept nogil:
    call_drop_payload(call)
    buffer_free(&call.marks)
    buffer_free(&call.tokens)
    buffer_free(&call.text)
    buffer_free(&call.note)
    buffer_free(&call.finish)
    free(call.gaps)
    free(call.escapes)
    free(call)


cdef uint32_t gap_count(const Row* row) noexcept nogil:
    return row.events - 1 if row.events else 0


cdef void call_seal(Call* call, Ring ring) noexcept nogil:
    """Lateness the stamps into gaps and gives their row back to the ring. For the thread that owns the ring."""
    cdef uint32_t gaps = gap_count(&call.row)
    call_drop_payload(call)
    if gaps:
        call.row.gap_base = choose_base(call.stamps.us, call.row.events)
        call.row.escapes = count_escapes(call.stamps.us, call.row.events, call.row.gap_base)
        call.gaps = <uint16_t*> malloc(gaps * sizeof(uint16_t))
        call.escapes = <int64_t*> malloc((call.row.escapes + 1) * sizeof(int64_t))
        if call.gaps == NULL or call.escapes == NULL:
            call.row.events = 1  # out of memory: the moments stand, the gaps are lost
            call.row.escapes = 0
        else:
            encode_gaps(call.stamps.us, call.row.events, call.row.gap_base, call.gaps, call.escapes)
    call.row.marks = <uint32_t> (call.marks.size // sizeof(Mark))
    ring.release(&call.stamps)


cdef void calls_free(Call* call) noexcept nogil:
    cdef Call* following
    while call != NULL:
        following = call.next
        call_free(call)
        call = following


cdef object take_batch(Call* calls):
    """Makes a `Batch` of a list of sealed calls and frees them."""
    cdef Call* call = calls
    cdef Call* following
    cdef Py_ssize_t n = 0, gaps = 0, escapes = 0, tokens = 0, marks = 0
    while call != NULL:
        n += 1
        gaps += gap_count(&call.row)
        escapes += call.row.escapes
        marks += call.row.marks
        if call.row.flags & FLAG_EVENT_TOKENS:
            tokens += call.row.events
        call = call.next
    rows = np.empty(n, dtype=ROW_DTYPE)
    batch = Batch(
        rows, np.empty(gaps, dtype=np.uint16), np.empty(escapes, dtype=np.int64),
        np.empty(tokens, dtype=np.uint16), np.empty(marks, dtype=MARK_DTYPE), [],
    )
    cdef Row* row_at = <Row*> memory_of(rows)
    cdef uint16_t* gap_at = <uint16_t*> memory_of(batch.gaps)
    cdef int64_t* escape_at = <int64_t*> memory_of(batch.escapes)
    cdef uint16_t* token_at = <uint16_t*> memory_of(batch.event_tokens)
    cdef Mark* mark_at = <Mark*> memory_of(batch.marks)
    call = calls
    n = 0
    while call != NULL:
        row_at[n] = call.row
        if gap_count(&call.row):
            memcpy(gap_at, call.gaps, gap_count(&call.row) * sizeof(uint16_t))
            gap_at += gap_count(&call.row)
        if call.row.escapes:
            memcpy(escape_at, call.escapes, call.row.escapes * sizeof(int64_t))
            escape_at += call.row.escapes
        if call.row.flags & FLAG_EVENT_TOKENS and call.row.events:
            memcpy(token_at, call.tokens.at, call.row.events * sizeof(uint16_t))
            token_at += call.row.events
        if call.row.marks:
            memcpy(mark_at, call.marks.at, call.row.marks * sizeof(Mark))
            mark_at += call.row.marks
        if call.row.outcome != OUTCOME_OK:
            batch.notes.append((n, NOTE_FAILURE, call.note.at[:call.note.size] if call.note.size else b""))
        if call.finish.size:
            batch.notes.append((n, NOTE_FINISH, call.finish.at[:call.finish.size]))
        if call.text.size:
            batch.notes.append((n, NOTE_TEXT, call.text.at[:call.text.size]))
        n += 1
        following = call.next
        call_free(call)
        call = following
    return batch
