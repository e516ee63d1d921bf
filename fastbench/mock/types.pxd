"""The structures that the mock's compiled modules share. Moments are int64 ns of CLOCK_MONOTONIC."""

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t


cdef enum Route:
    ROUTE_NONE
    ROUTE_CHAT
    ROUTE_COMPLETIONS
    ROUTE_TGI
    ROUTE_TGI_STREAM
    ROUTE_TRITON
    ROUTE_TRITON_STREAM
    ROUTE_MINDIE
    ROUTE_MODELS
    ROUTE_HEALTH
    ROUTE_METRICS
    ROUTE_RESET
    ROUTE_COUNT


cdef enum Dialect:      # in the order of `styles.DIALECTS`
    DIALECT_COMPLETIONS
    DIALECT_CHAT
    DIALECT_TGI
    DIALECT_TRITON
    DIALECT_MINDIE
    DIALECT_COUNT
    DIALECT_NONE        # the route is no completion


cdef enum BodyError:
    BODY_OK
    BODY_JSON
    BODY_TYPE
    BODY_MISSING
    BODY_RANGE


cdef enum FaultKind:
    FAULT_NONE
    FAULT_HTTP
    FAULT_HTML
    FAULT_ERROR_EVENT
    FAULT_CUT
    FAULT_RESET
    FAULT_STALL
    FAULT_NO_FINISH
    FAULT_EMPTY
    FAULT_REFUSE_STREAM


cdef enum EndKind:
    END_NONE        # the reply goes on
    END_COMPLETE    # nothing more to send: the connection may serve the next request
    END_CLOSE       # send what is pending, then FIN
    END_RESET       # RST
    END_STALL       # never another byte


cdef struct Fault:
    int kind
    int32_t arg


cdef struct Buffer:
    char* data
    size_t size
    size_t capacity


cdef struct Span:
    const char* at
    size_t size
    bint escaped


cdef struct Part:               # of a connection's input, which may move in memory
    size_t offset
    size_t size


cdef struct PrefixCache:
    uint64_t* slots             # hashes of blocks, 0: free; NULL: there is no cache
    size_t mask                 # one less than the slots, a power of two
    size_t count
    size_t blocks               # the most


cdef struct Ask:
    bint stream
    bint include_usage
    bint continuous_usage
    bint return_token_ids
    bint ignore_eos
    bint details                # the protocols with `parameters`: whether replies have token counts
    int64_t max_tokens          # -1: not given
    int64_t min_tokens
    int64_t choices             # per prompt
    int64_t prompts
    int64_t prompt_tokens
    int64_t cached_tokens       # of them, those found in the prefix cache
    PrefixCache* prefixes       # NULL: there is none
    uint64_t chain              # hash of the prompt being read, up to here
    int64_t in_prompt           # its tokens so far
    int64_t found               # its tokens in blocks that were found
    bint on_prefix              # whether all of its blocks were
    Span model                  # as written in the body, without its quotes; size 0: not given
    const char* param           # the field that is wrong, when reading failed
    size_t offset               # where the JSON is broken, when reading failed


cdef struct Head:
    size_t size                 # with its empty line; 0: not complete yet
    int route
    int method
    size_t body_size
    bint close
    bint http10
    bint expect
    bint chunked
    Part request_id
    Part fault
    Part model                  # in the path, percent-encoded


cdef struct Piece:
    int slot
    uint32_t size
    const char* text


cdef struct Template:
    Piece* pieces
    int count
    size_t literal_size
    bint whole                  # one slot is the whole text so far


cdef struct LogEntry:
    LogEntry* next
    char* request_id            # NULL: the request had none
    size_t request_id_size
    int route
    int status
    bint aborted
    Fault fault
    int64_t accepted_ns
    int64_t arrived_ns
    int64_t received_ns
    int64_t end_ns
    int64_t prompt_tokens
    int64_t output_tokens
    int64_t* writes
    size_t write_count
    size_t write_capacity


cdef struct Conn:
    int fd
    bint readable               # the socket may hold unread bytes
    bint closing                # close when `pending` is sent
    bint continued              # 100 Continue was sent for the request being read
    int64_t accepted_ns
    int64_t arrived_real_ns     # the kernel's stamp of the last read, 0 when it gave none or it is used up
    Buffer input
    size_t scanned
    Head head
    Buffer pending              # what the socket did not take yet
    Stream* stream
    Conn* next_dead


cdef struct Stream:
    Conn* conn
    bint dead                   # finished or aborted: lists that still hold it skip it
    Stream* next                # in the queue
    int refs                    # holders: the server while it lives, and each heap or list
    uint64_t seed
    char id[16]
    int64_t created
    int64_t arrived_ns          # when the request's last byte arrived in this machine
    int64_t received_ns         # when it was read
    int status
    int dialect
    bint streaming
    bint chunked
    bint closes                 # the connection ends with this reply
    bint with_ids
    bint usage_final
    bint usage_each
    int32_t limit               # max_tokens; a choice that is shorter finished with "stop"
    Fault fault
    int32_t choices
    int32_t* lengths            # output tokens, per choice
    int32_t longest
    int64_t prompt_tokens
    int64_t cached_tokens       # of the prompt's, those in the prefix cache
    bint queued                 # counts as waiting
    bint seated                 # counts as running
    bint blocked                # the socket is full
    bint hot                    # in the list of those that write as fast as they can
    bint head_sent
    bint begun
    int end
    int32_t sent                # tokens per choice in finished steps
    int32_t granted             # tokens per choice that the engine has made
    int32_t choice              # next choice in this step
    int64_t output_tokens       # written, all choices
    int64_t due_ns              # when the next event is due (fixed timing)
    int64_t last_write_ns
    Template text               # bound to this stream: its constants are merged
    Template reasoning
    LogEntry* log               # NULL: no log asked for


cdef inline int dialect_of(int route) noexcept nogil:
    """The dialect of a route."""
    if route == ROUTE_CHAT:
        return DIALECT_CHAT
    if route == ROUTE_COMPLETIONS:
        return DIALECT_COMPLETIONS
    if route == ROUTE_TGI or route == ROUTE_TGI_STREAM:
        return DIALECT_TGI
    if route == ROUTE_TRITON or route == ROUTE_TRITON_STREAM:
        return DIALECT_TRITON
    return DIALECT_MINDIE if route == ROUTE_MINDIE else DIALECT_NONE


cdef inline bint has_parameters(int dialect) noexcept nogil:
    """Whether the dialect is one of those beside OpenAI's, with a body of a text and its `parameters`."""
    return <int> DIALECT_TGI <= dialect < <int> DIALECT_COUNT


cdef inline uint64_t mix(uint64_t x) noexcept nogil:
    """splitmix64: one well-mixed word for each input."""
    x += <uint64_t> 0x9E3779B97F4A7C15
    x = (x ^ (x >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t> 0x94D049BB133111EB
    return x ^ (x >> 31)


cdef inline double unit(uint64_t x) noexcept nogil:
    """A uniform number in [0, 1) from a mixed word."""
    return <double> (x >> 11) * (1.0 / 9007199254740992.0)
