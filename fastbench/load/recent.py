"""What ended lately, counted on the way to the recording: for whoever looks on while a run goes on."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from fastbench._core.hdr import Hdr
from fastbench.client.engine import Batch, BatchSink
from fastbench.recording.format import ESCAPE, FLAGS, GAP_STEP, OUTCOMES, ROW_DTYPE
from fastbench.units import NS_PER_S, NS_PER_US

WINDOW_NS = 5 * NS_PER_S
LEAST = 20
"""Older requests are kept until so many newer ones have ended."""
STEP_NS = NS_PER_S // 2
"""How often what has ended is counted."""
MOST_GAPS = 200_000
"""Of one step, so that counting never takes more than a millisecond or two; batches beyond them are left out."""

_OK = OUTCOMES.index("ok")
_SUPERSEDED = FLAGS["superseded"]
_STREAM = FLAGS["stream"]

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


def added(parts: Iterable[Recent]) -> Recent:
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


class _Step(NamedTuple):
    """What ended in one step."""

    at_ns: int
    requests: int
    ttft: Hdr
    itl: Hdr


class RecentLog:
    """Takes batches and health records; tells what they say of the last seconds."""

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """clock: ns, rising."""
        self._clock = clock
        self._waiting: list[Batch] = []
        self._waiting_gaps = 0
        self._steps: deque[_Step] = deque()
        self._health: deque[tuple[int, Sparse, int]] = deque()
        self._told = NOTHING
        self._told_at = clock()

    def on_the_way_to(self, sink: BatchSink) -> BatchSink:
        """A sink that keeps each batch until it is counted, and hands it on."""

        def keep(batch: Batch) -> None:
            if self._waiting_gaps < MOST_GAPS:
                self._waiting.append(batch)
                self._waiting_gaps += len(batch.gaps)
            sink(batch)

        return keep

    def health(self, record: Mapping[str, Any]) -> None:
        """Takes a health record."""
        self._health.append((self._clock(), record["lag"], len(record["stalls"])))

    def recent(self, *, at_once: bool = False) -> Recent:
        """The last seconds as they were counted half a second ago at most. at_once: as they are now."""
        now = self._clock()
        if at_once or now - self._told_at >= STEP_NS:
            self._count(now)
            self._forget(now - WINDOW_NS)
            self._told = self._tell()
            self._told_at = now
        return self._told

    def _count(self, now: int) -> None:
        if not self._waiting:
            return
        batches, self._waiting, self._waiting_gaps = self._waiting, [], 0
        # All at once, because batches may be many and small; as bytes, because numpy takes 25 us to append rows.
        rows = np.frombuffer(b"".join([batch.rows.tobytes() for batch in batches]), ROW_DTYPE)
        counts = np.maximum(rows["events"].astype(np.int64) - 1, 0)
        gaps = np.concatenate([batch.gaps for batch in batches])
        escapes = np.concatenate([batch.escapes for batch in batches])
        good = (rows["outcome"] == _OK) & ((rows["flags"] & _SUPERSEDED) == 0)
        if not good.all():
            gaps = gaps[np.repeat(good, counts)]
            escapes = escapes[np.repeat(good, rows["escapes"])]
        step = _Step(now, len(rows), latency_counts(), latency_counts())
        ttft_us = (rows["first_token_ns"] - rows["sent_ns"]) // NS_PER_US
        step.ttft.record_values(ttft_us[good & ((rows["flags"] & _STREAM) != 0)])
        bases = np.repeat(rows["gap_base"][good].astype(np.int64) * GAP_STEP, counts[good])
        stored = np.flatnonzero(gaps != ESCAPE)[:MOST_GAPS]
        step.itl.record_values(gaps[stored] + bases[stored])
        step.itl.record_values(escapes)
        self._steps.append(step)

    def _forget(self, before_ns: int) -> None:
        kept = sum(step.requests for step in self._steps)
        while self._steps and self._steps[0].at_ns < before_ns and kept - self._steps[0].requests >= LEAST:
            kept -= self._steps.popleft().requests
        while self._health and self._health[0][0] < before_ns:
            self._health.popleft()

    def _tell(self) -> Recent:
        ttft, itl, lag = latency_counts(), latency_counts(), Hdr()
        for step in self._steps:
            ttft.add(step.ttft)
            itl.add(step.itl)
        for _, sparse, _ in self._health:
            lag.add_sparse(sparse)
        return Recent(ttft.sparse(), itl.sparse(), lag.sparse(), sum(stalls for *_, stalls in self._health))
