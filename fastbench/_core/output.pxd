from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from fastbench._core.bytesbuf cimport Buffer


cdef enum Role:
    ROLE_NONE
    ROLE_TEXT
    ROLE_REASONING
    ROLE_TOOL
    ROLE_FINISH
    ROLE_CHOICE
    ROLE_INDEX
    ROLE_TOKEN_IDS
    ROLE_PROMPT_TOKEN_IDS
    ROLE_USAGE_IN
    ROLE_USAGE_OUT
    ROLE_USAGE_CACHED
    ROLE_ERROR
    ROLE_FINAL
    ROLE_SPECIAL


cdef struct Node:
    int32_t child      # first key of an object here, 0 = none
    int32_t sibling    # next key of the same object, 0 = none
    int32_t element    # node of an array's elements here, 0 = none
    uint32_t key       # offset and size of the key's name in the spec's `names`
    uint32_t key_size
    Role role


cdef struct Found:
    bint text          # non-empty output
    bint finish        # a finish reason, or the protocol's final record
    bint error
    bint usage
    bint choice        # at least one choice stands in the event
    bint special       # the event's text is a special token's, which belongs to no output
    uint32_t token_ids
    uint32_t prompt_token_ids
    int64_t usage_in, usage_out, usage_cached    # -1: not said
    uint64_t choices, finished                   # bit i: choice i seen, choice i finished
    # Of the event's only text: where its literal stands, for the memo.
    uint32_t texts
    Role text_role
    const char* literal
    size_t literal_size
    size_t text_size   # of all its texts together
    # Of a final record: the whole reply's text so far.
    const char* whole
    size_t whole_size


cdef class OutputSpec:
    cdef Node* nodes
    cdef int32_t count
    cdef bytes names
    cdef const char* name_at
    cdef readonly tuple rules
    cdef readonly bint needs_finish


cdef struct Memo:
    char* at               # the last ordinary event as it was framed, without its text
    uint32_t prefix, suffix
    uint32_t room
    Found found


cdef enum:
    MEMO_LEAD = 6          # bytes of an event's usual framing before its data: "data: "
    MEMO_FRAME = 8         # and with the blank line behind them


cdef size_t memo_framed(const Memo* memo, const char* at, const char* end) noexcept nogil
cdef void capture_text(Buffer* text, Role role, const char* literal, size_t size) noexcept nogil
cdef bint output_walk(
    const Node* nodes, const char* names, const char* data, size_t size, Found* found, Buffer* text
) noexcept nogil
cdef bint output_find(
    const Node* nodes, const char* names, Memo* memo, const char* data, size_t size, Found* found, Buffer* text
) noexcept nogil
cdef void memo_reset(Memo* memo) noexcept nogil
cdef void memo_free(Memo* memo) noexcept nogil
cdef bint is_blank(const char* data, size_t size) noexcept nogil
cdef bint is_done(const char* data, size_t size) noexcept nogil
