# cython: language_level=3
"""What an event says: output, finish reason, usage, error. Sans I/O; one JSON document in, facts out.

A backend's rules (JSON path -> role) are compiled into a tree once. A document is walked along that tree,
strings as strings and whatever the tree does not name skipped whole, so neither key order nor spacing matters.
Most events of a stream differ only in their text: after one walk of such an *ordinary* event the next needs none.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memset

from fastbench._core.bytesbuf cimport Buffer, buffer_add
from fastbench._core.found cimport (
    ROLE_CHOICE,
    ROLE_ERROR,
    ROLE_FINAL,
    ROLE_FINISH,
    ROLE_INDEX,
    ROLE_NONE,
    ROLE_PROMPT_TOKEN_IDS,
    ROLE_REASONING,
    ROLE_SPECIAL,
    ROLE_TEXT,
    ROLE_TOKEN_IDS,
    ROLE_TOOL,
    ROLE_USAGE_CACHED,
    ROLE_USAGE_IN,
    ROLE_USAGE_OUT,
    Found,
    Role,
)
from fastbench._core.json cimport bare_end, is_digit, skip_space, string_end, to_int
from fastbench._core.memo cimport Memo, keep_memo, memo_free, memo_text

ROLES = (
    "none", "text", "reasoning", "tool", "finish", "choice", "index", "token_ids", "prompt_token_ids",
    "usage_in", "usage_out", "usage_cached", "error", "final", "special",
)
MAX_DEPTH = 128

cdef int DEPTH = MAX_DEPTH
# The first byte of each captured piece of text, by role.
cdef const char* ROLE_MARK = b"?trx"


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


cdef struct Walk:
    const Node* nodes
    const char* names
    const char* end
    Found* found
    Buffer* text           # where literals of text go, NULL: nowhere
    int depth
    # The choice in hand: an array element whose index may come after its other keys.
    int64_t choice         # its index, else its place in the array
    bint choice_finished


cdef void take_text(Walk* walk, Role role, const char* literal, size_t size) noexcept nogil:
    if size == 0:
        return
    walk.found.text = True
    walk.found.texts += 1
    walk.found.text_size += size
    walk.found.text_role = role
    walk.found.literal = literal
    walk.found.literal_size = size
    capture_text(walk.text, role, literal, size)


cdef void capture_text(Buffer* text, Role role, const char* literal, size_t size) noexcept nogil:
    """Appends a role mark, the literal with its quotes, and a line end."""
    if text == NULL:
        return
    buffer_add(text, ROLE_MARK + <int> role, 1)
    buffer_add(text, "\"", 1)
    buffer_add(text, literal, size)
    buffer_add(text, "\"\n", 2)


cdef void take_scalar(Walk* walk, Role role, const char* start, const char* stop, bint quoted) noexcept nogil:
    """A string (quoted: without its quotes), number or literal that stands where the rules name a role."""
    cdef Found* found = walk.found
    cdef int64_t index
    cdef bint empty = stop == start if quoted else start[0] == c'n' or start[0] == c'f'
    if role == ROLE_TEXT or role == ROLE_REASONING or role == ROLE_TOOL:
        if quoted:
            take_text(walk, role, start, <size_t> (stop - start))
    elif role == ROLE_FINISH:
        if not empty:
            walk.choice_finished = True
            found.finish = True
    elif role == ROLE_FINAL:
        if not empty:
            walk.choice_finished = True
            found.finish = True
            if quoted:
                found.whole = start
                found.whole_size = <size_t> (stop - start)
    elif role == ROLE_SPECIAL:
        found.special = not quoted and start[0] == c't'
    elif role == ROLE_TOKEN_IDS:
        found.token_ids += not quoted and is_digit(start[0])
    elif role == ROLE_ERROR:
        if not empty:
            found.error = True
    elif role == ROLE_INDEX:
        index = to_int(start, stop)
        if index >= 0:
            walk.choice = index
    elif role == ROLE_USAGE_IN:
        found.usage_in = to_int(start, stop)
    elif role == ROLE_USAGE_OUT:
        found.usage_out = to_int(start, stop)
        found.usage = found.usage_out >= 0
    elif role == ROLE_USAGE_CACHED:
        found.usage_cached = to_int(start, stop)


cdef const char* walk_object(Walk* walk, const char* p, int32_t at) noexcept nogil:
    """p: behind the brace. Behind the closing brace, NULL for what is not JSON."""
    cdef const char* key
    cdef const char* stop
    cdef int32_t child
    p = skip_space(p, walk.end)
    if p < walk.end and p[0] == c'}':
        return p + 1
    while True:
        p = skip_space(p, walk.end)
        if p >= walk.end or p[0] != c'"':
            return NULL
        key = p + 1
        stop = string_end(key, walk.end)
        if stop == NULL:
            return NULL
        child = walk.nodes[at].child if at >= 0 else 0
        while child and not (
            walk.nodes[child].key_size == <uint32_t> (stop - key)
            and memcmp(walk.names + walk.nodes[child].key, key, <size_t> (stop - key)) == 0
        ):
            child = walk.nodes[child].sibling
        p = skip_space(stop + 1, walk.end)
        if p >= walk.end or p[0] != c':':
            return NULL
        p = walk_value(walk, p + 1, child if child else -1)
        if p == NULL:
            return NULL
        p = skip_space(p, walk.end)
        if p >= walk.end:
            return NULL
        if p[0] == c'}':
            return p + 1
        if p[0] != c',':
            return NULL
        p += 1


cdef void end_choice(Walk* walk) noexcept nogil:
    cdef int64_t index = walk.choice if walk.choice < 63 else 63
    walk.found.choice = True
    walk.found.choices |= (<uint64_t> 1) << index
    if walk.choice_finished:
        walk.found.finished |= (<uint64_t> 1) << index


cdef const char* walk_array(Walk* walk, const char* p, int32_t at) noexcept nogil:
    """p: behind the bracket. Behind the closing bracket, NULL for what is not JSON."""
    cdef int32_t element = walk.nodes[at].element if at >= 0 else 0
    cdef Role role = walk.nodes[at].role if at >= 0 else ROLE_NONE
    cdef bint is_choice = element > 0 and walk.nodes[element].role == ROLE_CHOICE
    cdef uint32_t n = 0
    p = skip_space(p, walk.end)
    if p < walk.end and p[0] == c']':
        return p + 1
    while True:
        if is_choice:
            walk.choice = n
            walk.choice_finished = False
        p = walk_value(walk, p, element if element else -1)
        if p == NULL:
            return NULL
        if is_choice:
            end_choice(walk)
        n += 1
        p = skip_space(p, walk.end)
        if p >= walk.end:
            return NULL
        if p[0] == c']':
            if role == ROLE_TOKEN_IDS:
                walk.found.token_ids += n
            elif role == ROLE_PROMPT_TOKEN_IDS:
                walk.found.prompt_token_ids += n
            return p + 1
        if p[0] != c',':
            return NULL
        p += 1


cdef const char* walk_value(Walk* walk, const char* p, int32_t at) noexcept nogil:
    """p: at the value or the space before it. Behind the value, NULL for what is not JSON. at: -1 = no rule."""
    cdef const char* stop
    cdef Role role = walk.nodes[at].role if at >= 0 else ROLE_NONE
    p = skip_space(p, walk.end)
    if p >= walk.end:
        return NULL
    if p[0] == c'"':
        stop = string_end(p + 1, walk.end)
        if stop != NULL and role != ROLE_NONE:
            take_scalar(walk, role, p + 1, stop, True)
        return stop + 1 if stop != NULL else NULL
    if p[0] == c'{' or p[0] == c'[':
        if walk.depth >= DEPTH:
            return NULL
        if role == ROLE_ERROR:
            walk.found.error = True
        elif role == ROLE_FINAL:
            walk.choice_finished = True
            walk.found.finish = True
        walk.depth += 1
        stop = walk_object(walk, p + 1, at) if p[0] == c'{' else walk_array(walk, p + 1, at)
        walk.depth -= 1
        return stop
    stop = bare_end(p, walk.end)
    if stop != NULL and role != ROLE_NONE:
        take_scalar(walk, role, p, stop, False)
    return stop


cdef void clear(Found* found) noexcept nogil:
    memset(found, 0, sizeof(Found))
    found.usage_in = found.usage_out = found.usage_cached = -1


cdef bint output_walk(
    const Node* nodes, const char* names, const char* data, size_t size, Found* found, Buffer* text
) noexcept nogil:
    """Walks one JSON document; False when it is not one. `text` (or NULL) takes the output's literals.

    A final record's whole text replaces the pieces that `text` holds.
    """
    cdef Walk walk
    cdef const char* p
    clear(found)
    memset(&walk, 0, sizeof(Walk))
    walk.nodes = nodes
    walk.names = names
    walk.end = data + size
    walk.found = found
    walk.text = text
    p = skip_space(data, walk.end)
    if p >= walk.end or p[0] != c'{':
        return False
    p = walk_value(&walk, p, 0)
    if p == NULL or skip_space(p, walk.end) != walk.end:
        return False
    if nodes[0].role == ROLE_CHOICE:
        walk.choice = 0
        end_choice(&walk)
    if found.special:
        found.text = False
        found.texts = 0
    if found.whole != NULL and text != NULL:
        text.size = 0  # what the events before gave in pieces
        capture_text(text, ROLE_TEXT, found.whole, found.whole_size)
    return True


cdef bint output_find(
    const Node* nodes, const char* names, Memo* memo, const char* data, size_t size, Found* found, Buffer* text
) noexcept nogil:
    """As `output_walk`, by the memo where the event is like the last ordinary one."""
    cdef size_t inner = memo_text(memo, data, size)
    if inner:
        found[0] = memo.found
        capture_text(text, memo.found.text_role, data + memo.prefix, inner)
        return True
    if not output_walk(nodes, names, data, size, found, text):
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
            valid = output_walk(self.spec.nodes, self.spec.name_at, at, len(data), &found, &text)
        literals = text.at[:text.size] if text.size else b""
        free(text.at)
        if not valid:
            raise ValueError("not a JSON object")
        return {
            "text": bool(found.text), "finish": bool(found.finish), "error": bool(found.error),
            "usage": (found.usage_in, found.usage_out, found.usage_cached),
            "token_ids": found.token_ids, "prompt_token_ids": found.prompt_token_ids,
            "choices": found.choices, "finished": found.finished, "literals": literals,
        }
