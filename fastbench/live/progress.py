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
    """An empty histogram of µs in the layout of `Recent.ttft` and `Recent.itl`: 1 µs to 1 h, 2 digits."""
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


class Percentiles(NamedTuple):
    """Of so many values."""

    p50: int
    p99: int
    values: int


def latency_percentiles(sparse: Sparse) -> Percentiles | None:
    """Of TTFT or ITL, in µs; None where nothing was counted."""
    return _percentiles(latency_counts(), sparse)


def lag_percentiles(sparse: Sparse) -> Percentiles | None:
    """In ns; None where nothing was counted."""
    return _percentiles(Hdr(), sparse)


def _percentiles(counts: Hdr, sparse: Sparse) -> Percentiles | None:
    counts.add_sparse(sparse)
    if not counts.total:
        return None
    return Percentiles(counts.value_at_percentile(50), counts.value_at_percentile(99), counts.total)


NOTHING = Recent([], [], [], 0)


def merge_recent(parts: Iterable[Recent]) -> Recent:
    """What several workers saw, as if one had."""
    seen = list(parts)
    lag = Hdr()
    for part in seen:
        lag.add_sparse(part.lag)
    return Recent(
        _summed(part.ttft for part in seen),
        _summed(part.itl for part in seen),
        lag.sparse(),
        sum(part.stalls for part in seen),
    )


def _summed(parts: Iterable[Sparse]) -> Sparse:
    total = latency_counts()
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
    )


def _sum_or_none(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
