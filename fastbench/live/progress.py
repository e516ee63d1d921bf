"""How far a phase of load is: the counts of one worker, of several together, and what ended lately."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastbench._core.counts import Hdr
from fastbench.units import NS_PER_S

WINDOW_NS = 5 * NS_PER_S
"""How far back "lately" goes."""
Sparse = list[list[int]]
"""[index, count] of the buckets that are not empty."""


def latency_counts() -> Hdr:
    """An empty histogram of µs in the layout of the latencies of `Recent`: 1 µs to 1 h, 2 digits."""
    return Hdr(1, 3_600_000_000, 2)


class Recent(NamedTuple):
    """Of the last 5 s, or of the last 20 requests where fewer ended in them; two of them can be added."""

    ttft: Sparse
    """µs, of the requests that ended well."""
    itl: Sparse
    """µs, of the same requests."""
    lag: Sparse
    """The client's own, ns, as in the health records."""
    stalls: int
    """Of the client, in the last 5 s."""
    tpot: Sparse
    """µs, of the requests that ended well."""
    late: Sparse
    """How late the client was to send, µs."""
    tokens: int
    """Output tokens of the requests whose number the service told."""
    token_events: int
    """Output events of the same requests."""

    @property
    def tokens_per_event(self) -> float | None:
        """None = the service told no counts of tokens."""
        return self.tokens / self.token_events if self.token_events else None


class Percentiles(NamedTuple):
    """Of so many values."""

    p50: int
    p90: int
    p99: int
    values: int


def latency_percentiles(sparse: Sparse) -> Percentiles | None:
    """Of latencies, in µs; None where nothing was counted."""
    return _percentiles(latency_counts(), sparse)


def lag_percentiles(sparse: Sparse) -> Percentiles | None:
    """In ns; None where nothing was counted."""
    return _percentiles(Hdr(), sparse)


def _percentiles(counts: Hdr, sparse: Sparse) -> Percentiles | None:
    counts.add_sparse(sparse)
    if not counts.total:
        return None
    p50, p90, p99 = (counts.value_at_percentile(share) for share in (50, 90, 99))
    return Percentiles(p50, p90, p99, counts.total)


NOTHING = Recent([], [], [], 0, [], [], 0, 0)


def merge_recent(parts: Iterable[Recent]) -> Recent:
    """What several workers saw, as if one had."""
    seen = list(parts)
    return Recent(
        ttft=_summed(latency_counts(), (part.ttft for part in seen)),
        itl=_summed(latency_counts(), (part.itl for part in seen)),
        lag=_summed(Hdr(), (part.lag for part in seen)),
        stalls=sum(part.stalls for part in seen),
        tpot=_summed(latency_counts(), (part.tpot for part in seen)),
        late=_summed(latency_counts(), (part.late for part in seen)),
        tokens=sum(part.tokens for part in seen),
        token_events=sum(part.token_events for part in seen),
    )


def _summed(total: Hdr, parts: Iterable[Sparse]) -> Sparse:
    for part in parts:
        total.add_sparse(part)
    return total.sparse()


class Seen(NamedTuple):
    """What `--until` is about, of the successful requests so far, in stretches of time of one length.

    block_ns: the length, a power of two of `FIRST_BLOCK_NS`, from the start of the load on. keys: (n,), rising: of a
    block and a bin, `block << BIN_BITS | bin`; counts: (n,), requests. took_ns: their E2EL added up.
    """

    block_ns: int
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    took_ns: int

    @classmethod
    def of(cls, after_ns: NDArray[np.int64], values_us: NDArray[np.float64], took_ns: int) -> Self:
        """after_ns, values_us: (requests,), when each was sent since the start, and what it had."""
        length, last = FIRST_BLOCK_NS, int(after_ns.max(initial=0))
        while last >= MOST_BLOCKS * length:
            length *= 2
        bins = np.rint(BINS_PER_E * np.log(np.maximum(values_us, 1.0))).astype(np.int64)
        keys, counts = np.unique((np.maximum(after_ns, 0) // length << BIN_BITS) | bins, return_counts=True)
        return cls(length, keys, counts.astype(np.int64), took_ns)

    def in_blocks_of(self, length_ns: int) -> Self:
        """In stretches of that length, a multiple of this one's."""
        blocks = (self.keys >> BIN_BITS) * self.block_ns // length_ns
        keys, inverse = np.unique(blocks << BIN_BITS | (self.keys & BIN_MASK), return_inverse=True)
        return self._replace(
            block_ns=length_ns, keys=keys, counts=np.bincount(inverse, self.counts, keys.size).astype(np.int64)
        )


FIRST_BLOCK_NS = NS_PER_S // 4
MOST_BLOCKS = 96
BIN_BITS, BIN_MASK = 20, (1 << 20) - 1
BINS_PER_E = 400
"""Bins of a quarter of a per cent."""


def merge_seen(parts: Iterable[Seen | None]) -> Seen | None:
    """What several workers saw, as if one had; None = nothing was looked at."""
    seen = [part for part in parts if part is not None]
    if len(seen) < 2:
        return seen[0] if seen else None
    length = max(part.block_ns for part in seen)
    seen = [part.in_blocks_of(length) for part in seen]
    keys, inverse = np.unique(np.concatenate([part.keys for part in seen]), return_inverse=True)
    counts = np.bincount(inverse, np.concatenate([part.counts for part in seen]), keys.size)
    return Seen(length, keys, counts.astype(np.int64), sum(part.took_ns for part in seen))


class Progress(NamedTuple):
    """One phase of load at one moment: of one worker, or of several together."""

    phase: str
    """"warm-up" or "measure"."""
    planned: int | None
    """Requests; None = as many as the time allows."""
    duration_ns: int | None
    """How long requests begin; None = until all have begun."""
    sent: int
    in_flight: int
    ok: int
    failed: int
    output_events: int
    elapsed_ns: int
    stopping: int
    """How often the user asked to stop."""
    failures: dict[str, int]
    """The failed ones by outcome."""
    recent: Recent = NOTHING
    ended: bool = False
    """Whether the phase is over."""
    pid: int = 0
    """The process that sends."""
    not_sent: int = 0
    """Dropped: the limit in flight was reached."""
    is_open: bool = False
    """Whether requests go out by a plan, however many are in flight."""
    asked: int | None = None
    """Requests of an open loop whose time has come; None = not known beforehand."""
    sending_ns: int | None = None
    """When the last one is due, since the phase's start; None = not known beforehand."""
    url: str = ""
    """Where requests go."""
    load: str = ""
    """In words."""
    judged: int = 0
    """Requests that the first SLO has judged so far, failed ones among them; 0 = there is none."""
    good: int = 0
    """Of them those that keep it."""
    seen: Seen | None = None
    """What `--until` is about; None = it was not given."""
    answering: int = 0
    """Of those in flight, those of whose output some has come."""


Observer = Callable[[Progress], None]


def merge_progress(parts: Sequence[Progress]) -> Progress:
    """The progress of a task that several workers share, from the last word of each; at least one.

    The phase is that of the worker that is least far; what others did in a further one counts when all are in it.
    """
    phase = "warm-up" if any(part.phase == "warm-up" for part in parts) else parts[0].phase
    parts = [part for part in parts if part.phase == phase]
    failures: Counter[str] = Counter()
    for part in parts:
        failures.update(part.failures)
    return Progress(
        phase=phase,
        planned=_sum_or_none([part.planned for part in parts]),
        duration_ns=parts[0].duration_ns,
        sent=sum(part.sent for part in parts),
        in_flight=sum(part.in_flight for part in parts),
        ok=sum(part.ok for part in parts),
        failed=sum(part.failed for part in parts),
        output_events=sum(part.output_events for part in parts),
        elapsed_ns=max(part.elapsed_ns for part in parts),
        stopping=max(part.stopping for part in parts),
        failures=dict(failures),
        recent=merge_recent(part.recent for part in parts),
        ended=all(part.ended for part in parts),
        pid=parts[0].pid,
        not_sent=sum(part.not_sent for part in parts),
        is_open=parts[0].is_open,
        asked=_sum_or_none([part.asked for part in parts]),
        sending_ns=max((part.sending_ns for part in parts if part.sending_ns is not None), default=None),
        url=parts[0].url,
        load=parts[0].load,
        judged=sum(part.judged for part in parts),
        good=sum(part.good for part in parts),
        seen=merge_seen(part.seen for part in parts),
        answering=sum(part.answering for part in parts),
    )


def _sum_or_none(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
