# cython: language_level=3
"""How late the reactor itself was.

The kernel merges segments that wait in a socket and keeps only the last one's stamp. So where the reactor was
late, the earlier events of a read may have arrived before that stamp; how long before is bounded here.
"""

from libc.stdint cimport int64_t

from fastbench._core.shared cimport shared_add, shared_put

HEARTBEAT_MS = 2
"""The longest the reactor sleeps; a longer iteration is not sleep."""

# Longer than the heartbeat by more than a wake-up takes on a busy machine.
cdef int64_t STALL_NS = 2_000_000 + 1_500_000
# A poll that returns sooner did not sleep: something was ready already, since an unknown moment.
cdef int64_t SLEPT_NS = 20_000
# What a poll takes to gather one event, at most.
cdef int64_t HARVEST_NS = 500
# A read noticed later than this after its stamp waited for the reactor, not for a wake-up.
cdef int64_t PROMPT_NS = 200_000


cdef void lateness_begin(Lateness* lateness, int64_t now_ns) noexcept nogil:
    lateness.returned_ns = lateness.drained_ns = lateness.drained_before = now_ns


cdef void lateness_note(
    Lateness* lateness, int64_t entered_ns, int64_t returned_ns, int events, bint all_ready
) noexcept nogil:
    """A poll, entered and returned then, that gave `events`; all_ready: that was everything, not a part."""
    cdef int64_t iteration = returned_ns - lateness.returned_ns
    cdef bint stalled = iteration > STALL_NS
    cdef Stall* kept
    shared_add(&lateness.count, 1)
    # A poll that gave nothing may have been stopped before its clock was read: the next one finds what came then.
    lateness.late = stalled or lateness.unsure or returned_ns - entered_ns < SLEPT_NS + events * HARVEST_NS
    lateness.unsure = stalled or not all_ready
    lateness.drained_before = lateness.drained_ns
    if stalled:
        kept = &lateness.kept[lateness.stalls % STALLS_KEPT]
        shared_put(&kept.start_ns, lateness.returned_ns)
        shared_put(&kept.duration_ns, iteration)
        shared_put(&lateness.stalls, lateness.stalls + 1)
        if iteration > lateness.longest_ns:
            shared_put(&lateness.longest_ns, iteration)
    lateness.returned_ns = returned_ns
    if all_ready:
        # Not when it returned: the process may have been stopped between the kernel's look and our clock.
        lateness.drained_ns = entered_ns


cdef int64_t lateness_of_read(
    const Lateness* lateness, int64_t stamp_ns, int64_t noticed_ns, int64_t last_read_ns
) noexcept nogil:
    """How long before its stamp a part of this read may have arrived; 0 when the reactor was not late.

    Whatever was there when a poll gave all that was ready, or when this socket was last read, was read then.
    """
    cdef int64_t since
    # A read long after its poll may hold what came meanwhile, even where its last segment came just now.
    if not lateness.late and noticed_ns - stamp_ns <= PROMPT_NS and noticed_ns - lateness.returned_ns <= PROMPT_NS:
        return 0
    since = lateness.drained_before if lateness.drained_before > last_read_ns else last_read_ns
    return stamp_ns - since if stamp_ns > since else 1
