"""What one event or document of a reply says."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.wire.rules cimport Role, Rules


cdef struct Found:
    bint text          # non-empty output
    bint answer        # some of it is not reasoning
    bint reasoning     # some of it is
    bint of_whole      # it stood where the whole reply so far stands, not in a piece
    bint finish        # a finish reason, or the protocol's final record
    bint error
    bint code, message  # an error, where both stand in an event without output
    bint detail        # an error, where there is no choice
    bint usage
    bint choice        # at least one choice stands in the event
    bint special       # the event's text is a special token's, which belongs to no output
    bint given_up      # the service says that it gave the request up
    bint repeated      # a text stood there twice, under two names
    bint decides       # its text is the value of a field that decides which rules count
    int finish_code    # of FINISHES; that of a choice that was given up before all others
    const char* finish_word
    size_t finish_size
    uint32_t token_ids
    uint32_t prompt_token_ids
    int64_t usage_in, usage_out, usage_total, usage_cached, usage_reasoning    # -1: not said
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


cdef void capture_text(Buffer* text, Role role, const char* literal, size_t size) noexcept nogil
cdef bint walk_document(
    const Rules* rules, const char* data, size_t size, bint document, Found* found, Buffer* text
) noexcept nogil
