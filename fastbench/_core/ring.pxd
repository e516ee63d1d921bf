from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t


cdef enum:
    GAP_ESCAPE = 0xFFFF    # a stored gap that stands for an entry of the escapes


cdef enum Outcome:
    OUTCOME_NONE
    OUTCOME_OK
    OUTCOME_HTTP_ERROR
    OUTCOME_STREAM_ERROR
    OUTCOME_MALFORMED
    OUTCOME_TRUNCATED
    OUTCOME_TIMEOUT
    OUTCOME_RESET
    OUTCOME_REFUSED
    OUTCOME_EMPTY
    OUTCOME_CANCELLED
    OUTCOME_DROPPED
    OUTCOME_COUNT


cdef enum Source:
    SOURCE_UNKNOWN
    SOURCE_TOKEN_IDS
    SOURCE_USAGE
    SOURCE_TOKENIZER
    SOURCE_EVENTS
    SOURCE_COUNT


cdef enum RowFlag:
    FLAG_STARVED = 1
    FLAG_SUPERSEDED = 2
    FLAG_EVENT_TOKENS = 4
    FLAG_WARMUP = 8
    FLAG_STREAM = 16
    FLAG_RESENT = 32
    FLAG_KERNEL = 64
    FLAG_CLIPPED = 128
    FLAG_LEFT_OPEN = 256
    FLAG_REASONING = 512


cdef struct Row:
    int64_t request
    int64_t intended_ns
    int64_t tried_ns       # when the reactor first set about sending it
    int64_t sent_ns
    int64_t headers_ns
    int64_t first_token_ns
    int64_t answer_ns      # the first output that is not reasoning
    int64_t last_token_ns
    int64_t record_ns      # the last event, or the document
    int64_t end_ns
    int64_t message_ns     # the end of the HTTP message
    int64_t connect_ns
    int64_t received_bytes
    uint32_t sent_bytes
    uint32_t sample
    uint32_t events
    uint32_t data_events
    uint32_t shared_events
    uint32_t burst_events  # the most output events of one read
    uint32_t escapes
    uint32_t marks
    int32_t input_tokens
    int32_t output_tokens
    int32_t cached_tokens
    int32_t reasoning_tokens  # of the output tokens
    int32_t planned_input
    int32_t planned_output
    uint32_t connection
    uint32_t session
    uint16_t turn
    uint16_t status
    uint16_t flags
    uint8_t outcome
    uint8_t input_source
    uint8_t output_source
    uint8_t attempt
    uint8_t finish
    uint8_t choices
    uint8_t gap_base       # what is taken off each stored gap, in units of GAP_STEP us
    uint8_t class_number   # of the kind of request that it is, from 1; 0 = none
    uint8_t padding[2]


cdef struct Mark:
    uint32_t event
    uint32_t count
    uint32_t bound_us


cdef struct StampRow:
    uint32_t* us
    uint32_t capacity
    int32_t index


cdef class Ring:
    cdef readonly object storage
    cdef uint32_t* base
    cdef uint32_t row_tokens
    cdef int32_t* free_rows
    cdef int32_t free_count
    cdef int32_t total_rows
    cdef readonly int64_t spilled

    cdef void lease(self, StampRow* row) noexcept nogil
    cdef bint grow(self, StampRow* row) noexcept nogil
    cdef void release(self, StampRow* row) noexcept nogil


cdef uint8_t choose_base(const uint32_t* us, uint32_t events) noexcept nogil
cdef uint32_t count_escapes(const uint32_t* us, uint32_t events, uint8_t base) noexcept nogil
cdef void encode_gaps(
    const uint32_t* us, uint32_t events, uint8_t base, uint16_t* gaps, int64_t* escapes
) noexcept nogil
