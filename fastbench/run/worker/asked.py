"""What the config asks of requests while they run: who keeps the first SLO, and the values that `--until` is about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastbench.client import Batch, BatchSink
from fastbench.config import Task
from fastbench.live import Progress, Seen
from fastbench.recording import FLAGS, OUTCOMES, ROW_DTYPE
from fastbench.registry import METRICS
from fastbench.slo import parse_until
from fastbench.units import NS_PER_S, NS_PER_US

if TYPE_CHECKING:
    from fastbench.run.worker.visits import Judging

_OK = OUTCOMES.index("ok")
_METRICS = {"ttft": "TTFT", "tpot": "TPOT", "e2el": "E2EL", "response": "Response Time"}
"""What `--until` may be about, by the registry's names."""
_EVERY_NS = NS_PER_S

Rows = NDArray[Any]


class AskedLog:
    """Takes batches; says how the requests that have ended stand."""

    def __init__(
        self, task: Task, judging: Judging | None = None, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """judging: says of rows alone, without their gaps, whether they keep the first SLO, by bit 0; None = nobody is
        asked. clock: ns, rising."""
        self._judging = judging
        self._until = parse_until(task.until).metric if task.until else ""
        self._clock = clock
        self._waiting: list[Batch] = []
        self._judged, self._good, self._took_ns = 0, 0, 0
        self._sent: list[NDArray[np.int64]] = []
        self._values: list[NDArray[np.float64]] = []
        self._seen: Seen | None = None
        self._told_at = clock()

    def tap(self, sink: BatchSink) -> BatchSink:
        """A sink that keeps each batch until it is looked at, and passes it on to `sink`."""
        if self._judging is None and not self._until:
            return sink

        def keep(batch: Batch) -> None:
            self._waiting.append(batch)
            sink(batch)

        return keep

    def told(self, now: Progress, start_ns: int) -> Progress:
        """The progress with how requests stand. start_ns: of the load."""
        moment = self._clock()
        if moment - self._told_at >= _EVERY_NS or now.ended:
            self._told_at = moment
            self._look(start_ns)
        return now._replace(judged=self._judged, good=self._good, seen=self._seen)

    def _look(self, start_ns: int) -> None:
        if not self._waiting:
            return
        batches, self._waiting = self._waiting, []
        rows = np.frombuffer(b"".join([batch.rows.tobytes() for batch in batches]), ROW_DTYPE)
        rows = rows[(rows["flags"] & FLAGS["superseded"]) == 0]
        if self._judging is not None:
            kept = self._judging(rows, np.empty(0, np.uint16), np.empty(0, np.int64))
            self._judged += rows.size
            self._good += int(np.count_nonzero(kept & np.uint32(1)))
        if self._until:
            ok = rows[rows["outcome"] == _OK]
            values, known = _values(ok, self._until)
            self._sent.append(ok["sent_ns"][known])
            self._values.append(values[known] / NS_PER_US)
            self._took_ns += int((ok["end_ns"] - ok["sent_ns"])[known].sum())
            sent = np.concatenate(self._sent)
            self._sent, self._values = [sent], [np.concatenate(self._values)]
            self._seen = Seen.of(sent - start_ns, self._values[0], self._took_ns)


def _values(rows: Rows, metric: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(rows,) each: the values of successful requests, ns, and which have one."""
    found = METRICS.get(_METRICS[metric]).values_of(rows)
    return found.values.astype(np.float64), found.known
