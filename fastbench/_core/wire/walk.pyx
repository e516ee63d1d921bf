# cython: language_level=3
"""The walk along one JSON document of a reply: what stands where the rules name a role becomes a fact.

Strings are skipped as strings and whatever the rules do not name is skipped whole, so neither key order nor spacing
matters. Output may have any shape: a string, a list of typed parts, an object with a text.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcmp, memset

from fastbench._core.bytesbuf cimport Buffer, buffer_add
from fastbench._core.wire.json cimport bare_end, is_digit, skip_space, string_end, to_int
from fastbench._core.wire.rules cimport (
    MOST_FIELDS,
    ROLE_CHOICE,
    ROLE_CODE,
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
    Node,
    Role,
    Rules,
    key_bit,
    tree_for,
)
from fastbench._core.wire.words cimport Words, finish_code_of, holds, is_among, is_empty, is_success, is_word, words_of

MAX_DEPTH = 128

cdef int DEPTH = MAX_DEPTH
# Parts nested deeper are no output: each level is looked at once more for its type.
cdef int PARTS_DEPTH = 16
# The first byte of each captured piece of text, by role.
cdef const char* ROLE_MARK = b"?trx"

# What the text of a part, its reasoning, and the parts of a call stand under.
cdef Words TEXTS = words_of(
    ("text", "content", "value", "parts", "transcript", "output_text", "refusal", "output", "answer")
)
cdef Words REASONINGS = words_of(
    ("thinking", "reasoning", "reasoning_content", "reasoning_text", "summary", "thought", "thoughts")
)
cdef Words CALLS = words_of(("function", "custom", "name", "code", "partial_json"))
cdef Words ARGUMENTS = words_of(("arguments", "input", "parameters"))


cdef extern from "<string.h>" nogil:
    void* memmem(const void* haystack, size_t length, const void* needle, size_t size)


cdef struct LastText:
    int32_t node           # what it was found under, 0 = nothing was
    const char* literal
    size_t size


cdef struct Walk:
    const Node* nodes
    const char* names
    const char* end
    Found* found
    Buffer* text           # where literals of text go, NULL: nowhere
    bint document          # the whole reply, not an event of a stream
    int depth
    int in_error           # inside a value that is an error where it is not empty
    # The choice in hand: an array element whose index may come after its other keys.
    int64_t choice         # its index, else its place in the array
    bint choice_finished
    bint piece             # it has a piece of the reply
    const char* whole      # its whole reply so far, which is read only where no piece stands beside it
    int32_t whole_node
    LastText last_reasoning  # the same may stand under a second name
    LastText last_text


cdef bint is_again(LastText* last, int32_t node, const char* literal, size_t size) noexcept nogil:
    """Whether a text repeats the last one, whole or in part, under another name; if not, it is now the last one."""
    if last.node and last.node != node:
        if (
            memmem(last.literal, last.size, literal, size) != NULL
            or memmem(literal, size, last.literal, last.size) != NULL
        ):
            return True
    last.node = node
    last.literal = literal
    last.size = size
    return False


cdef void take_text(Walk* walk, Role role, int32_t node, const char* literal, size_t size) noexcept nogil:
    """A text that was found under a node. The same one under two names counts once."""
    cdef Found* found = walk.found
    if size == 0:
        return
    if role == ROLE_REASONING:
        if is_again(&walk.last_reasoning, node, literal, size):
            found.repeated = True
            return
        found.reasoning = True
    else:
        if role == ROLE_TEXT and is_again(&walk.last_text, node, literal, size):
            found.repeated = True
            return
        found.answer = True
    found.text = True
    found.texts += 1
    found.text_size += size
    found.text_role = role
    found.literal = literal
    found.literal_size = size
    capture_text(walk.text, role, literal, size)


cdef void capture_text(Buffer* text, Role role, const char* literal, size_t size) noexcept nogil:
    """Appends a role mark, the literal with its quotes, and a line end; nothing where memory is out."""
    cdef size_t before
    if text == NULL:
        return
    before = text.size
    if not (
        buffer_add(text, ROLE_MARK + <int> role, 1) and buffer_add(text, "\"", 1)
        and buffer_add(text, literal, size) and buffer_add(text, "\"\n", 2)
    ):
        text.size = before


cdef void take_word(Walk* walk, const char* start, size_t size) noexcept nogil:
    """A finish reason. That of a choice that was given up stands before those of others."""
    cdef Found* found = walk.found
    if found.given_up:
        return
    found.finish_code = finish_code_of(&start, &size, &found.given_up)
    found.finish_word = start
    found.finish_size = size


cdef void take_finish(Walk* walk, const char* start, const char* stop, bint quoted) noexcept nogil:
    if is_empty(start, stop, quoted):
        return
    walk.choice_finished = True
    walk.found.finish = True
    take_word(walk, start, <size_t> (stop - start))


cdef void take_code(Walk* walk, const char* start, const char* stop, bint quoted) noexcept nogil:
    """A code that may be an error's: not 0, not a success of HTTP."""
    cdef int64_t code = to_int(start, stop)
    cdef size_t size = <size_t> (stop - start)
    if is_empty(start, stop, quoted) or code == 0 or 200 <= code <= 299:
        return
    if not (quoted and is_success(start, size)):
        walk.found.code = True


cdef void take_usage(Walk* walk, Role role, int64_t count) noexcept nogil:
    """A count of the usage. No prompt and no output has 0 tokens: such a count is a placeholder."""
    cdef Found* found = walk.found
    if role == ROLE_USAGE_IN and count > 0:
        found.usage_in = count
    elif role == ROLE_USAGE_OUT and count > 0:
        found.usage_out = count
        found.usage = True
    elif role == ROLE_USAGE_TOTAL and count > 0:
        found.usage_total = count
    elif role == ROLE_USAGE_CACHED and count >= 0:
        found.usage_cached = count
    elif role == ROLE_USAGE_REASONING and count >= 0:
        found.usage_reasoning = count


cdef void take_scalar(
    Walk* walk, int32_t at, const char* start, const char* stop, bint quoted
) noexcept nogil:
    """A string (quoted: without its quotes), number or literal that stands where the rules name a role."""
    cdef Found* found = walk.found
    cdef Role role = walk.nodes[at].role
    cdef size_t size = <size_t> (stop - start)
    cdef int64_t index
    if role == ROLE_TEXT or role == ROLE_REASONING or role == ROLE_TOOL:
        if quoted:
            take_text(walk, role, at, start, size)
    elif role == ROLE_FINISH:
        take_finish(walk, start, stop, quoted)
    elif role == ROLE_REASON:
        if not is_empty(start, stop, quoted):
            take_word(walk, start, size)
    elif role == ROLE_FINAL:
        if not (stop == start if quoted else start[0] == c'n' or start[0] == c'f'):
            walk.choice_finished = True
            found.finish = True
            if quoted:
                found.whole = start
                found.whole_size = size
    elif role == ROLE_SPECIAL:
        found.special = not quoted and start[0] == c't'
    elif role == ROLE_TOKEN_IDS:
        found.token_ids += not quoted and is_digit(start[0])
    elif role == ROLE_ERROR:
        found.error = found.error or not is_empty(start, stop, quoted)
    elif role == ROLE_ERROR_WORD:
        if not quoted:
            take_code(walk, start, stop, quoted)
        elif is_word("error", start, size) or is_word("failed", start, size):
            found.error = True
    elif role == ROLE_CODE:
        take_code(walk, start, stop, quoted)
    elif role == ROLE_MESSAGE:
        found.message = found.message or (quoted and not is_success(start, size) and size > 0)
    elif role == ROLE_DETAIL:
        found.detail = found.detail or not is_empty(start, stop, quoted)
    elif role == ROLE_PIECE:
        if quoted:
            walk.piece = True
            take_text(walk, ROLE_TEXT, at, start, size)
    elif role == ROLE_INDEX:
        index = to_int(start, stop)
        if index >= 0:
            walk.choice = index
    else:
        take_usage(walk, role, to_int(start, stop))


cdef const char* next_member(
    Walk* walk, const char* p, bint first, const char** key, const char** key_end
) noexcept nogil:
    """The value of the next member of an object whose members begin at `p` (first), or go on there. Behind its closing
    brace `key` is NULL; NULL for what is not JSON.
    """
    key[0] = NULL
    p = skip_space(p, walk.end)
    if p < walk.end and p[0] == c'}':
        return p + 1
    if not first:
        if p >= walk.end or p[0] != c',':
            return NULL
        p = skip_space(p + 1, walk.end)
    if p >= walk.end or p[0] != c'"':
        return NULL
    key_end[0] = string_end(p + 1, walk.end)
    if key_end[0] == NULL:
        return NULL
    key[0] = p + 1
    p = skip_space(key_end[0] + 1, walk.end)
    return p + 1 if p < walk.end and p[0] == c':' else NULL


cdef const char* next_element(Walk* walk, const char* p, bint first, bint* more) noexcept nogil:
    """The next element of an array whose elements begin at `p` (first), or go on there; not more: behind the closing
    bracket. NULL for what is not JSON.
    """
    more[0] = False
    p = skip_space(p, walk.end)
    if p < walk.end and p[0] == c']':
        return p + 1
    if not first:
        if p >= walk.end or p[0] != c',':
            return NULL
        p += 1
    more[0] = True
    return p


cdef const char* walk_object(Walk* walk, const char* p, int32_t at) noexcept nogil:
    """p: behind the brace. Behind the closing brace, NULL for what is not JSON."""
    cdef const char* key
    cdef const char* stop
    cdef int32_t child
    cdef bint first = True
    while True:
        p = next_member(walk, p, first, &key, &stop)
        if p == NULL or key == NULL:
            return p
        first = False
        child = 0
        if at >= 0 and walk.nodes[at].keys & key_bit(key, <size_t> (stop - key)):
            child = walk.nodes[at].child
        while child and not (
            walk.nodes[child].key_size == <uint32_t> (stop - key)
            and memcmp(walk.names + walk.nodes[child].key, key, <size_t> (stop - key)) == 0
        ):
            child = walk.nodes[child].sibling
        p = walk_value(walk, p, child if child else -1)
        if p == NULL:
            return NULL


cdef void begin_choice(Walk* walk, int64_t place) noexcept nogil:
    walk.choice = place
    walk.choice_finished = False
    walk.piece = False
    walk.whole = NULL
    walk.last_reasoning.node = walk.last_text.node = 0


cdef bint end_choice(Walk* walk) noexcept nogil:
    cdef int64_t index
    cdef bint brought = walk.found.text
    cdef bint has_output = walk.last_reasoning.node or walk.last_text.node
    # In a stream what stands beside a piece repeats what came before; a document may have an empty piece.
    if walk.whole != NULL and not (walk.piece and (not walk.document or has_output)):
        if walk_children(walk, walk.whole, walk.whole_node) == NULL:
            return False
        walk.found.of_whole = walk.found.of_whole or not brought
    index = walk.choice if walk.choice < 63 else 63
    walk.found.choice = True
    walk.found.choices |= (<uint64_t> 1) << index
    if walk.choice_finished:
        walk.found.finished |= (<uint64_t> 1) << index
    return True


cdef const char* walk_array(Walk* walk, const char* p, int32_t at) noexcept nogil:
    """p: behind the bracket. Behind the closing bracket, NULL for what is not JSON."""
    cdef int32_t element = walk.nodes[at].element if at >= 0 else 0
    cdef Role role = walk.nodes[at].role if at >= 0 else ROLE_NONE
    cdef bint is_choice = element > 0 and walk.nodes[element].role == ROLE_CHOICE
    cdef bint more
    cdef uint32_t n = 0
    while True:
        p = next_element(walk, p, n == 0, &more)
        if p == NULL or not more:
            break
        if is_choice:
            begin_choice(walk, n)
        p = walk_value(walk, p, element if element else -1)
        if p == NULL or is_choice and not end_choice(walk):
            return NULL
        n += 1
    if role == ROLE_TOKEN_IDS:
        walk.found.token_ids += n
    elif role == ROLE_PROMPT_TOKEN_IDS:
        walk.found.prompt_token_ids += n
    return p


cdef const char* walk_children(Walk* walk, const char* p, int32_t at) noexcept nogil:
    """An object or array, p: at its bracket."""
    cdef const char* stop
    if walk.depth >= DEPTH:
        return NULL
    walk.depth += 1
    stop = walk_object(walk, p + 1, at) if p[0] == c'{' else walk_array(walk, p + 1, at)
    walk.depth -= 1
    return stop


cdef const char* walk_value(Walk* walk, const char* p, int32_t at) noexcept nogil:
    """p: at the value or the space before it. Behind the value, NULL for what is not JSON. at: -1 = no rule."""
    cdef Role role = walk.nodes[at].role if at >= 0 else ROLE_NONE
    p = skip_space(p, walk.end)
    if p >= walk.end:
        return NULL
    if p[0] == c'{' or p[0] == c'[':
        return walk_container(walk, p, at, role)
    return walk_scalar(walk, p, at, role)


cdef const char* walk_scalar(Walk* walk, const char* p, int32_t at, Role role) noexcept nogil:
    cdef bint quoted = p[0] == c'"'
    cdef const char* stop = string_end(p + 1, walk.end) if quoted else bare_end(p, walk.end)
    if stop == NULL:
        return NULL
    p += quoted
    if role != ROLE_NONE:
        take_scalar(walk, at, p, stop, quoted)
    elif walk.in_error:
        walk.found.error = walk.found.error or not is_empty(p, stop, quoted)
    return stop + quoted


cdef const char* walk_container(Walk* walk, const char* p, int32_t at, Role role) noexcept nogil:
    cdef const char* stop
    if role == ROLE_TEXT or role == ROLE_REASONING or role == ROLE_TOOL:
        return walk_part(walk, p, at, role, False, 0)
    if role == ROLE_WHOLE and p[0] == c'{':
        walk.whole = p
        walk.whole_node = at
        return walk_children(walk, p, -1)  # skipped; the choice's end decides whether it is read
    if role == ROLE_PIECE:
        walk.piece = True
    elif role == ROLE_FINAL:
        walk.choice_finished = True
        walk.found.finish = True
    walk.in_error += role == ROLE_ERROR
    stop = walk_children(walk, p, at)
    walk.in_error -= role == ROLE_ERROR
    return stop


cdef bint is_thought(const char* start, const char* stop) noexcept nogil:
    """Whether the type of a part says that it is reasoning."""
    return (
        holds(start, stop, "think") or holds(start, stop, "reason")
        or holds(start, stop, "thought") or holds(start, stop, "summary")
    )


cdef Role role_of_part(Walk* walk, const char* p, Role role) noexcept nogil:
    """The role of an object among the parts of an output, by its `type`, which may stand behind its text. p: behind the
    brace.
    """
    cdef const char* key
    cdef const char* stop
    cdef bint first = True
    while role == ROLE_TEXT:
        p = next_member(walk, p, first, &key, &stop)
        if p == NULL or key == NULL:
            break
        first = False
        p = skip_space(p, walk.end)
        if is_word("type", key, <size_t> (stop - key)) and p < walk.end and p[0] == c'"':
            stop = string_end(p + 1, walk.end)
            if stop == NULL:
                break
            if is_thought(p, stop):
                return ROLE_REASONING
            return ROLE_TOOL if holds(p, stop, "tool") or holds(p, stop, "function") else role
        p = walk_value(walk, p, -1)
        if p == NULL:
            break
    return role


cdef const char* walk_part(
    Walk* walk, const char* p, int32_t at, Role role, bint free, int depth
) noexcept nogil:
    """A piece of output of any shape: a string, a list of pieces, an object that holds its text under a known name.

    p: at the value. at: what it is found under. free: any name will do, as of the arguments of a call.
    """
    cdef const char* stop
    cdef bint first = True, more, quoted
    p = skip_space(p, walk.end)
    if p >= walk.end or walk.depth >= DEPTH:
        return NULL
    if depth > PARTS_DEPTH:
        return walk_value(walk, p, -1)
    if p[0] != c'{' and p[0] != c'[':
        quoted = p[0] == c'"'
        stop = string_end(p + 1, walk.end) if quoted else bare_end(p, walk.end)
        if stop == NULL:
            return NULL
        if quoted or (free and p[0] != c'n'):
            take_text(walk, role, at, p + quoted, <size_t> (stop - p) - quoted)
        return stop + quoted
    walk.depth += 1
    if p[0] == c'[':
        p += 1
        while True:
            p = next_element(walk, p, first, &more)
            if p == NULL or not more:
                break
            first = False
            p = walk_part(walk, p, at, role, free, depth + 1)
            if p == NULL:
                break
    else:
        p = walk_parts_object(walk, p + 1, at, role_of_part(walk, p + 1, role), free, depth)
    walk.depth -= 1
    return p


cdef const char* walk_parts_object(
    Walk* walk, const char* p, int32_t at, Role role, bint free, int depth
) noexcept nogil:
    """The members of a part; p: behind the brace."""
    cdef const char* key
    cdef const char* stop
    cdef bint first = True
    while True:
        p = next_member(walk, p, first, &key, &stop)
        if p == NULL or key == NULL:
            return p
        first = False
        if free:
            p = walk_part(walk, p, at, role, True, depth + 1)
        elif role == ROLE_TOOL:
            if is_among(&ARGUMENTS, key, stop):
                p = walk_part(walk, p, at, role, True, depth + 1)
            elif is_among(&CALLS, key, stop):
                p = walk_part(walk, p, at, role, False, depth + 1)
            else:
                p = walk_value(walk, p, -1)
        elif is_among(&TEXTS, key, stop):
            p = walk_part(walk, p, at, role, False, depth + 1)
        elif is_among(&REASONINGS, key, stop):
            p = walk_part(walk, p, at, ROLE_REASONING, False, depth + 1)
        else:
            p = walk_value(walk, p, -1)
        if p == NULL:
            return NULL


cdef bint walk_list(Walk* walk, const char* p) noexcept nogil:
    """A list of documents, which only an error may be. p: behind the bracket."""
    cdef bint first = True, more
    while True:
        p = next_element(walk, p, first, &more)
        if p == NULL or not more:
            break
        first = False
        p = walk_value(walk, p, 0)
        if p == NULL:
            break
    return p != NULL and skip_space(p, walk.end) == walk.end and walk.found.error


cdef void clear(Found* found) noexcept nogil:
    memset(found, 0, sizeof(Found))
    found.usage_in = found.usage_out = found.usage_total = found.usage_cached = found.usage_reasoning = -1


cdef bint walk_document(
    const Rules* rules, const char* data, size_t size, bint document, Found* found, Buffer* text
) noexcept nogil:
    """Walks one JSON document; False when it is not one. `text` (or NULL) takes the output's literals.

    document: it is the whole reply, not an event of a stream. A final record's whole text replaces the pieces that
    `text` holds.
    """
    cdef Walk walk
    cdef const char* p
    cdef const char* values[MOST_FIELDS]
    cdef int32_t i
    cdef size_t captured = text.size if text != NULL else 0
    clear(found)
    memset(&walk, 0, sizeof(Walk))
    walk.nodes = tree_for(rules, data, size, values) if rules.fields_count else rules.nodes
    walk.names = rules.names
    walk.end = data + size
    walk.found = found
    walk.text = text
    walk.document = document
    p = skip_space(data, walk.end)
    if p >= walk.end or (p[0] != c'{' and p[0] != c'['):
        return False
    if p[0] == c'[':
        return walk_list(&walk, p + 1)
    p = walk_value(&walk, p, 0)
    if p == NULL or skip_space(p, walk.end) != walk.end:
        return False
    if walk.nodes[0].role == ROLE_CHOICE and not end_choice(&walk):
        return False
    for i in range(rules.fields_count):
        found.decides = found.decides or (found.texts > 0 and values[i] == found.literal)
    if found.special:
        found.text = found.answer = found.reasoning = False
        found.texts = 0
        if text != NULL:
            text.size = captured
    if found.code and found.message and not (found.text or found.finish):
        found.error = True
    if found.detail and not (found.choice or found.usage):
        found.error = True
    if found.whole != NULL and text != NULL:
        text.size = 0  # what the events before gave in pieces
        capture_text(text, ROLE_TEXT, found.whole, found.whole_size)
    return True
