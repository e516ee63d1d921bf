"""Which JSON paths of a reply mean what."""
from libc.stdint cimport int32_t, uint32_t, uint64_t


cdef enum Role:
    ROLE_NONE
    ROLE_TEXT
    ROLE_REASONING
    ROLE_TOOL
    ROLE_FINISH
    ROLE_REASON
    ROLE_CHOICE
    ROLE_INDEX
    ROLE_PIECE
    ROLE_WHOLE
    ROLE_TOKEN_IDS
    ROLE_PROMPT_TOKEN_IDS
    ROLE_USAGE_IN
    ROLE_USAGE_OUT
    ROLE_USAGE_TOTAL
    ROLE_USAGE_CACHED
    ROLE_USAGE_REASONING
    ROLE_ERROR
    ROLE_ERROR_WORD
    ROLE_CODE
    ROLE_MESSAGE
    ROLE_DETAIL
    ROLE_FINAL
    ROLE_SPECIAL
    ROLE_COUNT


cdef struct Node:
    int32_t child      # first key of an object here, 0 = none
    int32_t sibling    # next key of the same object, 0 = none
    int32_t element    # node of an array's elements here, 0 = none
    uint32_t key       # offset and size of the key's name in the spec's `names`
    uint32_t key_size
    Role role
    uint64_t keys      # `key_bit` of each key of an object here: what has another bit is none of them


cdef struct Span:
    uint32_t at            # of a key's name or of a value, in `names`
    uint32_t size


cdef struct Field:
    # A field of the event that conditions name, and the values that they ask for.
    const Span* keys       # those that lead to it from the document's root
    int32_t keys_count
    const Span* values
    int32_t values_count


cdef enum:
    MOST_FIELDS = 4


cdef struct Rules:
    # One tree for each combination of values of the fields, that of no value first; most specs have that one only.
    const Node* nodes
    int32_t count          # nodes of a tree
    const char* names
    bint needs_finish
    int32_t fields_count
    Field fields[MOST_FIELDS]


cdef class OutputSpec:
    cdef Rules compiled
    cdef Node* nodes
    cdef Span* spans
    cdef bytes names
    cdef readonly tuple rules
    cdef readonly bint needs_finish


cdef inline uint64_t key_bit(const char* key, size_t size) noexcept nogil:
    """One bit for a key, by its size and its two outermost letters."""
    cdef size_t mixed = size
    if size:
        mixed += <size_t> <unsigned char> key[0] + 2 * <size_t> <unsigned char> key[size - 1]
    return (<uint64_t> 1) << (mixed & 63)


cdef const Node* tree_for(
    const Rules* rules, const char* data, size_t size, const char** values
) noexcept nogil
