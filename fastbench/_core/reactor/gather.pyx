# cython: language_level=3
"""How long the reactor lets arrive what arrives, before it looks again.

The kernel stamps each arrival, so that a late look costs no exactness while no two events of a stream share a read; and
one wake-up for many reads costs less than one for each. So after a look that found something it lets reads gather,
where nothing is due: for so short a time, beside the gaps of the streams that it has just seen, that what shares a read
all the same is no more than one in a thousand and cannot be seen in a result; and beside the length of the requests,
that the next send of a closed loop is not late by what counts. It does not where that saves nothing, where the kernel
gives no stamps, or where reads are shared.
"""

from libc.stdint cimport int64_t
from libc.string cimport memset


cdef extern from *:
    """
    static int fb_gather_log2(unsigned long long n) { return 63 - __builtin_clzll(n); }
    """
    int fb_gather_log2(unsigned long long n) noexcept nogil

cdef enum:
    # The verdict speaks of uncertainty above 1 % of the median gap, and of slots that stand empty for 1 % of the time.
    MEDIAN_GAPS = 128
    LENGTHS = 500
    SHARED_ONE_IN = 1000
    WORTH_READS = 2
    LEAST_NS = 10_000
    MOST_NS = 400_000


cdef void gather_begin(Gather* gather, int64_t now_ns) noexcept nogil:
    memset(gather, 0, sizeof(Gather))
    gather.most_ns = MOST_NS
    gather.looked_ns = now_ns


cdef void gather_note_read(Gather* gather, int64_t gap_ns, bint stamped) noexcept nogil:
    """A read, so long after the one before of its stream."""
    cdef int64_t gap = max(gap_ns, BUCKETS_A_DOUBLING)
    cdef int doubling = fb_gather_log2(<unsigned long long> gap)
    gather.gaps[BUCKETS_A_DOUBLING * doubling + ((gap >> (doubling - 2)) & (BUCKETS_A_DOUBLING - 1))] += 1
    gather.reads += 1
    if not stamped:
        gather.unstamped += 1
        gather.ns = 0


cdef void gather_note_shared(Gather* gather) noexcept nogil:
    """The read that was noted last held several output events."""
    gather.shared += 1
    if shares(gather):
        gather.ns = 0


cdef bint shares(const Gather* gather) noexcept nogil:
    return gather.shared * SHARED_ONE_IN > gather.reads


cdef int64_t gap_of_one_in(const Gather* gather, int64_t reads) noexcept nogil:
    """The gap, rounded down, that one in so many reads falls short of."""
    cdef int bucket = 0
    cdef int64_t below = gather.gaps[0]
    while below * reads < gather.reads:
        bucket += 1
        below += gather.gaps[bucket]
    return (<int64_t> (BUCKETS_A_DOUBLING + bucket % BUCKETS_A_DOUBLING) << (bucket // BUCKETS_A_DOUBLING)) >> 2


cdef void gather_look(Gather* gather, int64_t in_flight, int64_t now_ns) noexcept nogil:
    """Now and then: what was seen since the last look says how long to gather from now on."""
    cdef int64_t passed_ns = now_ns - gather.looked_ns
    cdef int64_t wanted = 0
    if shares(gather):
        gather.most_ns = max(gather.most_ns // 4, 1)
    else:
        gather.most_ns = min(gather.most_ns + gather.most_ns // 8 + 1, MOST_NS)
    if gather.reads and not gather.unstamped:
        wanted = min(gather.most_ns, gap_of_one_in(gather, 2) // MEDIAN_GAPS, gap_of_one_in(gather, SHARED_ONE_IN))
        if gather.ended:
            # By Little's law, the mean length of a request.
            wanted = min(wanted, in_flight * passed_ns // gather.ended // LENGTHS)
    gather.ns = wanted if wanted >= LEAST_NS and wanted * gather.reads >= WORTH_READS * passed_ns else 0
    gather.looked_ns = now_ns
    gather.reads = gather.shared = gather.unstamped = gather.ended = 0
    memset(gather.gaps, 0, sizeof(gather.gaps))


cdef class Gathering:
    """The same by itself, for tests: what was seen since the last look, and what follows."""

    cdef Gather gather

    def __cinit__(self):
        gather_begin(&self.gather, 0)

    @property
    def ns(self):
        """How long reads gather now."""
        return self.gather.ns

    def read(self, int64_t gap_ns, *, int64_t times=1, bint stamped=True, bint shared=False):
        """So many reads, each so long after the one before of its stream; shared: of several output events."""
        for _ in range(times):
            gather_note_read(&self.gather, gap_ns, stamped)
            if shared:
                gather_note_shared(&self.gather)

    def look(self, int64_t passed_ns, *, int64_t in_flight=1, int64_t ended=0):
        """After so long, in which so many requests ended, with so many in flight: how long reads gather from now on."""
        self.gather.ended = ended
        gather_look(&self.gather, in_flight, self.gather.looked_ns + passed_ns)
        return self.gather.ns
