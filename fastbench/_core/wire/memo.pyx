# cython: language_level=3
"""Events that are like the last ordinary one need no walk: they are known by the bytes around their text.

That is exact, not a guess: the text between must be one JSON string without an unescaped quote, so the document
parses as the first did.
"""

from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy, memset

from fastbench._core.wire.walk cimport Found

cdef uint32_t MEMO_LIMIT = 2048


cdef void keep_memo(Memo* memo, const char* data, size_t size, const Found* found) noexcept nogil:
    """Remembers an ordinary event: one text, and nothing that differs from event to event."""
    cdef size_t prefix, suffix
    if found.texts != 1 or found.repeated or found.decides or found.finish or found.finish_code or found.error:
        return
    if found.usage or found.usage_in >= 0 or found.usage_total >= 0 or found.token_ids or found.prompt_token_ids:
        return
    if found.usage_cached >= 0 or found.usage_reasoning >= 0 or found.of_whole:
        return
    if (found.literal - 1)[0] != c'"':  # a number among a call's arguments: what follows may be of any kind
        return
    prefix = <size_t> (found.literal - data)
    suffix = size - prefix - found.literal_size
    if prefix + suffix > MEMO_LIMIT:
        return
    if memo.room < MEMO_FRAME + prefix + suffix:
        free(memo.at)
        memo.prefix = memo.suffix = memo.room = 0
        memo.at = <char*> malloc(MEMO_FRAME + prefix + suffix + 64)
        if memo.at == NULL:
            return
        memo.room = <uint32_t> (MEMO_FRAME + prefix + suffix + 64)
    memcpy(memo.at, "data: ", MEMO_LEAD)
    memcpy(memo.at + MEMO_LEAD, data, prefix)
    memcpy(memo.at + MEMO_LEAD + prefix, data + prefix + found.literal_size, suffix)
    memcpy(memo.at + MEMO_LEAD + prefix + suffix, "\n\n", MEMO_FRAME - MEMO_LEAD)
    memo.prefix = <uint32_t> prefix
    memo.suffix = <uint32_t> suffix
    memo.found = found[0]


cdef bint is_literal(const char* p, size_t size) noexcept nogil:
    """Whether `size` bytes are the inside of one JSON string: no unescaped quote, no backslash left open."""
    cdef size_t i = 0
    if memchr(p, c'"', size) == NULL and p[size - 1] != c'\\':
        return True
    while i < size:
        if p[i] == c'"':
            return False
        i += 2 if p[i] == c'\\' else 1
    return i == size


cdef size_t memo_text(const Memo* memo, const char* data, size_t size) noexcept nogil:
    """The size of the event's text where all else is as in the last ordinary event, else 0."""
    cdef size_t inner
    if memo.prefix == 0 or size <= <size_t> memo.prefix + memo.suffix:
        return 0
    inner = size - memo.prefix - memo.suffix
    if (
        memcmp(data, memo.at + MEMO_LEAD, memo.prefix) == 0
        and memcmp(data + memo.prefix + inner, memo.at + MEMO_LEAD + memo.prefix, memo.suffix) == 0
        and is_literal(data + memo.prefix, inner)
    ):
        return inner
    return 0


cdef size_t memo_framed(const Memo* memo, const char* at, const char* end) noexcept nogil:
    """The size of the text of the event that begins at `at`, where that event lies whole before `end`, framed as
    `data: …` and a blank line by LF, and is like the last ordinary one but for a text without escapes. Else 0.
    """
    cdef size_t lead = MEMO_LEAD + memo.prefix
    cdef size_t tail = memo.suffix + MEMO_FRAME - MEMO_LEAD
    cdef const char* text = at + lead
    cdef const char* quote = text
    if memo.prefix == 0 or <size_t> (end - at) <= lead + tail or memcmp(at, memo.at, lead) != 0:
        return 0
    end -= tail
    # Control characters (a line end among them), a quote or a backslash end the plain text.
    while quote <= end and <unsigned char> quote[0] >= 32 and quote[0] != c'"' and quote[0] != c'\\':
        quote += 1
    if quote > end or memcmp(quote, memo.at + lead, tail) != 0:
        return 0
    return <size_t> (quote - text)


cdef void memo_reset(Memo* memo) noexcept nogil:
    memo.prefix = 0
    memo.suffix = 0


cdef void memo_free(Memo* memo) noexcept nogil:
    free(memo.at)
    memset(memo, 0, sizeof(Memo))
