"""How long a request waits before its next attempt."""
from libc.stdint cimport int64_t, uint64_t

cdef enum:
    MOST_DOUBLINGS = 6


cdef inline int64_t backoff_ns(int64_t first_ns, int64_t request, int retries) noexcept nogil:
    """Twice as long each time, at most 64 times the first one; a quarter more or less, by the request's number.

    So requests that failed together do not come back together, and a run is the same each time.
    retries: how many there were before.
    """
    cdef uint64_t mixed = <uint64_t> request * 0x9E3779B97F4A7C15ULL + <uint64_t> retries
    cdef int64_t mean = first_ns << (retries if retries < MOST_DOUBLINGS else MOST_DOUBLINGS)
    # splitmix64. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL
    mixed ^= mixed >> 31
    return mean - mean // 4 + <int64_t> (mixed % <uint64_t> (mean // 2 + 1))
