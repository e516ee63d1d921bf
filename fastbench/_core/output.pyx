# cython: language_level=3
"""What an event says: output, finish reason, usage, error. Sans I/O; one JSON document in, facts out.

A backend's rules (JSON path -> role) are compiled into a tree once, along which a document is walked. Most events of a
stream differ only in their text: after one walk of such an *ordinary* event the next needs none.
"""

from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memset

from fastbench._core.bytesbuf cimport Buffer
from fastbench._core.found cimport (
    ROLE_CHOICE,
    ROLE_CODE,
    ROLE_COUNT,
    ROLE_DETAIL,
    ROLE_ERROR,
    ROLE_ERROR_WORD,
    ROLE_FINAL,
    ROLE_FINISH,
    ROLE_INDEX,
    ROLE_MESSAGE,
    ROLE_NONE,
    ROLE_PIECE,
    ROLE_PROMPT_TOKEN_IDS,
    ROLE_REASON,
    ROLE_REASONING,
    ROLE_SPECIAL,
    ROLE_TEXT,
    ROLE_TOKEN_IDS,
    ROLE_TOOL,
    ROLE_USAGE_CACHED,
    ROLE_USAGE_IN,
    ROLE_USAGE_OUT,
    ROLE_USAGE_REASONING,
    ROLE_USAGE_TOTAL,
    ROLE_WHOLE,
    Found,
)
from fastbench._core.json cimport skip_space
from fastbench._core.memo cimport Memo, keep_memo, memo_free, memo_text
from fastbench._core.walk cimport Node, capture_text, walk_document

from fastbench._core.layout import names_by_code

ROLES = names_by_code({
    ROLE_NONE: "none", ROLE_TEXT: "text", ROLE_REASONING: "reasoning", ROLE_TOOL: "tool", ROLE_FINISH: "finish",
    ROLE_REASON: "reason", ROLE_CHOICE: "choice", ROLE_INDEX: "index", ROLE_PIECE: "piece", ROLE_WHOLE: "whole",
    ROLE_TOKEN_IDS: "token_ids", ROLE_PROMPT_TOKEN_IDS: "prompt_token_ids", ROLE_USAGE_IN: "usage_in",
    ROLE_USAGE_OUT: "usage_out", ROLE_USAGE_TOTAL: "usage_total", ROLE_USAGE_CACHED: "usage_cached",
    ROLE_USAGE_REASONING: "usage_reasoning", ROLE_ERROR: "error", ROLE_ERROR_WORD: "error_word", ROLE_CODE: "code",
    ROLE_MESSAGE: "message", ROLE_DETAIL: "detail", ROLE_FINAL: "final", ROLE_SPECIAL: "special",
}, ROLE_COUNT)


cdef class OutputSpec:
    def __cinit__(self, rules):
        self.rules = tuple((str(path), str(role)) for path, role in rules)
        self.needs_finish = any(role in ("finish", "final") for _, role in self.rules)
        tree, names = [[0, 0, 0, 0, 0, 0]], bytearray()
        for path, role in self.rules:
            if role not in ROLES[1:]:
                raise ValueError(f"no such role of a JSON path: {role!r}")
            place(tree, names, path, ROLES.index(role))
        self.names = bytes(names)
        self.name_at = self.names
        self.count = len(tree)
        self.nodes = <Node*> calloc(self.count, sizeof(Node))
        if self.nodes == NULL:
            raise MemoryError()
        for i, (child, sibling, element, key, key_size, role) in enumerate(tree):
            self.nodes[i] = Node(child, sibling, element, key, key_size, role)

    def __dealloc__(self):
        free(self.nodes)


def place(tree, names, path, role):
    """Adds one path (`choices[].delta.content`) to the tree of [child, sibling, element, key, key size, role].

    The path "" is the document itself.
    """
    at = 0
    for part in path.split(".") if path else ():
        name = part.removesuffix("[]").encode()
        child = tree[at][0]
        while child and bytes(names[tree[child][3]:tree[child][3] + tree[child][4]]) != name:
            child = tree[child][1]
        if not child:
            child = len(tree)
            tree.append([0, tree[at][0], 0, len(names), len(name), 0])
            names += name
            tree[at][0] = child
        at = child
        if part.endswith("[]"):
            if not tree[at][2]:
                tree[at][2] = len(tree)
                tree.append([0, 0, 0, 0, 0, 0])
            at = tree[at][2]
    tree[at][5] = role


cdef bint output_find(
    const Node* nodes, const char* names, Memo* memo, const char* data, size_t size, Found* found, Buffer* text
) noexcept nogil:
    """An event's facts, by the memo where it is like the last ordinary one; False when it is not JSON."""
    cdef size_t inner = memo_text(memo, data, size)
    if inner:
        found[0] = memo.found
        found.literal = data + memo.prefix
        found.literal_size = found.text_size = inner
        capture_text(text, found.text_role, found.literal, inner)
        return True
    if not walk_document(nodes, names, data, size, False, found, text):
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
            valid = output_find(self.spec.nodes, self.spec.name_at, &self.memo, at, len(data), &found, &text)
        else:
            valid = walk_document(self.spec.nodes, self.spec.name_at, at, len(data), False, &found, &text)
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
