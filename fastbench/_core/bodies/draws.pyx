# cython: language_level=3
"""Random numbers by place: Philox 4x64-10 (Salmon et al. 2011), as numpy's generator of that name has them."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

import numpy as np

from fastbench._core.arrays cimport int64s, memory_of

cdef extern from *:
    """
    #include <stdint.h>

    /* Four numbers of the sequence `index`: those from 4 * block on. */
    static void fb_draws_philox(const uint64_t key[2], uint64_t index, uint64_t block, uint64_t out[4]) {
        uint64_t k0 = key[0], k1 = key[1], x0 = block + 1, x1 = 0, x2 = index, x3 = 0;
        for (int round = 0; round < 10; round++) {
            const unsigned __int128 a = (unsigned __int128) 0xD2E7470EE14C6C93ULL * x0;
            const unsigned __int128 b = (unsigned __int128) 0xCA5A826395121157ULL * x2;
            x0 = (uint64_t) (b >> 64) ^ x1 ^ k0;
            x1 = (uint64_t) b;
            x2 = (uint64_t) (a >> 64) ^ x3 ^ k1;
            x3 = (uint64_t) a;
            k0 += 0x9E3779B97F4A7C15ULL;
            k1 += 0xBB67AE8584CAA73BULL;
        }
        out[0] = x0; out[1] = x1; out[2] = x2; out[3] = x3;
    }
    """
    void fb_draws_philox(const uint64_t* key, uint64_t index, uint64_t block, uint64_t* out) noexcept nogil

cdef double STEP = 2.0 ** -53


cdef struct Sequence:
    uint64_t key[2]
    uint64_t index
    uint64_t taken         # numbers of it
    uint64_t block[4]      # those among which the next one is, if not all of them are taken


cdef uint64_t next_number(Sequence* sequence) noexcept nogil:
    cdef uint64_t at = sequence.taken & 3
    if at == 0:
        fb_draws_philox(sequence.key, sequence.index, sequence.taken >> 2, sequence.block)
    sequence.taken += 1
    return sequence.block[at]


cdef void begin(Sequence* sequence, uint64_t index, uint64_t skip) noexcept nogil:
    """To the start of a sequence, and past `skip` numbers."""
    cdef uint64_t _k
    sequence.index = index
    sequence.taken = 0
    for _k in range(skip):
        next_number(sequence)


cdef void fill(Sequence* sequence, uint64_t low, uint64_t values, int64_t* at, int64_t count) noexcept nogil:
    """`count` of low … low + values - 1, two of each number."""
    cdef uint64_t drawn = 0
    cdef int64_t k
    for k in range(count):
        drawn = next_number(sequence) if k % 2 == 0 else drawn >> 32
        at[k] = <int64_t> (low + (<uint64_t> <uint32_t> drawn * values >> 32))


cdef class Draws:
    """See `draws.pyi`."""
    cdef Sequence sequence

    def __cinit__(self, uint64_t seed, uint64_t stream, uint64_t index=0):
        self.sequence.key[0] = seed
        self.sequence.key[1] = stream
        begin(&self.sequence, index, 0)

    def at(self, uint64_t index):
        begin(&self.sequence, index, 0)
        return self

    def integers(self, int64_t low, int64_t high, Py_ssize_t count):
        drawn = np.empty(count, np.int64)
        fill(&self.sequence, low, high - low + 1, <int64_t*> memory_of(drawn), count)
        return drawn

    def integer(self, int64_t low, int64_t high):
        cdef int64_t drawn
        fill(&self.sequence, low, high - low + 1, &drawn, 1)
        return drawn

    def unit(self):
        return (<double> (next_number(&self.sequence) >> 11) + 0.5) * STEP

    def rows(self, indices, skips, int64_t high, counts):
        cdef const int64_t* index = int64s(indices)
        cdef const int64_t* skip = int64s(skips)
        cdef const int64_t* count = int64s(counts)
        cdef Py_ssize_t size = counts.size, row, at = 0, needed = 0
        cdef int64_t* numbers
        if indices.size != size or skips.size != size:
            raise ValueError("each row has an index, numbers to skip and a count")
        for row in range(size):
            if count[row] < 0 or skip[row] < 0:
                raise ValueError("a count is below 0")
            needed += count[row]
        drawn = np.empty(needed, np.int64)
        numbers = <int64_t*> memory_of(drawn)
        with nogil:
            for row in range(size):
                begin(&self.sequence, index[row], skip[row])
                fill(&self.sequence, 0, high + 1, numbers + at, count[row])
                at += count[row]
        return drawn
