"""One phase of load: begun, fed, watched, ended in order whatever happens."""

import asyncio
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from driving import OK
from engines import SHAPE, in_loop, item, no_conversations, target_of
from replies import chunk, delta, head
from serving import Service, answering, each_request, stall

from fastbench._core.ring import FLAGS, OUTCOMES, ROW_DTYPE, Batch
from fastbench.client.engine import Engine
from fastbench.errors import DatasetError
from fastbench.live import Progress
from fastbench.plan.planned import Planned
from fastbench.plan.reactor import ReactorOptions
from fastbench.run.stop import Stop
from fastbench.run.worker.phase import Phase, PhasePlan


class Left(NamedTuple):
    """What a phase left."""

    counters: dict[str, Any]
    rows: np.ndarray
    progress: list[Progress]
    health: list[dict[str, Any]]

    @property
    def outcomes(self) -> dict[str, int]:
        names, counts = np.unique(self.rows["outcome"], return_counts=True)
        return {OUTCOMES[name]: int(count) for name, count in zip(names, counts, strict=True)}


class Trial:
    """A phase against a service, and what it tells while it runs."""

    def __init__(self, service: Service, shape: ReactorOptions = SHAPE) -> None:
        self.stop = Stop()
        self.batches: list[Batch] = []
        self.progress: list[Progress] = []
        self.health: list[dict[str, Any]] = []
        self.engine: Engine | None = None
        self._service = service
        self._shape = shape

    def _make(self, shape: ReactorOptions, sink: Any) -> Engine:
        self.engine = Engine(target_of(self._service.address), shape, sink)
        return self.engine

    async def run(self, plan: Iterator[Planned], count: int | None, name: str = "measure", **changes: Any) -> Left:
        phase = Phase(self._make, stream=True, stop=self.stop, observer=self.progress.append)
        wanted = PhasePlan(
            name=name,
            requests=plan,
            options=self._shape,
            total=count,
            duration_ns=None,
            drain_ns=None,
            keep_text=False,
            conversations=no_conversations(),
            on_batch=self.batches.append,
            on_health=self.health.append,
        )
        counters = await phase.run(wanted._replace(**changes))
        return Left(counters, self.rows, self.progress, self.health)

    @property
    def rows(self) -> np.ndarray:
        return np.concatenate([np.empty(0, ROW_DTYPE), *(batch.rows for batch in self.batches)])

    async def until(self, **at_least: int) -> None:
        """Waits until counters of the engine have these values."""
        while self.engine is None or any(self.engine.snapshot()[name] < least for name, least in at_least.items()):
            await asyncio.sleep(0.002)


def items(count: int) -> Iterator[Planned]:
    return (item(number) for number in range(count))


def streaming(connection: socket.socket, _: int) -> None:
    """Begins a stream for each request, and ends none."""
    for _request in each_request(connection):
        connection.sendall(head("text/event-stream", "Transfer-Encoding: chunked") + chunk(delta("a")))
        stall(connection)


@pytest.mark.parametrize("name", ["warm-up", "measure"])
def test_a_whole_phase(name: str) -> None:
    """Every request of the plan has its outcome, flagged as warm-up in the warm-up, and the counters are returned."""
    with Service(answering(OK)) as service:
        trial = Trial(service)
        left = in_loop(lambda: trial.run(items(700), 700, name))
    assert left.outcomes == {"ok": 700}
    assert sorted(left.rows["request"]) == list(range(700))
    assert left.counters["outcomes"]["ok"] == left.counters["sent"] == 700
    warmup = left.rows["flags"] & FLAGS["warmup"] != 0
    assert set(warmup) == {name == "warm-up"}


def test_it_is_watched_while_it_runs() -> None:
    """Progress is told while the phase runs and at its end, health at its end at the latest."""

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            time.sleep(0.03)
            connection.sendall(OK)

    with Service(handler) as service:
        trial = Trial(service)
        left = in_loop(lambda: trial.run(items(20), 20))
    assert len(left.progress) >= 3
    assert [told.sent for told in left.progress] == sorted(told.sent for told in left.progress)
    last = left.progress[-1]
    assert (last.phase, last.planned, last.sent, last.ok, last.in_flight) == ("measure", 20, 20, 20, 0)
    assert sum(record["reads"] for record in left.health) == left.counters["reads"] >= 20


def test_an_empty_plan() -> None:
    """A plan without requests is an end at once."""
    with Service(answering(OK)) as service:
        trial = Trial(service)
        left = in_loop(lambda: trial.run(items(0), 0))
    assert left.counters["sent"] == 0


def test_one_wish_to_stop_lets_finish() -> None:
    """After the first wish what is in flight ends by itself, what is prepared is cancelled, no more is prepared."""
    plan = items(10**9)

    async def test() -> Left:
        run = asyncio.create_task(trial.run(plan, 10**9))
        await trial.until(sent=20)
        trial.stop()
        return await run

    with Service(answering(OK)) as service:
        trial = Trial(service)
        left = in_loop(test)
    assert set(left.outcomes) <= {"ok", "cancelled"}
    assert left.outcomes["ok"] >= 20
    assert sorted(left.rows["request"]) == list(range(len(left.rows)))
    assert next(plan).request == len(left.rows)
    assert left.progress[-1].stopping == 1


def test_a_second_wish_ends_at_once() -> None:
    """After the second wish what is in flight is cancelled too."""

    async def test() -> Left:
        run = asyncio.create_task(trial.run(items(10), 10))
        await trial.until(output_events=2)
        trial.stop()
        while trial.engine.snapshot()["outcomes"]["cancelled"] < 8:
            await asyncio.sleep(0.002)
        assert trial.engine.snapshot()["in_flight"] == 2
        trial.stop()
        return await run

    with Service(streaming) as service:
        trial = Trial(service)
        left = in_loop(test)
    assert left.outcomes == {"cancelled": 10}
    assert left.rows["events"].sum() == 2


def test_a_wish_before_the_phase() -> None:
    """A phase that begins after a wish to stop sends nothing and ends."""
    plan = items(10)
    with Service(answering(OK)) as service:
        trial = Trial(service)
        trial.stop()
        left = in_loop(lambda: trial.run(plan, 10))
    assert left.counters["sent"] == 0
    assert next(plan).request == 0


def broken(after: int, error: Exception) -> Iterator[Planned]:
    yield from items(after)
    raise error


@pytest.mark.parametrize("after", [0, 10, 1000])
@pytest.mark.parametrize("error", [DatasetError("row 17 is broken"), RuntimeError("a fault of our own")])
def test_what_the_plan_raises_ends_the_phase(after: int, error: Exception) -> None:
    """A broken row, or anything else, is raised once every request that was submitted has its one outcome."""
    with Service(answering(OK)) as service:
        trial = Trial(service)
        with pytest.raises(type(error)) as caught:
            in_loop(lambda: trial.run(broken(after, error), 2000))
    assert caught.value is error
    assert trial.engine is not None
    assert trial.engine.reactor.ended
    found = sorted(int(request) for batch in trial.batches for request in batch.rows["request"])
    assert found == list(range(after))
    assert not trial.stop.asked


def test_after_a_broken_row_what_is_in_flight_goes_on() -> None:
    """A broken row cancels what is prepared, and lets end what was sent."""

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            time.sleep(0.02)
            connection.sendall(OK)

    with Service(handler) as service:
        trial = Trial(service)
        with pytest.raises(DatasetError):
            in_loop(lambda: trial.run(broken(300, DatasetError("broken")), 1000))
    outcomes = {OUTCOMES[code] for batch in trial.batches for code in batch.rows["outcome"]}
    assert outcomes <= {"ok", "cancelled"}
    assert sum(len(batch.rows) for batch in trial.batches) == 300


def test_what_the_sink_raises_ends_the_phase() -> None:
    """An exception of the sink ends a phase whose plan is far from its end, and is raised."""

    def broken(_: Batch) -> None:
        raise RuntimeError("no room")

    async def test(service: Service) -> None:
        trial = Trial(service)
        trial.batches = SimpleNamespace(append=broken)  # type: ignore[assignment]
        await trial.run(items(100_000), 100_000)

    with Service(answering(OK)) as service, pytest.raises(RuntimeError, match="no room"):
        in_loop(lambda: test(service))
