# cython: language_level=3
"""Reads of a request body what the mock needs, without the GIL: one walk, unknown fields are skipped as JSON.

A request counts at least one prompt token.
"""

from libc.math cimport floor
from libc.stdint cimport int64_t
from libc.string cimport memset, strlen

from fastbench.mock.requests.json cimport (
    Cursor, next_member, peek, read_number, read_string, read_word, skip_member, spells,
)
from fastbench.mock.requests.prompt cimport read_messages, read_prompt, read_text
from fastbench.mock.types cimport (
    BODY_JSON, BODY_MISSING, BODY_OK, BODY_RANGE, BODY_TYPE, DIALECT_CHAT, DIALECT_COMPLETIONS, DIALECT_MINDIE,
    DIALECT_TRITON, Ask, PrefixCache, Span, has_parameters,
)

from fastbench.mock.styles import DIALECTS

cdef double LARGEST = 2147483647.0


cdef int fail(Ask* ask, int error, const char* param) noexcept nogil:
    ask.param = param
    return error


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
    return BODY_TYPE if skip_member(c) else BODY_JSON


cdef int read_count(Cursor* c, int64_t* value) noexcept nogil:
    """A whole number within int32, or null (which leaves the value); returns a BodyError."""
    cdef double number
    cdef int byte = peek(c)
    if byte == b"n" and read_word(c, b"null", 4):
        return BODY_OK
    if byte != b"-" and not (b"0" <= byte <= b"9"):
        return BODY_TYPE if skip_member(c) else BODY_JSON
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
        if not skip_member(c):
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
        elif not skip_member(c):
            error = BODY_JSON
        if error != BODY_OK:
            return error


cdef int read_parameter(Cursor* c, const Span* key, Ask* ask) noexcept nogil:
    """One member of `parameters`; a wrong one is named in `ask.param`."""
    if spells(key, b"max_new_tokens", 14):
        return fail(ask, read_count(c, &ask.max_tokens), b"max_new_tokens")
    if spells(key, b"min_new_tokens", 14):
        return fail(ask, read_count(c, &ask.min_tokens), b"min_new_tokens")
    if spells(key, b"ignore_eos", 10):
        return fail(ask, read_flag(c, &ask.ignore_eos), b"ignore_eos")
    if spells(key, b"details", 7):
        return fail(ask, read_flag(c, &ask.details), b"details")
    return BODY_OK if skip_member(c) else BODY_JSON


cdef int read_parameters(Cursor* c, Ask* ask) noexcept nogil:
    cdef Span key
    cdef bint first = True
    cdef int found, error
    if peek(c) != b"{":
        return fail(ask, BODY_TYPE if skip_member(c) else BODY_JSON, b"parameters")
    c.at += 1
    while True:
        found = next_member(c, &key, &first)
        if found <= 0:
            return BODY_OK if found == 0 else BODY_JSON
        error = read_parameter(c, &key, ask)
        if error != BODY_OK:
            return error


cdef int read_generate_field(Cursor* c, const Span* key, int dialect, Ask* ask) noexcept nogil:
    """As `read_field`, of a body with `parameters`."""
    cdef const char* prompt = prompt_of(dialect)
    if spells(key, prompt, strlen(prompt)):
        return fail(ask, read_text(c, ask), prompt)
    if spells(key, b"parameters", 10):
        return read_parameters(c, ask)
    if dialect == DIALECT_MINDIE and spells(key, b"stream", 6):
        return fail(ask, read_flag(c, &ask.stream), b"stream")
    return BODY_OK if skip_member(c) else BODY_JSON


cdef const char* prompt_of(int dialect) noexcept nogil:
    """The name of the field that holds the prompt."""
    if dialect == DIALECT_CHAT:
        return b"messages"
    if dialect == DIALECT_COMPLETIONS:
        return b"prompt"
    return b"text_input" if dialect == DIALECT_TRITON else b"inputs"


cdef const char* length_of(int dialect) noexcept nogil:
    """The name of the field that limits the output."""
    return b"max_new_tokens" if has_parameters(dialect) else b"max_tokens"


cdef int read_field(Cursor* c, const Span* key, int dialect, Ask* ask) noexcept nogil:
    """One member of the body; a wrong one is named in `ask.param`."""
    cdef bint chat = dialect == DIALECT_CHAT
    if has_parameters(dialect):
        return read_generate_field(c, key, dialect, ask)
    if spells(key, b"model", 5):
        if peek(c) == b'"':
            return BODY_OK if read_string(c, &ask.model) else BODY_JSON
        return fail(ask, BODY_TYPE if skip_member(c) else BODY_JSON, b"model")
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
        ask.prompt_tokens = ask.cached_tokens = 0
        ask.prompts = 0
        return fail(ask, read_prompt(c, ask, 0), b"prompt")
    return BODY_OK if skip_member(c) else BODY_JSON


cdef int check_ranges(Ask* ask, int dialect) noexcept nogil:
    if ask.prompts == 0:
        return fail(ask, BODY_MISSING, prompt_of(dialect))
    if ask.max_tokens != -1 and ask.max_tokens < 1:
        return fail(ask, BODY_RANGE, length_of(dialect))
    if ask.choices < 1 or ask.choices * ask.prompts > 4096:
        return fail(ask, BODY_RANGE, b"n")
    if ask.min_tokens < 0 or (ask.max_tokens != -1 and ask.min_tokens > ask.max_tokens):
        return fail(ask, BODY_RANGE, b"min_tokens")
    if ask.prompt_tokens == 0:
        ask.prompt_tokens = 1
    return BODY_OK


cdef int read_body(const char* data, size_t size, int dialect, Ask* ask, PrefixCache* prefixes) noexcept nogil:
    """Fills `ask` from a body; returns a BodyError, for which `ask.param` or `ask.offset` says where. prefixes: NULL =
    there is no prefix cache."""
    cdef Cursor c
    cdef Span key
    cdef bint first = True
    cdef int found, error, wrong = BODY_OK
    cdef const char* param = NULL
    cdef const char* value
    memset(ask, 0, sizeof(Ask))
    ask.max_tokens = -1
    ask.choices = 1
    ask.prefixes = prefixes
    c.at = data
    c.end = data + size
    found = 1 if peek(&c) == b"{" else -1
    c.at += found == 1
    while found == 1:
        found = next_member(&c, &key, &first)
        if found != 1:
            break
        value = c.at
        error = read_field(&c, &key, dialect, ask)
        if error != BODY_OK and error != BODY_JSON:
            # Broken JSON further on weighs more than a wrong field.
            if wrong == BODY_OK:
                wrong = error
                param = ask.param
            c.at = value
            error = BODY_OK if skip_member(&c) else BODY_JSON
        if error == BODY_JSON:
            found = -1
    if found < 0 or peek(&c) >= 0:
        ask.offset = c.at - data
        return fail(ask, BODY_JSON, NULL)
    if wrong != BODY_OK:
        return fail(ask, wrong, param)
    return check_ranges(ask, dialect)


def inspect_body(bytes body, str dialect):
    """What the mock understands of a body: its fields, or {"error": kind, "param": name, "offset": byte}."""
    cdef Ask ask
    cdef int error = read_body(body, len(body), DIALECTS.index(dialect), &ask, NULL)
    if error != BODY_OK:
        kind = ("ok", "json", "type", "missing", "range")[error]
        return {"error": kind, "param": ask.param.decode() if ask.param else None, "offset": ask.offset}
    return {
        "stream": ask.stream, "include_usage": ask.include_usage, "continuous_usage": ask.continuous_usage,
        "return_token_ids": ask.return_token_ids, "ignore_eos": ask.ignore_eos, "details": ask.details,
        "max_tokens": ask.max_tokens, "min_tokens": ask.min_tokens, "choices": ask.choices, "prompts": ask.prompts,
        "prompt_tokens": ask.prompt_tokens, "model": ask.model.at[:ask.model.size] if ask.model.size else None,
    }
