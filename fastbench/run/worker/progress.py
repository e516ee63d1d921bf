"""Progress of a run for the live view: its counters, and what ended lately, counted before it is recorded."""

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench._core.counts import Hdr
from fastbench.client import Batch, BatchSink, Engine
from fastbench.live import NOTHING, WINDOW_NS, Progress, Recent, Sparse, latency_counts
from fastbench.recording import ESCAPE, FLAGS, GAP_STEP, OUTCOMES, ROW_DTYPE
from fastbench.units import NS_PER_S, NS_PER_US

LEAST = 20
"""Older requests are kept until so many newer ones have ended."""
STEP_NS = NS_PER_S // 2
"""How often what has ended is counted."""
MOST_GAPS = 200_000
"""Of one step, so that counting never takes more than a millisecond or two; batches beyond them are left out."""

_OK = OUTCOMES.index("ok")
_SUPERSEDED = FLAGS["superseded"]
_STREAM = FLAGS["stream"]


class _Step(NamedTuple):
    """The requests that ended in one step."""

    at_ns: int
    requests: int
    ttft: Hdr
    tpot: Hdr
    itl: Hdr
    late: Hdr
    tokens: int
    token_events: int


class RecentLog:
    """Takes batches and health records; sums up the last seconds."""

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """clock: ns, rising."""
        self._clock = clock
        self._waiting: list[Batch] = []
        self._waiting_gaps = 0
        self._steps: deque[_Step] = deque()
        self._health: deque[tuple[int, Sparse, int]] = deque()
        self._last = NOTHING
        self._told_at = clock()

    def tap(self, sink: BatchSink) -> BatchSink:
        """A sink that keeps each batch until it is counted, and passes it on to `sink`."""

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
            self._last = self._summary()
            self._told_at = now
        return self._last

    def _count(self, now: int) -> None:
        if not self._waiting:
            return
        batches, self._waiting, self._waiting_gaps = self._waiting, [], 0
        # All at once, because batches may be many and small; as bytes, because numpy takes 25 us to append rows.
        rows = np.frombuffer(b"".join([batch.rows.tobytes() for batch in batches]), ROW_DTYPE)
        counts = np.maximum(rows["events"].astype(np.int64) - 1, 0)
        gaps = np.concatenate([batch.gaps for batch in batches])
        escapes = np.concatenate([batch.escapes for batch in batches])
        final = (rows["flags"] & _SUPERSEDED) == 0
        good = (rows["outcome"] == _OK) & final
        if not good.all():
            gaps = gaps[np.repeat(good, counts)]
            escapes = escapes[np.repeat(good, rows["escapes"])]
        told = good & (rows["output_tokens"] > 0) & (rows["events"] > 0)
        tokens, events = (int(rows[name][told].sum()) for name in ("output_tokens", "events"))
        ttft, tpot, itl, late = (latency_counts() for _ in range(4))
        step = _Step(now, len(rows), ttft, tpot, itl, late, tokens, events)
        ttft_us = (rows["first_token_ns"] - rows["sent_ns"]) // NS_PER_US
        step.ttft.record_values(ttft_us[good & ((rows["flags"] & _STREAM) != 0)])
        step.tpot.record_values(_tpot_us(rows)[good & (rows["events"] > 1)])
        step.late.record_values(_late_us(rows)[final & (rows["sent_ns"] > 0) & (rows["intended_ns"] > 0)])
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

    def _summary(self) -> Recent:
        ttft, tpot, itl, late = (latency_counts() for _ in range(4))
        lag = Hdr()
        for step in self._steps:
            ttft.add(step.ttft)
            tpot.add(step.tpot)
            itl.add(step.itl)
            late.add(step.late)
        for _, sparse, _ in self._health:
            lag.add_sparse(sparse)
        return Recent(
            ttft=ttft.sparse(),
            itl=itl.sparse(),
            lag=lag.sparse(),
            stalls=sum(stalls for *_, stalls in self._health),
            tpot=tpot.sparse(),
            late=late.sparse(),
            tokens=sum(step.tokens for step in self._steps),
            token_events=sum(step.token_events for step in self._steps),
        )


def _tpot_us(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Of requests of several output events; events count where the service told no tokens."""
    tokens = np.where(rows["output_tokens"] > 1, rows["output_tokens"], rows["events"]).astype(np.int64)
    took_us = (rows["last_token_ns"] - rows["first_token_ns"]) // NS_PER_US
    return np.asarray(took_us // np.maximum(tokens - 1, 1), np.int64)


def _late_us(rows: NDArray[Any]) -> NDArray[np.int64]:
    """From when a request was due until the client set about sending it; that the service let it wait is not its."""
    tried = np.where(rows["tried_ns"] > 0, rows["tried_ns"], rows["sent_ns"] - rows["connect_ns"])
    return np.asarray(np.maximum(tried - rows["intended_ns"], 0) // NS_PER_US, np.int64)


def progress_of(
    engine: Engine,
    phase: str,
    planned: int | None,
    duration_ns: int | None,
    stopping: int,
    recent: Recent = NOTHING,
    *,
    ended: bool = False,
    is_open: bool = False,
) -> Progress:
    """The engine's counters as progress."""
    now = engine.snapshot()
    ok = now["outcomes"]["ok"]
    # Unsent requests do not count for the rate.
    outcomes = Counter(now["outcomes"]) - Counter(cancelled=now["unsent"])
    failures = {name: count for name, count in outcomes.items() if name not in ("ok", "dropped")}
    return Progress(
        phase=phase,
        planned=planned,
        duration_ns=duration_ns,
        sent=now["sent"],
        in_flight=now["in_flight"],
        ok=ok,
        failed=sum(failures.values()),
        output_events=now["output_events"],
        elapsed_ns=max(0, time.monotonic_ns() - engine.start_ns) if engine.start_ns else 0,
        stopping=stopping,
        failures=failures,
        recent=recent,
        ended=ended,
        pid=os.getpid(),
        not_sent=outcomes["dropped"],
        is_open=is_open,
        answering=now["answering"],
    )
