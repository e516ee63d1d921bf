# cython: language_level=3
"""Bytes of a reply: growable buffers, HTTP chunks, and templates whose slots are filled without the GIL.

A template is a list of literal bytes and slot names, made in Python from a JSON text (see `styles`). For the
events of which a stream has thousands it is bound to the stream first: what is constant for the stream becomes literal.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memmove, memset

from fastbench.mock.types cimport DIALECT_COUNT, Buffer, Piece, Stream, Template, has_parameters

from fastbench.mock.styles import DIALECTS

cdef enum Slot:
    SLOT_LITERAL
    SLOT_ID
    SLOT_CREATED
    SLOT_INDEX
    SLOT_TEXT
    SLOT_REASONING
    SLOT_IDS
    SLOT_PROMPT_IDS
    SLOT_FINISH
    SLOT_PROMPT
    SLOT_COMPLETION
    SLOT_TOTAL
    SLOT_REASONED
    SLOT_WHOLE
    SLOT_TOKEN
    SLOT_POSITION
    SLOT_CACHED

# In the order of Slot and of Kind: the names that templates use.
SLOTS = (
    "literal", "id", "created", "index", "text", "reasoning", "ids", "prompt_ids", "finish", "prompt", "completion",
    "total", "reasoned", "whole", "token", "position", "cached",
)
KINDS = (
    "role", "text", "reasoning", "text_last", "reasoning_last", "finish", "usage", "error", "done", "body_open",
    "body_choice", "body_close",
)

cdef enum:
    NUMBER_ROOM = 24        # digits of any int64, and of the other short slots
    ID_ROOM = 8             # one token id and its comma
    FIRST_ID = 1000         # token ids are this and the following, one for each word


cdef bint reserve(Buffer* out, size_t more) noexcept nogil:
    """Makes room for `more` bytes; False when memory is out."""
    cdef size_t capacity
    cdef char* data
    if out.size + more <= out.capacity:
        return True
    capacity = max(out.capacity * 2, out.size + more, <size_t> 512)
    data = <char*> realloc(out.data, capacity)
    if data == NULL:
        return False
    out.data = data
    out.capacity = capacity
    return True


cdef bint append(Buffer* out, const char* text, size_t size) noexcept nogil:
    if size == 0:
        return True     # `text` may be NULL then
    if not reserve(out, size):
        return False
    memcpy(out.data + out.size, text, size)
    out.size += size
    return True


cdef void drop(Buffer* out, size_t size) noexcept nogil:
    """Takes `size` bytes off the front; an emptied buffer gives its memory back."""
    if size == out.size:
        release(out)
        return
    memmove(out.data, out.data + size, out.size - size)
    out.size -= size


cdef void release(Buffer* out) noexcept nogil:
    free(out.data)
    memset(out, 0, sizeof(Buffer))


cdef char* put_number(char* at, int64_t value) noexcept nogil:
    """Writes a number that is not negative; returns where it ends."""
    cdef char digits[NUMBER_ROOM]
    cdef int n = 0
    while True:
        digits[n] = <char> (c"0" + value % 10)
        n += 1
        value //= 10
        if value == 0:
            break
    while n:
        n -= 1
        at[0] = digits[n]
        at += 1
    return at


cdef size_t open_chunk(Buffer* out, bint chunked) noexcept nogil:
    """Leaves room for a chunk size of two digits; returns where the chunk starts."""
    cdef size_t start = out.size
    if chunked and reserve(out, 4):
        out.size += 4
    return start


cdef bint close_chunk(Buffer* out, size_t start, bint chunked, bint upper) noexcept nogil:
    """Writes the chunk's size before its data (moved when the size has not two digits) and CRLF after it."""
    cdef const char* digits = b"0123456789ABCDEF" if upper else b"0123456789abcdef"
    cdef size_t size, left
    cdef size_t width = 1
    if not chunked:
        return True
    size = out.size - start - 4
    while size >> (4 * width):
        width += 1
    if not reserve(out, width + 2):
        return False
    if width != 2:
        memmove(out.data + start + width + 2, out.data + start + 4, size)
    left = width
    while left:
        left -= 1
        out.data[start + left] = digits[(size >> (4 * (width - 1 - left))) & 15]
    memcpy(out.data + start + width, b"\r\n", 2)
    memcpy(out.data + start + width + 2 + size, b"\r\n", 2)
    out.size = start + width + 4 + size
    return True


cdef inline char* put(char* at, const char* text, size_t size) noexcept nogil:
    memcpy(at, text, size)
    return at + size


cdef inline uint32_t word_of(Wire wire, const Stream* s, int32_t choice, int32_t token) noexcept nogil:
    return <uint32_t> (s.seed + <uint64_t> choice * 31 + <uint64_t> token) & (wire.word_count - 1)


cdef class Wire:
    """Templates and words. templates: {(dialect, kind, with usage): pieces}; words: JSON-escaped token texts."""

    def __cinit__(self, dict templates, list words):
        if not words or len(words) & (len(words) - 1):
            raise ValueError("the number of words must be a power of two")
        self.kept = (templates, words)
        self.word_count = len(words)
        self.words = <const char**> malloc(len(words) * sizeof(char*))
        self.word_sizes = <uint32_t*> malloc(len(words) * sizeof(uint32_t))
        if self.words == NULL or self.word_sizes == NULL:
            raise MemoryError
        for i, word in enumerate(words):
            self.words[i] = <bytes> word
            self.word_sizes[i] = len(word)
            self.longest_word = max(self.longest_word, <uint32_t> len(word))
        for (dialect, kind, usage), pieces in templates.items():
            self.compile(&self.templates[<int> DIALECTS.index(dialect)][<int> KINDS.index(kind)][<int> usage], pieces)

    cdef int compile(self, Template* t, list pieces) except -1:
        t.pieces = <Piece*> calloc(len(pieces), sizeof(Piece))
        if t.pieces == NULL:
            raise MemoryError
        t.count = len(pieces)
        for i, piece in enumerate(pieces):
            if isinstance(piece, bytes):
                t.pieces[i].text = <bytes> piece
                t.pieces[i].size = len(piece)
                t.literal_size += len(piece)
            else:
                t.pieces[i].slot = SLOTS.index(piece)
                t.whole = t.whole or t.pieces[i].slot == SLOT_WHOLE
        return 0

    def __dealloc__(self):
        cdef int dialect, kind, usage
        free(self.words)
        free(self.word_sizes)
        for dialect in range(<int> DIALECT_COUNT):
            for kind in range(<int> KIND_COUNT):
                for usage in range(2):
                    free(self.templates[dialect][kind][usage].pieces)

    cdef char* put_words(self, char* at, const Stream* s, int32_t choice, int32_t first, int32_t last) noexcept nogil:
        cdef uint32_t word
        cdef int32_t token
        for token in range(first, last):
            word = word_of(self, s, choice, token)
            at = put(at, self.words[word], self.word_sizes[word])
        return at

    cdef char* put_ids(self, char* at, const Stream* s, const Fill* fill) noexcept nogil:
        cdef int32_t token
        at = put(at, b"[", 1)
        for token in range(fill.first, fill.last):
            if token > fill.first:
                at = put(at, b",", 1)
            at = put_number(at, FIRST_ID + word_of(self, s, fill.choice, token))
        return put(at, b"]", 1)

    cdef char* put_slot(self, char* at, int slot, const Stream* s, const Fill* fill) noexcept nogil:
        """Writes one slot; `emit` has made the room."""
        if slot == SLOT_TEXT:
            return self.put_words(at, s, fill.choice, max(fill.first, fill.reasoning), fill.last)
        if slot == SLOT_REASONING:
            return self.put_words(at, s, fill.choice, fill.first, min(fill.last, fill.reasoning))
        if slot == SLOT_INDEX:
            return put_number(at, fill.choice)
        if slot == SLOT_IDS:
            return self.put_ids(at, s, fill) if s.with_ids else put(at, b"null", 4)
        if slot == SLOT_PROMPT_IDS:
            return put_prompt_ids(at, s, fill)
        if slot == SLOT_ID:
            return put(at, s.id, sizeof(s.id))
        if slot == SLOT_CREATED:
            return put_number(at, s.created)
        if slot == SLOT_FINISH:
            if not fill.finishes:
                return put(at, b"null", 4)
            if s.lengths[fill.choice] == s.limit:
                return put(at, b'"length"', 8)
            return put(at, b'"eos_token"', 11) if has_parameters(s.dialect) else put(at, b'"stop"', 6)
        if slot == SLOT_PROMPT:
            return put_number(at, s.prompt_tokens)
        if slot == SLOT_COMPLETION:
            return put_number(at, fill.completion_tokens)
        if slot == SLOT_TOTAL:
            return put_number(at, s.prompt_tokens + fill.completion_tokens)
        if slot == SLOT_REASONED:
            return put_number(at, fill.reasoning_tokens)
        if slot == SLOT_WHOLE:
            return self.put_words(at, s, fill.choice, 0, fill.last)
        if slot == SLOT_TOKEN:
            return put_number(at, FIRST_ID + word_of(self, s, fill.choice, fill.first))
        if slot == SLOT_CACHED:
            return put_number(at, s.cached_tokens)
        return put_number(at, fill.last)  # SLOT_POSITION

    cdef bint emit(self, Buffer* out, const Template* t, const Stream* s, const Fill* fill) noexcept nogil:
        """Appends the template with its slots filled; False when memory is out."""
        cdef size_t tokens = fill.last - fill.first
        cdef size_t room = t.literal_size + t.count * NUMBER_ROOM + tokens * 2 * self.longest_word
        cdef const Piece* piece = t.pieces
        cdef const Piece* end = piece + t.count
        cdef char* at
        if t.whole:
            room += <size_t> fill.last * self.longest_word
        if s.with_ids:
            room += (tokens + s.prompt_tokens) * ID_ROOM
        if not reserve(out, room):
            return False
        at = out.data + out.size
        while piece < end:
            if piece.slot == SLOT_LITERAL:
                at = put(at, piece.text, piece.size)
            else:
                at = self.put_slot(at, piece.slot, s, fill)
            piece += 1
        out.size = at - out.data
        return True

    cdef bint bind(self, Template* out, const Template* t, const Stream* s) noexcept nogil:
        """Makes `out` the template with this stream's constants merged; free(out.pieces) frees it. False: no memory."""
        cdef size_t pieces_size = t.count * sizeof(Piece)
        cdef char* at
        cdef Piece* piece
        cdef Fill fill
        cdef int i
        memset(&fill, 0, sizeof(fill))
        out.pieces = <Piece*> malloc(pieces_size + t.literal_size + t.count * NUMBER_ROOM)
        out.count = 0
        if out.pieces == NULL:
            return False
        at = <char*> out.pieces + pieces_size
        piece = NULL
        for i in range(t.count):
            if not is_constant(t.pieces[i].slot, s):
                out.pieces[out.count].slot = t.pieces[i].slot
                out.count += 1
                piece = NULL
                continue
            if piece == NULL:
                piece = out.pieces + out.count
                piece.slot = SLOT_LITERAL
                piece.text = at
                out.count += 1
            if t.pieces[i].slot == SLOT_LITERAL:
                at = put(at, t.pieces[i].text, t.pieces[i].size)
            else:
                at = self.put_slot(at, t.pieces[i].slot, s, &fill)
            piece.size = at - piece.text
        out.literal_size = at - <char*> out.pieces - pieces_size
        return True


cdef bint is_constant(int slot, const Stream* s) noexcept nogil:
    """Whether a slot of an ordinary output event has one value for the whole stream."""
    if slot == SLOT_INDEX:
        return s.choices == 1
    if slot == SLOT_IDS or slot == SLOT_PROMPT_IDS:
        return not s.with_ids
    return slot == SLOT_LITERAL or slot == SLOT_ID or slot == SLOT_CREATED or slot == SLOT_PROMPT


cdef char* put_prompt_ids(char* at, const Stream* s, const Fill* fill) noexcept nogil:
    """The prompt's token ids, made up, in a stream's first event; elsewhere null."""
    cdef int64_t k
    if not s.with_ids or fill.first:
        return put(at, b"null", 4)
    at = put(at, b"[", 1)
    for k in range(s.prompt_tokens):
        if k:
            at = put(at, b",", 1)
        at = put_number(at, FIRST_ID + (k & 4095))
    return put(at, b"]", 1)
