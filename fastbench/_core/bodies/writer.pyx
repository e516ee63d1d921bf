# cython: language_level=3
"""Requests that differ in their prompt, their length and their number alone, written many at once.

A request is a row of parts: constant bytes, and slots. A prompt is a row of pieces, words or token ids, chosen by their
numbers.
"""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

import numpy as np

from fastbench._core.arrays cimport int64s, memory_of

cdef enum PartKind:
    PART_CONSTANT
    PART_PROMPT
    PART_LENGTH
    PART_ID
    PART_BODY_SIZE

cdef struct Part:
    PartKind kind
    const char* at         # of a constant
    int64_t size

# A piece of so many bytes at most is copied as so many.
cdef enum:
    SHORT = 8

# The room for what a slot may hold, digits of 64 bits; an id's prefix apart.
cdef enum:
    MOST_DIGITS = 20
    ID_DIGITS = 11

_KINDS = {"PROMPT": PART_PROMPT, "LENGTH": PART_LENGTH, "REQUEST_ID": PART_ID, "BODY_SIZE": PART_BODY_SIZE}


cdef int digits_of(int64_t value) noexcept nogil:
    cdef int digits = 1
    while value >= 10:
        value //= 10
        digits += 1
    return digits


cdef char* put_number(char* at, int64_t value, int digits) noexcept nogil:
    """Writes so many digits of a number, with zeros before it; the place behind them."""
    cdef int k
    for k in range(digits - 1, -1, -1):
        at[k] = <char> (c'0' + value % 10)
        value //= 10
    return at + digits


cdef inline char* put_bytes(char* at, const char* data, size_t size) noexcept nogil:
    memcpy(at, data, size)
    return at + size


cdef class Pieces:
    """See `writer.pyi`."""
    cdef bytes text            # all of them, each with the separator behind it
    cdef object edges          # (n + 1,) int64: where each begins
    cdef const char* at
    cdef const int64_t* begins
    cdef readonly Py_ssize_t count

    def __cinit__(self, texts, bytes separator):
        if len(separator) != 1:
            raise ValueError("a separator is one byte")
        # So that eight bytes can be read from any place.
        self.text = b"".join([text + separator for text in texts]) + bytes(SHORT)
        self.edges = np.concatenate(([0], np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)))
        self.at = self.text
        self.begins = <const int64_t*> memory_of(self.edges)
        self.count = len(texts)

    def __len__(self):
        return self.count

    cdef int check(self, const int64_t* numbers, int64_t count) except -1:
        cdef int64_t k
        for k in range(count):
            if not 0 <= numbers[k] < self.count:
                raise IndexError(f"there is no piece {numbers[k]} of {self.count}")
        return 0

    cdef int64_t size(self, const int64_t* numbers, int64_t count) noexcept nogil:
        """Bytes of some of them, with separators between them."""
        cdef int64_t k, size = 0
        for k in range(count):
            size += self.begins[numbers[k] + 1] - self.begins[numbers[k]]
        return size - 1 if count else 0

    cdef char* put(self, char* at, const int64_t* numbers, int64_t count) noexcept nogil:
        """Writes some of them; the place behind the last one, where up to `SHORT` bytes more may be written."""
        cdef int64_t k, begin, size
        for k in range(count):
            begin = self.begins[numbers[k]]
            size = self.begins[numbers[k] + 1] - begin
            if size <= SHORT:
                memcpy(at, self.at + begin, SHORT)
            else:
                memcpy(at, self.at + begin, <size_t> size)
            at += size
        return at - 1 if count else at

    def join(self, numbers):
        cdef const int64_t* chosen = int64s(numbers)
        cdef int64_t count = numbers.size, size
        self.check(chosen, count)
        size = self.size(chosen, count)
        joined = PyBytes_FromStringAndSize(NULL, size + SHORT)
        self.put(PyBytes_AsString(joined), chosen, count)
        return joined[:size]


cdef class BodyWriter:
    """See `writer.pyi`."""
    cdef object kept           # the constants' owners
    cdef Part* parts
    cdef Py_ssize_t part_count
    cdef Py_ssize_t head_count
    cdef Pieces pieces

    def __cinit__(self, head, body, Pieces pieces):
        self.kept = [*head, *body]
        self.head_count, self.part_count = len(head), len(self.kept)
        self.pieces = pieces
        self.parts = <Part*> malloc(max(1, self.part_count) * sizeof(Part))
        if self.parts == NULL:
            raise MemoryError()
        for at, part in enumerate(self.kept):
            if isinstance(part, bytes):
                self.parts[at].kind = PART_CONSTANT
                self.parts[at].at = <bytes> part
                self.parts[at].size = len(part)
            else:
                self.parts[at].kind = _KINDS[part.name]

    def __dealloc__(self):
        free(self.parts)

    def write(self, numbers, counts, lengths, bytes id_prefix, ids):
        cdef const int64_t* of_row = int64s(numbers)
        cdef const int64_t* count = int64s(counts)
        cdef const int64_t* length = int64s(lengths)
        cdef const int64_t* number = int64s(ids)
        cdef Py_ssize_t rows = counts.size, row
        cdef int64_t room = 0, needed = 0
        cdef const char* prefix = id_prefix
        cdef int64_t prefix_size = len(id_prefix)
        cdef char* start
        cdef char* at
        cdef int64_t* end
        if lengths.size != rows or ids.size != rows:
            raise ValueError("each request has a count of pieces, a length and a number")
        for row in range(rows):
            if count[row] < 0 or length[row] < 0 or number[row] < 0:
                raise ValueError("a count, a length or a number is below 0")
            needed += count[row]
        if needed != numbers.size:
            raise ValueError("the counts are not those of the numbers")
        self.pieces.check(of_row, needed)
        # As much as they can have, and not as much as they have: that is seen while they are written.
        room = rows * self.most_beside_prompts(prefix_size)
        room += self.times_prompted() * (self.pieces.size(of_row, needed) + rows) + SHORT
        text = PyBytes_FromStringAndSize(NULL, room)
        ends = np.empty(rows, np.int64)
        end = <int64_t*> memory_of(ends)
        start = at = PyBytes_AsString(text)
        with nogil:
            for row in range(rows):
                at = self.put_request(at, of_row, count[row], length[row], prefix, prefix_size, number[row])
                of_row += count[row]
                end[row] = at - start
        return text, ends

    cdef int64_t most_beside_prompts(self, int64_t prefix_size) noexcept nogil:
        """Bytes of a request beside its prompt, at the most."""
        cdef int64_t size = 0
        cdef Py_ssize_t k
        for k in range(self.part_count):
            if self.parts[k].kind == PART_CONSTANT:
                size += self.parts[k].size
            elif self.parts[k].kind != PART_PROMPT:
                size += MOST_DIGITS + prefix_size
        return size

    cdef int64_t times_prompted(self) noexcept nogil:
        cdef int64_t times = 0
        cdef Py_ssize_t k
        for k in range(self.part_count):
            times += self.parts[k].kind == PART_PROMPT
        return times

    cdef char* put_request(
        self, char* at, const int64_t* numbers, int64_t count, int64_t length, const char* prefix, int64_t prefix_size,
        int64_t number
    ) noexcept nogil:
        """Writes one request; the place behind it."""
        cdef int id_digits = max(ID_DIGITS, digits_of(number))
        cdef int length_digits = digits_of(length)
        cdef int64_t body_size = 0
        cdef Part* part
        cdef Py_ssize_t k
        for k in range(self.head_count, self.part_count):
            part = &self.parts[k]
            if part.kind == PART_CONSTANT:
                body_size += part.size
            elif part.kind == PART_PROMPT:
                body_size += self.pieces.size(numbers, count)
            elif part.kind == PART_LENGTH:
                body_size += length_digits
            else:
                body_size += prefix_size + id_digits
        for k in range(self.part_count):
            part = &self.parts[k]
            if part.kind == PART_CONSTANT:
                at = put_bytes(at, part.at, <size_t> part.size)
            elif part.kind == PART_PROMPT:
                at = self.pieces.put(at, numbers, count)
            elif part.kind == PART_LENGTH:
                at = put_number(at, length, length_digits)
            elif part.kind == PART_BODY_SIZE:
                at = put_number(at, body_size, digits_of(body_size))
            else:
                at = put_number(put_bytes(at, prefix, <size_t> prefix_size), number, id_digits)
        return at
