# cython: language_level=3
"""A prefix cache: blocks of 16 tokens, each known by the hash of all that a prompt has up to its end. No clock inside.

A prompt finds the blocks at its start that are there, up to the first that is not, and leaves all of its own. The block
with a prompt's last token is never found: a service has to compute that. A full cache forgets all.
"""

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from fastbench.mock.types cimport Ask, PrefixCache, mix

cdef enum:
    BLOCK = 16


cdef bint open_cache(PrefixCache* cache, size_t blocks) noexcept nogil:
    """Makes room for so many blocks, 0 = there is no cache; False when memory is out."""
    cdef size_t slots = 2
    memset(cache, 0, sizeof(PrefixCache))
    if blocks == 0:
        return True
    while slots < 2 * blocks:
        slots *= 2
    cache.slots = <uint64_t*> calloc(slots, sizeof(uint64_t))
    cache.mask = slots - 1
    cache.blocks = blocks
    return cache.slots != NULL


cdef void forget(PrefixCache* cache) noexcept nogil:
    """Empties it."""
    cache.count = 0
    if cache.slots != NULL:
        memset(cache.slots, 0, (cache.mask + 1) * sizeof(uint64_t))


cdef void close_cache(PrefixCache* cache) noexcept nogil:
    """Gives its memory back."""
    free(cache.slots)
    cache.slots = NULL


cdef bint take(PrefixCache* cache, uint64_t block) noexcept nogil:
    """Whether the block was there; it is from now on. block: not 0."""
    cdef size_t at = <size_t> block & cache.mask
    while cache.slots[at]:          # at most half of the slots are used
        if cache.slots[at] == block:
            return True
        at = (at + 1) & cache.mask
    if cache.count == cache.blocks:
        forget(cache)
        at = <size_t> block & cache.mask
    cache.slots[at] = block
    cache.count += 1
    return False


cdef void end_block(Ask* ask) noexcept nogil:
    if not take(ask.prefixes, mix(ask.chain) | 1):
        ask.on_prefix = False
    elif ask.on_prefix:
        ask.found += BLOCK


cdef void begin_prompt(Ask* ask) noexcept nogil:
    """Another prompt of the request."""
    ask.chain = <uint64_t> 0xCBF29CE484222325
    ask.on_prefix = True
    ask.found = 0
    ask.in_prompt = 0


cdef void begin_token(Ask* ask) noexcept nogil:
    """The next token of the prompt; the chain holds what is before it."""
    if ask.in_prompt and ask.in_prompt % BLOCK == 0:
        end_block(ask)
    ask.chain = mix(ask.chain)
    ask.in_prompt += 1


cdef void end_prompt(Ask* ask) noexcept nogil:
    """The prompt is whole."""
    ask.cached_tokens += ask.found
    if ask.in_prompt and ask.in_prompt % BLOCK == 0:
        end_block(ask)
