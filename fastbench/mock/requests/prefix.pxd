from libc.stdint cimport uint64_t
from libc.stddef cimport size_t

from fastbench.mock.types cimport Ask, PrefixCache


cdef bint open_cache(PrefixCache* cache, size_t blocks) noexcept nogil
cdef void forget(PrefixCache* cache) noexcept nogil
cdef void close_cache(PrefixCache* cache) noexcept nogil
cdef void begin_prompt(Ask* ask) noexcept nogil
cdef void begin_token(Ask* ask) noexcept nogil
cdef void end_prompt(Ask* ask) noexcept nogil


cdef inline void add_to_chain(Ask* ask, uint64_t value) noexcept nogil:
    """What the prompt goes on with (FNV-1a)."""
    ask.chain = (ask.chain ^ value) * <uint64_t> 0x100000001B3
