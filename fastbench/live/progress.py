"""How far a phase of load is: the counts of one worker, of several together, and what ended lately."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

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
    )


def _sum_or_none(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
