# cython: language_level=3
"""A service's rules (JSON path -> role), compiled into a tree along which a document is walked.

A rule may hold only in events in which another field has a certain value. Each combination of values that the rules
can tell apart then has a tree of its own, and an event's fields are looked up before it is walked: the walk knows
nothing of conditions, and it makes no difference where in the event the fields stand.
"""

from libc.stdint cimport int32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

from fastbench._core.wire.json cimport skip_space, string_end, value_end

from fastbench._core.layout import names_by_code
from fastbench._core.rule_trees import make_trees

ROLES = names_by_code({
    ROLE_NONE: "none", ROLE_TEXT: "text", ROLE_REASONING: "reasoning", ROLE_TOOL: "tool", ROLE_FINISH: "finish",
    ROLE_REASON: "reason", ROLE_CHOICE: "choice", ROLE_INDEX: "index", ROLE_PIECE: "piece", ROLE_WHOLE: "whole",
    ROLE_TOKEN_IDS: "token_ids", ROLE_PROMPT_TOKEN_IDS: "prompt_token_ids", ROLE_USAGE_IN: "usage_in",
    ROLE_USAGE_OUT: "usage_out", ROLE_USAGE_TOTAL: "usage_total", ROLE_USAGE_CACHED: "usage_cached",
    ROLE_USAGE_REASONING: "usage_reasoning", ROLE_ERROR: "error", ROLE_ERROR_WORD: "error_word", ROLE_CODE: "code",
    ROLE_MESSAGE: "message", ROLE_DETAIL: "detail", ROLE_FINAL: "final", ROLE_SPECIAL: "special",
}, ROLE_COUNT)

# A type, described in `rules.pyi`.
Rule = tuple


cdef class OutputSpec:
    def __cinit__(self, rules):
        made = make_trees(rules, ROLES, MOST_FIELDS)
        self.rules = made.rules
        self.needs_finish = False
        for rule in self.rules:
            self.needs_finish |= rule[1] in ("finish", "final")
        self.names = made.names
        self.nodes = <Node*> calloc(len(made.nodes), sizeof(Node))
        self.spans = <Span*> calloc(len(made.spans) + 1, sizeof(Span))
        if self.nodes == NULL or self.spans == NULL:
            raise MemoryError()
        cdef int at = 0
        for child, sibling, element, key, key_size, role in made.nodes:
            self.nodes[at] = Node(child, sibling, element, key, key_size, role, 0)
            at += 1
        order_keys(self.nodes, <int32_t> made.size, <int32_t> (at // made.size), self.names)
        at = 0
        for begin, size in made.spans:
            self.spans[at] = Span(begin, size)
            at += 1
        self.compiled.nodes = self.nodes
        self.compiled.count = made.size
        self.compiled.names = self.names
        self.compiled.needs_finish = self.needs_finish
        cdef int keys, values
        at = 0
        for keys, values in made.fields:
            self.compiled.fields[self.compiled.fields_count] = Field(
                &self.spans[at], keys, &self.spans[at + keys], values,
            )
            self.compiled.fields_count += 1
            at += keys + values

    def __dealloc__(self):
        free(self.nodes)
        free(self.spans)


cdef void order_keys(Node* nodes, int32_t count, int32_t trees, const char* names) noexcept:
    """Puts each object's keys in the order of the rules, whose first ones are those of every event, and sets `keys`.

    count: nodes of a tree; their keys are linked from the last one to the first.
    """
    cdef int32_t at, child, before, after
    cdef Node* tree
    for at in range(count * trees):
        tree = nodes + at // count * count
        nodes[at].keys = 0
        before = 0
        child = nodes[at].child
        while child:
            nodes[at].keys |= key_bit(names + tree[child].key, tree[child].key_size)
            after = tree[child].sibling
            tree[child].sibling = before
            before = child
            child = after
        nodes[at].child = before


cdef bint equals(const char* names, const Span* span, const char* start, const char* stop) noexcept nogil:
    return span.size == <size_t> (stop - start) and memcmp(names + span.at, start, span.size) == 0


cdef const char* member(
    const char* names, const Span* key, const char* p, const char* end
) noexcept nogil:
    """The value of the object's first member of this name; NULL where there is none. p: at what may be the object."""
    cdef const char* start
    cdef bint found
    if p >= end or p[0] != c'{':
        return NULL
    while True:
        p = skip_space(p + 1, end)  # behind the brace or a comma
        if p >= end or p[0] != c'"':
            return NULL
        start = p + 1
        p = string_end(start, end)
        if p == NULL:
            return NULL
        found = equals(names, key, start, p)
        p = skip_space(p + 1, end)
        if p >= end or p[0] != c':':
            return NULL
        p = skip_space(p + 1, end)
        if found:
            return p
        p = value_end(p, end)
        if p != NULL:
            p = skip_space(p, end)
        if p == NULL or p >= end or p[0] != c',':
            return NULL


cdef int32_t value_of(
    const Rules* rules, const Field* field, const char* p, const char* end, const char** value
) noexcept nogil:
    """1 + which of the field's values the document has, 0 for any other. value: where it stands, NULL: nowhere."""
    cdef const char* stop
    cdef int32_t i
    value[0] = NULL
    p = skip_space(p, end)
    for i in range(field.keys_count):
        p = member(rules.names, &field.keys[i], p, end)
        if p == NULL:
            return 0
    if p >= end or p[0] == c'{' or p[0] == c'[':
        return 0
    stop = value_end(p, end)
    if stop == NULL:
        return 0
    if p[0] == c'"':
        p += 1
        stop -= 1
    value[0] = p
    for i in range(field.values_count):
        if equals(rules.names, &field.values[i], p, stop):
            return i + 1
    return 0


cdef const Node* tree_for(
    const Rules* rules, const char* data, size_t size, const char** values
) noexcept nogil:
    """The tree for a document. values: where each of the fields has its value, NULL: nowhere."""
    cdef int32_t i, number = 0
    for i in range(rules.fields_count):
        number *= rules.fields[i].values_count + 1
        number += value_of(rules, &rules.fields[i], data, data + size, &values[i])
    return rules.nodes + <size_t> number * rules.count
