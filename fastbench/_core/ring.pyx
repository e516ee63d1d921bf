# cython: language_level=3
"""Storage for time stamps while a stream runs, and the shape of what is left of it when it has ended.

While a stream runs, its output events' arrivals stand in one row of a preallocated numpy array: microseconds
since its first output event, 4 bytes each. When it ends they become gaps of 2 bytes with an escape, which is
also their form on disk.
"""

from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

import numpy as np

from fastbench._core.arrays cimport memory_of, uint32s
from fastbench._core.shared cimport shared_add

from fastbench._core.layout import check_flags, check_layout, names_by_code

ESCAPE = GAP_ESCAPE
cdef enum:
    STEP = 16_384
    MOST_EVENTS = 1 << 26  # in one reply: 256 MiB of stamps
    FAR = 40_000  # a mean gap in us from which on a base other than 0 may pay
GAP_STEP = STEP

OUTCOMES = names_by_code({
    OUTCOME_NONE: "none", OUTCOME_OK: "ok", OUTCOME_HTTP_ERROR: "http_error", OUTCOME_STREAM_ERROR: "stream_error",
    OUTCOME_MALFORMED: "malformed", OUTCOME_TRUNCATED: "truncated", OUTCOME_TIMEOUT: "timeout",
    OUTCOME_RESET: "reset", OUTCOME_REFUSED: "refused", OUTCOME_EMPTY: "empty", OUTCOME_CANCELLED: "cancelled",
    OUTCOME_DROPPED: "dropped",
}, OUTCOME_COUNT)
# Finish reasons by code; the text of "other" is in the request's notes.
FINISHES = (
    "none", "other", "stop", "length", "tool_calls", "function_call", "content_filter", "eos_token", "end_turn",
    "max_tokens", "stop_sequence", "tool_use",
    # From here on the service gave the request up.
    "abort", "aborted", "error", "cancelled", "canceled", "timeout", "shutdown", "failed", "preempted", "killed",
    "server_error", "network_error", "insufficient_system_resource", "cancel", "timed_out", "deadline",
    "deadline_exceeded", "preempt", "preemption", "evicted", "interrupted", "internal_error", "internal_server_error",
    "failure", "exception", "overloaded", "unavailable", "engine_error", "server_shutdown", "out_of_memory", "oom",
)
GIVEN_UP = FINISHES.index("abort")
SOURCES = names_by_code({
    SOURCE_UNKNOWN: "unknown", SOURCE_TOKEN_IDS: "token_ids", SOURCE_USAGE: "usage", SOURCE_TOKENIZER: "tokenizer",
    SOURCE_EVENTS: "events",
}, SOURCE_COUNT)
FLAGS = {
    "starved": FLAG_STARVED,
    "superseded": FLAG_SUPERSEDED,
    "event_tokens": FLAG_EVENT_TOKENS,
    "warmup": FLAG_WARMUP,
    "stream": FLAG_STREAM,
    "resent": FLAG_RESENT,
    "kernel": FLAG_KERNEL,
    "clipped": FLAG_CLIPPED,
    "left_open": FLAG_LEFT_OPEN,
    "reasoning": FLAG_REASONING,
}

ROW_DTYPE = np.dtype([
    ("request", "<i8"), ("intended_ns", "<i8"), ("tried_ns", "<i8"), ("sent_ns", "<i8"), ("headers_ns", "<i8"),
    ("first_token_ns", "<i8"), ("answer_ns", "<i8"), ("last_token_ns", "<i8"), ("record_ns", "<i8"),
    ("end_ns", "<i8"), ("message_ns", "<i8"), ("connect_ns", "<i8"), ("received_bytes", "<i8"),
    ("sent_bytes", "<u4"), ("sample", "<u4"), ("events", "<u4"), ("data_events", "<u4"),
    ("shared_events", "<u4"), ("burst_events", "<u4"), ("escapes", "<u4"), ("marks", "<u4"),
    ("input_tokens", "<i4"), ("output_tokens", "<i4"), ("cached_tokens", "<i4"), ("reasoning_tokens", "<i4"),
    ("planned_input", "<i4"), ("planned_output", "<i4"),
    ("connection", "<u4"), ("session", "<u4"), ("turn", "<u2"), ("status", "<u2"), ("flags", "<u2"),
    ("outcome", "u1"), ("input_source", "u1"), ("output_source", "u1"), ("attempt", "u1"), ("finish", "u1"),
    ("choices", "u1"), ("gap_base", "u1"), ("class_number", "u1"), ("padding", "u1", (2,)),
])
MARK_DTYPE = np.dtype([("event", "<u4"), ("count", "<u4"), ("bound_us", "<u4")])


def compiled_row(bytes memory):
    """The fields of the row in `memory` (as long as a row) as compiled code reads them."""
    cdef Row row
    memcpy(&row, <const char*> memory, sizeof(Row))
    return row


def compiled_mark(bytes memory):
    """The same of a mark."""
    cdef Mark mark
    memcpy(&mark, <const char*> memory, sizeof(Mark))
    return mark


check_layout(ROW_DTYPE, sizeof(Row), compiled_row)
check_layout(MARK_DTYPE, sizeof(Mark), compiled_mark)
check_flags(FLAGS, ROW_DTYPE["flags"])


class Batch:
    """Finished requests as arrays, in the order in which they finished. See `ring.pyi` for the fields."""

    __slots__ = ("escapes", "event_tokens", "gaps", "marks", "notes", "rows")

    def __init__(self, rows, gaps, escapes, event_tokens, marks, notes):
        self.rows = rows
        self.gaps = gaps
        self.escapes = escapes
        self.event_tokens = event_tokens
        self.marks = marks
        self.notes = notes


cdef class Ring:
    def __cinit__(self, int rows, int row_tokens):
        if rows < 1 or row_tokens < 1:
            raise ValueError("a ring needs at least one row of one token")
        # np.empty leaves the pages untouched: what no stream uses costs no memory.
        self.storage = np.empty((rows, row_tokens), dtype=np.uint32)
        self.base = <uint32_t*> memory_of(self.storage)
        self.row_tokens = <uint32_t> row_tokens
        self.total_rows = rows
        self.free_rows = <int32_t*> malloc(rows * sizeof(int32_t))
        if self.free_rows == NULL:
            raise MemoryError()
        self.free_count = rows
        cdef int i
        for i in range(rows):
            self.free_rows[i] = rows - 1 - i

    def __dealloc__(self):
        free(self.free_rows)

    @property
    def in_use(self):
        return self.total_rows - self.free_count

    cdef void lease(self, StampRow* row) noexcept nogil:
        """Gives `row` a row of the ring (the one last released: its pages are warm), else an empty heap row."""
        if self.free_count > 0:
            self.free_count -= 1
            row.index = self.free_rows[self.free_count]
            row.us = self.base + <size_t> row.index * self.row_tokens
            row.capacity = self.row_tokens
        else:
            row.index = -1
            row.us = NULL
            row.capacity = 0

    cdef bint grow(self, StampRow* row) noexcept nogil:
        """Doubles a full row's room, moving it to the heap; False when memory is out, or it is as long as any is."""
        cdef uint32_t capacity = row.capacity * 2 if row.capacity >= 64 else 128
        cdef uint32_t* us
        if row.capacity >= MOST_EVENTS:
            return False
        if row.index >= 0:
            us = <uint32_t*> malloc(<size_t> capacity * sizeof(uint32_t))
            if us == NULL:
                return False
            memcpy(us, row.us, <size_t> row.capacity * sizeof(uint32_t))
            self.release(row)
        else:
            us = <uint32_t*> realloc(row.us, <size_t> capacity * sizeof(uint32_t))
            if us == NULL:
                return False
        shared_add(&self.spilled, 1)
        row.index = -1
        row.us = us
        row.capacity = capacity
        return True

    cdef void release(self, StampRow* row) noexcept nogil:
        if row.index >= 0:
            self.free_rows[self.free_count] = row.index
            self.free_count += 1
        else:
            free(row.us)
        row.us = NULL
        row.capacity = 0
        row.index = -1


cdef uint8_t choose_base(const uint32_t* us, uint32_t events) noexcept nogil:
    """The base with the fewest escapes for a stream's gaps: 0, or the one that puts their mean in the middle."""
    cdef uint32_t mean
    cdef uint8_t base
    if events < 2:
        return 0
    mean = (us[events - 1] - us[0]) // (events - 1)
    if mean < FAR:
        return 0
    mean = (mean - 0x8000) // STEP
    base = <uint8_t> mean if mean < 255 else 255
    return base if count_escapes(us, events, base) < count_escapes(us, events, 0) else 0


cdef uint32_t count_escapes(const uint32_t* us, uint32_t events, uint8_t base) noexcept nogil:
    """How many of the `events - 1` gaps do not fit in 16 bits above their base and below the escape mark."""
    cdef uint32_t k, n = 0, least = base * STEP
    for k in range(1, events):
        # What is below the base wraps around to far above it.
        n += <uint32_t> (us[k] - us[k - 1] - least >= 0xFFFF)
    return n


cdef void encode_gaps(
    const uint32_t* us, uint32_t events, uint8_t base, uint16_t* gaps, int64_t* escapes
) noexcept nogil:
    """Writes `events - 1` gaps in us less their base; of one that does not fit the escape, and itself to `escapes`."""
    cdef uint32_t k, gap, n = 0, least = base * STEP
    for k in range(1, events):
        gap = us[k] - us[k - 1] - least
        if gap >= 0xFFFF:
            gaps[k - 1] = 0xFFFF
            escapes[n] = <int64_t> us[k] - us[k - 1]
            n += 1
        else:
            gaps[k - 1] = <uint16_t> gap


def encode(us, choose=True):
    """Base, gaps and escapes of one stream. us: (events,) uint32, microseconds since the first event, not falling."""
    stamps = np.ascontiguousarray(us, dtype=np.uint32)
    cdef uint32_t events = <uint32_t> stamps.size
    cdef const uint32_t* at = uint32s(stamps)
    cdef uint8_t base = choose_base(at, events) if choose else 0
    gaps = np.empty(max(0, <int> events - 1), dtype=np.uint16)
    escapes = np.empty(count_escapes(at, events, base) if events else 0, dtype=np.int64)
    if events:
        encode_gaps(at, events, base, <uint16_t*> memory_of(gaps), <int64_t*> memory_of(escapes))
    return base, gaps, escapes
