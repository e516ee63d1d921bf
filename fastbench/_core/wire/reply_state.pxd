"""What is known of a response while it arrives."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.call cimport Call
from fastbench._core.wire.http cimport Http
from fastbench._core.wire.memo cimport Memo
from fastbench._core.wire.rules cimport Rules
from fastbench._core.wire.sse cimport Sse


cdef enum End:
    END_COMPLETE       # the message came to its own end
    END_LINGERED       # the reply is complete, but the service left its message open
    END_CLOSED         # the service closed the connection
    END_RESET
    END_TIMEOUT
    END_CANCELLED
    END_REFUSED        # no connection


cdef enum BodyKind:
    BODY_EVENTS
    BODY_DOCUMENT      # one JSON document
    BODY_IGNORED       # only its first 4 KiB are kept, for the message
    BODY_UNDECIDED     # what it begins with decides


cdef struct Reply:
    Http http
    Sse sse
    Memo memo
    Call* call
    const Rules* rules
    Buffer body            # the document, or the body's head until the first output event
    BodyKind kind
    const char* reason     # our own message for the failure
    bint malformed
    bint error             # the service said that it failed
    bint odd               # the last event is unknown; its text may be the failure's
    bint finish
    bint pieces            # output came in pieces, so that a whole reply repeats them
    bint tokens_known      # every output event so far said its tokens
    uint32_t read_events   # output events in this read
    size_t text_size       # of the output so far
    bint without_ids       # an output event had no token ids
    uint32_t zero_events   # output events whose usage grew by nothing
    uint32_t usage_only    # usage events without a choice
    uint64_t choices
    uint64_t finished
    int64_t done_ns        # when [DONE] arrived
    int64_t token_ids
    int64_t prompt_token_ids
    int64_t pending_tokens  # of events without text, for the next output event
    int64_t usage_in, usage_out, usage_total, usage_cached, usage_reasoning
    int64_t usage_only_sum
