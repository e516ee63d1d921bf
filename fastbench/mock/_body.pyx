# cython: language_level=3
"""Reads of a request body what the mock needs, without the GIL: one walk, unknown fields are skipped as JSON.

Prompt tokens: each word (a run without white space) counts one token, and one more for each further 12 characters
started; a list of token ids counts its length. A request counts at least one.
"""

from libc.math cimport floor
from libc.string cimport memset

from fastbench.mock._json cimport (
    Cursor, next_element, next_member, peek, read_number, read_string, read_word, skip_value, spells,
)
from fastbench.mock._types cimport Ask, Span

cdef enum:
    WORD_CHARACTERS = 12

cdef double LARGEST = 2147483647.0


cdef bint skip_value_of(Cursor* c) noexcept nogil:
    return skip_value(c, 1)


cdef int fail(Ask* ask, int error, const char* param) noexcept nogil:
    ask.param = param
    return error


cdef int escape_size(const char* at, bint* space) noexcept nogil:
    """Bytes of the escape at `at` (checked before), and whether it stands for white space."""
    if at[1] != b"u":
        space[0] = at[1] == b"n" or at[1] == b"t" or at[1] == b"r"
        return 2
    if at[2] != b"0" or at[3] != b"0":
        space[0] = False
    elif at[4] == b"2":
        space[0] = at[5] == b"0"
    else:
        space[0] = at[4] == b"0" and (at[5] == b"9" or at[5] | 0x20 == b"a" or at[5] | 0x20 == b"d")
    return 6


cdef int64_t count_words(const Span* text) noexcept nogil:
    """Prompt tokens of a text by the module's rule."""
    cdef int64_t tokens = 0
    cdef int room = 0       # characters that still belong to the token being counted
    cdef int size
    cdef bint space
    cdef const char* at = text.at
    cdef const char* end = text.at + text.size
    while at < end:
        size = 1
        space = at[0] == b" "
        if at[0] == b"\\":
            size = escape_size(at, &space)
        at += size
        if space:
            room = 0
        elif size > 1 or at[-1] & 0xC0 != 0x80:     # not a further byte of the same character
            if room == 0:
                tokens += 1
                room = WORD_CHARACTERS
            room -= 1
    return tokens


cdef int read_flag(Cursor* c, bint* value) noexcept nogil:
    """true, false or null (which leaves the value); returns a BodyError."""
    cdef int byte = peek(c)
    if byte == b"t" and read_word(c, b"true", 4):
        value[0] = True
        return BODY_OK
    if byte == b"f" and read_word(c, b"false", 5):
        value[0] = False
        return BODY_OK
    if byte == b"n" and read_word(c, b"null", 4):
        return BODY_OK
    return BODY_TYPE if skip_value_of(c) else BODY_JSON


cdef int read_count(Cursor* c, int64_t* value) noexcept nogil:
    """A whole number within int32, or null (which leaves the value); returns a BodyError."""
    cdef double number
    cdef int byte = peek(c)
    if byte == b"n" and read_word(c, b"null", 4):
        return BODY_OK
    if byte != b"-" and not (b"0" <= byte <= b"9"):
        return BODY_TYPE if skip_value_of(c) else BODY_JSON
    if not read_number(c, &number):
        return BODY_JSON
    if number > LARGEST or number < -LARGEST:
        return BODY_RANGE
    if floor(number) != number:
        return BODY_TYPE
    value[0] = <int64_t> number
    return BODY_OK


cdef int read_stream_options(Cursor* c, Ask* ask) noexcept nogil:
    cdef Span key
    cdef bint first = True
    cdef int found, error
    if peek(c) != b"{":
        if not skip_value_of(c):
            return BODY_JSON
        return BODY_OK if c.at[-1] == b"l" else BODY_TYPE    # only null ends in an l
    c.at += 1
    while True:
        found = next_member(c, &key, &first)
        if found <= 0:
            return BODY_OK if found == 0 else BODY_JSON
        error = BODY_OK
        if spells(&key, b"include_usage", 13):
            error = read_flag(c, &ask.include_usage)
        elif spells(&key, b"continuous_usage_stats", 22):
            error = read_flag(c, &ask.continuous_usage)
        elif not skip_value_of(c):
            error = BODY_JSON
        if error != BODY_OK:
            return error


cdef int read_parts(Cursor* c, Ask* ask) noexcept nogil:
    """A message's content as a list of parts: the text of each part that has one counts."""
    cdef Span key, text
    cdef bint first = True, first_key
    cdef int found
    c.at += 1
    while True:
        found = next_element(c, &first)
        if found <= 0:
            return BODY_OK if found == 0 else BODY_JSON
        if peek(c) != b"{":
            return BODY_TYPE if skip_value_of(c) else BODY_JSON
        c.at += 1
        first_key = True
        while True:
            found = next_member(c, &key, &first_key)
            if found < 0:
                return BODY_JSON
            if found == 0:
                break
            if spells(&key, b"text", 4) and peek(c) == b'"':
                if not read_string(c, &text):
                    return BODY_JSON
                ask.prompt_tokens += count_words(&text)
            elif not skip_value_of(c):
                return BODY_JSON


cdef int read_content(Cursor* c, Ask* ask) noexcept nogil:
    cdef Span text
    cdef int byte = peek(c)
    if byte == b'"':
        if not read_string(c, &text):
            return BODY_JSON
        ask.prompt_tokens += count_words(&text)
        return BODY_OK
    if byte == b"[":
        return read_parts(c, ask)
    if byte == b"n" and read_word(c, b"null", 4):
        return BODY_OK
    return BODY_TYPE if skip_value_of(c) else BODY_JSON


cdef int read_message(Cursor* c, Ask* ask) noexcept nogil:
    cdef Span key
    cdef bint first = True
    cdef int found, error
    if peek(c) != b"{":
        return BODY_TYPE if skip_value_of(c) else BODY_JSON
    c.at += 1
    while True:
        found = next_member(c, &key, &first)
        if found <= 0:
            return BODY_OK if found == 0 else BODY_JSON
        if spells(&key, b"content", 7):
            error = read_content(c, ask)
            if error != BODY_OK:
                return error
        elif not skip_value_of(c):
            return BODY_JSON


cdef int read_messages(Cursor* c, Ask* ask) noexcept nogil:
    cdef bint first = True
    cdef int found, error
    ask.prompt_tokens = 0
    ask.prompts = 0
    if peek(c) != b"[":
        return BODY_TYPE if skip_value_of(c) else BODY_JSON
    c.at += 1
    while True:
        found = next_element(c, &first)
        if found <= 0:
            return BODY_OK if found == 0 else BODY_JSON
        ask.prompts = 1
        error = read_message(c, ask)
        if error != BODY_OK:
            return error


cdef int read_prompt(Cursor* c, Ask* ask, int depth) noexcept nogil:
    """A text, a list of token ids, or (depth 0) a list of either; each text or id list is one prompt."""
    cdef Span text
    cdef double number
    cdef bint first = True, ids = False
    cdef int found, error
    cdef int byte = peek(c)
    if byte == b'"':
        if not read_string(c, &text):
            return BODY_JSON
        ask.prompt_tokens += count_words(&text)
        ask.prompts += 1
        return BODY_OK
    if byte != b"[" or depth > 1:
        return BODY_TYPE if skip_value_of(c) else BODY_JSON
    c.at += 1
    while True:
        found = next_element(c, &first)
        if found < 0:
            return BODY_JSON
        if found == 0:
            ask.prompts += ids
            return BODY_OK
        byte = peek(c)
        if b"0" <= byte <= b"9":
            if not read_number(c, &number):
                return BODY_JSON
            ask.prompt_tokens += 1
            ids = True
            continue
        error = read_prompt(c, ask, depth + 1)
        if error != BODY_OK:
            return error


cdef int read_field(Cursor* c, const Span* key, bint chat, Ask* ask) noexcept nogil:
    """One member of the body; a wrong one is named in `ask.param`."""
    if spells(key, b"model", 5):
        if peek(c) == b'"':
            return BODY_OK if read_string(c, &ask.model) else BODY_JSON
        return fail(ask, BODY_TYPE if skip_value_of(c) else BODY_JSON, b"model")
    if spells(key, b"stream", 6):
        return fail(ask, read_flag(c, &ask.stream), b"stream")
    if spells(key, b"stream_options", 14):
        return fail(ask, read_stream_options(c, ask), b"stream_options")
    if spells(key, b"max_tokens", 10):
        return fail(ask, read_count(c, &ask.max_tokens), b"max_tokens")
    if chat and spells(key, b"max_completion_tokens", 21):
        return fail(ask, read_count(c, &ask.max_tokens), b"max_completion_tokens")
    if spells(key, b"min_tokens", 10):
        return fail(ask, read_count(c, &ask.min_tokens), b"min_tokens")
    if spells(key, b"n", 1):
        return fail(ask, read_count(c, &ask.choices), b"n")
    if spells(key, b"ignore_eos", 10):
        return fail(ask, read_flag(c, &ask.ignore_eos), b"ignore_eos")
    if spells(key, b"return_token_ids", 16):
        return fail(ask, read_flag(c, &ask.return_token_ids), b"return_token_ids")
    if chat and spells(key, b"messages", 8):
        return fail(ask, read_messages(c, ask), b"messages")
    if not chat and spells(key, b"prompt", 6):
        ask.prompt_tokens = 0
        ask.prompts = 0
        return fail(ask, read_prompt(c, ask, 0), b"prompt")
    return BODY_OK if skip_value_of(c) else BODY_JSON


cdef int check_ranges(Ask* ask, bint chat) noexcept nogil:
    if ask.prompts == 0:
        return fail(ask, BODY_MISSING, b"messages" if chat else b"prompt")
    if ask.max_tokens != -1 and ask.max_tokens < 1:
        return fail(ask, BODY_RANGE, b"max_tokens")
    if ask.choices < 1 or ask.choices * ask.prompts > 4096:
        return fail(ask, BODY_RANGE, b"n")
    if ask.min_tokens < 0 or (ask.max_tokens != -1 and ask.min_tokens > ask.max_tokens):
        return fail(ask, BODY_RANGE, b"min_tokens")
    if ask.prompt_tokens == 0:
        ask.prompt_tokens = 1
    return BODY_OK


cdef int read_body(const char* data, size_t size, bint chat, Ask* ask) noexcept nogil:
    """Fills `ask` from a body; returns a BodyError, for which `ask.param` or `ask.offset` says where."""
    cdef Cursor c
    cdef Span key
    cdef bint first = True
    cdef int found, error, wrong = BODY_OK
    cdef const char* param = NULL
    cdef const char* value
    memset(ask, 0, sizeof(Ask))
    ask.max_tokens = -1
    ask.choices = 1
    c.at = data
    c.end = data + size
    found = 1 if peek(&c) == b"{" else -1
    c.at += found == 1
    while found == 1:
        found = next_member(&c, &key, &first)
        if found != 1:
            break
        value = c.at
        error = read_field(&c, &key, chat, ask)
        if error != BODY_OK and error != BODY_JSON:
            # Broken JSON further on weighs more than a wrong field.
            if wrong == BODY_OK:
                wrong = error
                param = ask.param
            c.at = value
            error = BODY_OK if skip_value_of(&c) else BODY_JSON
        if error == BODY_JSON:
            found = -1
    if found < 0 or peek(&c) >= 0:
        ask.offset = c.at - data
        return fail(ask, BODY_JSON, NULL)
    if wrong != BODY_OK:
        return fail(ask, wrong, param)
    return check_ranges(ask, chat)


def inspect_body(bytes body, bint chat):
    """What the mock understands of a body: its fields, or {"error": kind, "param": name, "offset": byte}."""
    cdef Ask ask
    cdef int error = read_body(body, len(body), chat, &ask)
    if error != BODY_OK:
        kind = ("ok", "json", "type", "missing", "range")[error]
        return {"error": kind, "param": ask.param.decode() if ask.param else None, "offset": ask.offset}
    return {
        "stream": ask.stream, "include_usage": ask.include_usage, "continuous_usage": ask.continuous_usage,
        "return_token_ids": ask.return_token_ids, "ignore_eos": ask.ignore_eos, "max_tokens": ask.max_tokens,
        "min_tokens": ask.min_tokens, "choices": ask.choices, "prompts": ask.prompts,
        "prompt_tokens": ask.prompt_tokens, "model": ask.model.at[:ask.model.size] if ask.model.size else None,
    }
