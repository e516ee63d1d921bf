# cython: language_level=3
"""Reads the prompt of a request body and counts its tokens, without the GIL.

Each word (a run without white space) counts one token, and one more for each further 12 characters started; a list
of token ids counts its length.
"""

from libc.stdint cimport int64_t, uint64_t

from fastbench.mock.requests.json cimport (
    Cursor, next_element, next_member, peek, read_number, read_string, read_word, skip_member, spells,
)
from fastbench.mock.requests.prefix cimport add_to_chain, begin_prompt, begin_token, end_prompt
from fastbench.mock.types cimport BODY_JSON, BODY_OK, BODY_TYPE, Ask, Span

cdef enum:
    WORD_CHARACTERS = 12


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


cdef void read_words(const Span* text, Ask* ask) noexcept nogil:
    """Counts the tokens of a text by the module's rule; where there is a prefix cache, looks for them there."""
    cdef bint chained = ask.prefixes != NULL
    cdef int i
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
        if space:
            room = 0
        elif size > 1 or at[0] & 0xC0 != 0x80:      # not a further byte of the same character
            if room == 0:
                ask.prompt_tokens += 1
                room = WORD_CHARACTERS
                if chained:
                    begin_token(ask)
            room -= 1
        if chained and not space:
            for i in range(size):
                add_to_chain(ask, <unsigned char> at[i])
        at += size


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
            return BODY_TYPE if skip_member(c) else BODY_JSON
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
                read_words(&text, ask)
            elif not skip_member(c):
                return BODY_JSON


cdef int read_content(Cursor* c, Ask* ask) noexcept nogil:
    cdef Span text
    cdef int byte = peek(c)
    if byte == b'"':
        if not read_string(c, &text):
            return BODY_JSON
        read_words(&text, ask)
        return BODY_OK
    if byte == b"[":
        return read_parts(c, ask)
    if byte == b"n" and read_word(c, b"null", 4):
        return BODY_OK
    return BODY_TYPE if skip_member(c) else BODY_JSON


cdef int read_message(Cursor* c, Ask* ask) noexcept nogil:
    cdef Span key
    cdef bint first = True
    cdef int found, error
    if peek(c) != b"{":
        return BODY_TYPE if skip_member(c) else BODY_JSON
    c.at += 1
    while True:
        found = next_member(c, &key, &first)
        if found <= 0:
            return BODY_OK if found == 0 else BODY_JSON
        if spells(&key, b"content", 7):
            error = read_content(c, ask)
            if error != BODY_OK:
                return error
        elif not skip_member(c):
            return BODY_JSON


cdef int read_messages(Cursor* c, Ask* ask) noexcept nogil:
    cdef bint first = True
    cdef int found, error
    ask.prompt_tokens = ask.cached_tokens = 0
    ask.prompts = 0
    begin_prompt(ask)
    if peek(c) != b"[":
        return BODY_TYPE if skip_member(c) else BODY_JSON
    c.at += 1
    while True:
        found = next_element(c, &first)
        if found <= 0:
            if found == 0 and ask.prefixes != NULL:
                end_prompt(ask)
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
        begin_prompt(ask)
        read_words(&text, ask)
        if ask.prefixes != NULL:
            end_prompt(ask)
        ask.prompts += 1
        return BODY_OK
    if byte != b"[" or depth > 1:
        return BODY_TYPE if skip_member(c) else BODY_JSON
    c.at += 1
    while True:
        found = next_element(c, &first)
        if found < 0:
            return BODY_JSON
        if found == 0:
            ask.prompts += ids
            if ids and ask.prefixes != NULL:
                end_prompt(ask)
            return BODY_OK
        byte = peek(c)
        if b"0" <= byte <= b"9":
            if not read_number(c, &number):
                return BODY_JSON
            ask.prompt_tokens += 1
            if not ids:
                begin_prompt(ask)
            if ask.prefixes != NULL:
                begin_token(ask)
                add_to_chain(ask, <uint64_t> <int64_t> number)
            ids = True
            continue
        error = read_prompt(c, ask, depth + 1)
        if error != BODY_OK:
            return error


cdef int read_text(Cursor* c, Ask* ask) noexcept nogil:
    """The one text of a body with `parameters`."""
    cdef Span text
    if peek(c) != b'"':
        return BODY_TYPE if skip_member(c) else BODY_JSON
    if not read_string(c, &text):
        return BODY_JSON
    ask.prompts = 1
    ask.prompt_tokens = ask.cached_tokens = 0
    begin_prompt(ask)
    read_words(&text, ask)
    if ask.prefixes != NULL:
        end_prompt(ask)
    return BODY_OK
