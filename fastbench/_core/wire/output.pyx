# cython: language_level=3
"""What an event says: output, finish reason, usage, error. Sans I/O; one JSON document in, facts out.

A document is walked along the rules. Most events of a stream differ only in their text: after one walk of such an
*ordinary* event the next needs none.
"""

from libc.stdlib cimport free
from libc.string cimport memcmp, memset

from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.wire.json cimport skip_space
from fastbench._core.wire.memo cimport Memo, keep_memo, memo_free, memo_text
from fastbench._core.wire.rules cimport OutputSpec, Rules
from fastbench._core.wire.walk cimport Found, capture_text, walk_document

cdef bint output_find(
    const Rules* rules, Memo* memo, const char* data, size_t size, Found* found, Buffer* text
) noexcept nogil:
    """An event's facts, by the memo where it is like the last ordinary one; False when it is not JSON."""
    cdef size_t inner = memo_text(memo, data, size)
    if inner:
        found[0] = memo.found
        found.literal = data + memo.prefix
        found.literal_size = found.text_size = inner
        capture_text(text, found.text_role, found.literal, inner)
        return True
    if not walk_document(rules, data, size, False, found, text):
        return False
    keep_memo(memo, data, size, found)
    return True


cdef bint is_blank(const char* data, size_t size) noexcept nogil:
    return skip_space(data, data + size) == data + size


cdef bint is_done(const char* data, size_t size) noexcept nogil:
    """OpenAI's `[DONE]`, spaces around it aside."""
    cdef const char* end = data + size
    data = skip_space(data, end)
    return end - data >= 6 and memcmp(data, "[DONE]", 6) == 0 and skip_space(data + 6, end) == end


cdef class OutputReader:
    """The classifier as a Python object, for tests and tools."""
    cdef OutputSpec spec
    cdef Memo memo
    cdef bint use_memo
    cdef readonly int memo_hits

    def __cinit__(self, OutputSpec spec not None, bint use_memo=True):
        self.spec = spec
        self.use_memo = use_memo

    def __dealloc__(self):
        memo_free(&self.memo)

    def read(self, bytes data):
        cdef Found found
        cdef Buffer text
        cdef bint valid
        cdef const char* at = data
        memset(&text, 0, sizeof(Buffer))
        if is_done(at, len(data)):
            return {"done": True}
        if self.use_memo:
            self.memo_hits += memo_text(&self.memo, at, <size_t> len(data)) > 0
            valid = output_find(&self.spec.compiled, &self.memo, at, len(data), &found, &text)
        else:
            valid = walk_document(&self.spec.compiled, at, len(data), False, &found, &text)
        literals = text.at[:text.size] if text.size else b""
        free(text.at)
        if not valid:
            raise ValueError("not a JSON object")
        return {
            "text": bool(found.text), "answer": bool(found.answer), "reasoning": bool(found.reasoning),
            "of_whole": bool(found.of_whole), "whole_size": found.whole_size, "special": bool(found.special),
            "finish": bool(found.finish), "error": bool(found.error),
            "given_up": bool(found.given_up),
            "reason": found.finish_word[:found.finish_size] if found.finish_word else b"",
            "usage": (found.usage_in, found.usage_out, found.usage_cached),
            "usage_more": (found.usage_total, found.usage_reasoning),
            "token_ids": found.token_ids, "prompt_token_ids": found.prompt_token_ids,
            "choices": found.choices, "finished": found.finished, "literals": literals,
            "texts": found.texts, "text_size": found.text_size,
            "literal": found.literal[:found.literal_size] if found.texts else b"",
        }
