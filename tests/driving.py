"""Runs a reactor against a service, and looks at what it delivered."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from typing import Any, Self

import numpy as np
from replies import DONE, Result, delta, stream

from fastbench._core.reactor import Reactor
from fastbench._core.ring import FLAGS, OUTCOMES, Batch
from fastbench._core.wire import OutputSpec
from fastbench.client.tls import TlsSettings, TlsSide
from fastbench.dialects.apis.openai import CHAT_RULES
from fastbench.plan.shapes.slots import at_once

TIMEOUT_S = 30.0
MS = 1_000_000
S = 1_000_000_000
OK = stream(delta("a"), delta("b"), delta("c", "stop"), DONE)
"""A good reply of three output events."""


def post(number: int, size: int = 0) -> bytes:
    """A request that names its number; its body has `size` bytes more."""
    body = b'{"request":%d}' % number + b" " * size
    return b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


def number_of(request: bytes) -> int:
    """The number that `post` wrote."""
    return int(request.rpartition(b'"request":')[2].partition(b"}")[0])


def has(result: Result, flag: str) -> bool:
    return bool(result.row["flags"] & FLAGS[flag])


def split(batch: Batch) -> Iterator[Result]:
    """Each row of a batch as a batch of its own."""
    gaps = escapes = tokens = marks = 0
    for index, row in enumerate(batch.rows):
        more_gaps = max(0, int(row["events"]) - 1)
        more_tokens = int(row["events"]) if row["flags"] & FLAGS["event_tokens"] else 0
        yield Result(
            Batch(
                batch.rows[index : index + 1],
                batch.gaps[gaps : gaps + more_gaps],
                batch.escapes[escapes : escapes + int(row["escapes"])],
                batch.event_tokens[tokens : tokens + more_tokens],
                batch.marks[marks : marks + int(row["marks"])],
                [(0, kind, text) for at, kind, text in batch.notes if at == index],
            )
        )
        gaps += more_gaps
        escapes += int(row["escapes"])
        tokens += more_tokens
        marks += int(row["marks"])


class Ended:
    """What a run left. final: the one result of each request, in the order in which they ended."""

    def __init__(self, batches: list[Batch], snapshot: dict[str, Any]) -> None:
        results = [result for batch in batches for result in split(batch)]
        self.superseded = [result for result in results if has(result, "superseded")]
        self.final = [result for result in results if not has(result, "superseded")]
        self.snapshot = snapshot
        self.outcomes = Counter(result.outcome for result in self.final)

    def __getitem__(self, request: int) -> Result:
        (found,) = [result for result in self.final if result.row["request"] == request]
        return found

    def column(self, name: str) -> np.ndarray:
        """A field of all final rows, by request."""
        rows = np.array([result.row for result in self.final])
        return rows[name][np.argsort(rows["request"])]

    def check_accounts(self, planned: int) -> None:
        """Each request has exactly one final outcome, and the counters say the same."""
        assert sorted(int(result.row["request"]) for result in self.final) == list(range(planned))
        counted = {name: count for name, count in self.snapshot["outcomes"].items() if count}
        assert counted == dict(self.outcomes)
        assert set(counted) <= set(OUTCOMES[1:])
        assert self.snapshot["in_flight"] == 0
        assert self.snapshot["retries"] == len(self.superseded)


def shape_of(*, limit: int = 1, closed_loop: bool = True, **shape: Any) -> dict[str, Any]:
    """A reactor's shape: one slot of a closed loop, unless told otherwise."""
    openings = at_once(limit).openings if closed_loop else None
    return {"limit": limit, "openings": openings, "spare": 0, "request_timeout_ns": 20 * S, **shape}


class Driver:
    """A reactor in its thread, a context manager. shape: what differs from a lone client's `Reactor`."""

    def __init__(
        self,
        address: tuple[int, str, int],
        *,
        tls: TlsSettings | None = None,
        connect_timeout_ns: int = 10 * S,
        **shape: Any,
    ) -> None:
        self.reactor = Reactor(OutputSpec(CHAT_RULES), **shape_of(**shape))
        self.reactor.connect_to(*address, timeout_ns=connect_timeout_ns, tls=tls is not None)
        self._tls = TlsSide(self.reactor, tls) if tls is not None else None
        self._thread = threading.Thread(target=self.reactor.run, daemon=True)
        self.batches: list[Batch] = []
        self.submitted = 0
        self.start_ns = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.reactor.abort(abandon=True)
        self.pump(lambda: self.reactor.ended)
        self._thread.join(TIMEOUT_S)

    @property
    def thread_id(self) -> int:
        """The system's number of the reactor's thread."""
        assert self._thread.native_id is not None
        return self._thread.native_id

    def submit(self, count: int = 1, *, size: int = 0, every_ns: int = 0, **fields: Any) -> None:
        """The next `count` requests; in an open loop one each `every_ns`."""
        for request in range(self.submitted, self.submitted + count):
            given = {"request": request, "offset_ns": request * every_ns, **fields}
            self.reactor.submit(post(request, size), **given)
        self.submitted += count

    def start(self, delay_ns: int = 0) -> None:
        self.start_ns = time.monotonic_ns() + delay_ns
        self.reactor.start(self.start_ns)

    def pump(self, until: Callable[[], object], timeout_s: float = TIMEOUT_S) -> None:
        """Does Python's half of the work until something is so."""
        give_up = time.monotonic() + timeout_s
        while not until():
            assert time.monotonic() < give_up, f"nothing came of it: {self.reactor.snapshot()}"
            wait([self.reactor.fileno(), self.reactor.parcel_fileno()], 0.005)
            self.serve()
        self.serve()

    def serve(self) -> None:
        if self._tls is not None:
            self._tls.serve()
        if (batch := self.reactor.take()) is not None:
            self.batches.append(batch)

    def rows(self) -> int:
        """How many rows came so far."""
        return sum(len(batch.rows) for batch in self.batches)

    def finish(self) -> Ended:
        """Waits for the end; every request has one outcome then."""
        self.reactor.close_input()
        self.pump(lambda: self.reactor.ended)
        self._thread.join(TIMEOUT_S)
        ended = Ended(self.batches, self.reactor.snapshot())
        ended.check_accounts(self.submitted - ended.snapshot["withdrawn"])
        return ended


def drive(address: tuple[int, str, int], count: int, *, size: int = 0, every_ns: int = 0, **shape: Any) -> Ended:
    """A whole run of `count` requests."""
    with Driver(address, **shape) as driver:
        driver.submit(count, size=size, every_ns=every_ns)
        driver.start()
        return driver.finish()
