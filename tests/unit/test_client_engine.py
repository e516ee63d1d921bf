"""The engine: a reactor and its thread, as the event loop sees them."""

import asyncio
import socket
import threading
import time

import pytest
from certificates import secure, trusting
from driving import MS, OK, TIMEOUT_S, S, post
from engines import engine_of, in_loop
from serving import Service, answering, closed_port, stall

from fastbench._core.ring import Batch
from fastbench.client import engine as module


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_every_request_reaches_the_sink(tls: bool) -> None:
    """`ended` returns when the sink has had every request, in clear and over TLS."""
    batches: list[Batch] = []

    async def test(service: Service) -> dict[str, int]:
        engine = engine_of(service.address, batches.append, trusting() if tls else None, limit=4, spare=4)
        for request in range(30):
            engine.reactor.submit(post(request), request=request)
        engine.reactor.close_input()
        await engine.begin(4)
        await engine.ended()
        return engine.snapshot()["outcomes"]

    with (secure if tls else Service)(answering(OK)) as service:
        outcomes = in_loop(lambda: test(service))
    assert outcomes["ok"] == 30
    assert sorted(int(request) for batch in batches for request in batch.rows["request"]) == list(range(30))


def test_the_start_is_told_and_kept() -> None:
    """`begin` opens connections first, and returns the moment, soon, before which nothing is sent."""

    async def test(service: Service) -> None:
        batches: list[Batch] = []
        engine = engine_of(service.address, batches.append)
        assert engine.start_ns == 0
        engine.reactor.submit(post(0), request=0)
        before = time.monotonic_ns()
        start = await engine.begin(2)
        assert engine.reactor.open_connections == 2
        assert engine.start_ns == start
        assert before < start < time.monotonic_ns() + S
        engine.reactor.close_input()
        await engine.ended()
        assert batches[0].rows["intended_ns"][0] == start

    with Service(answering(OK)) as service:
        in_loop(lambda: test(service))


def test_requests_that_end_in_quick_succession_are_all_taken() -> None:
    """Where the engine may rest between ends it takes them all while the run goes on, several at once."""
    batches: list[Batch] = []

    def taken() -> list[int]:
        return sorted(int(request) for batch in batches for request in batch.rows["request"])

    async def test(service: Service) -> None:
        engine = engine_of(service.address, batches.append, limit=4, spare=4)
        engine.enough, engine.may_rest = 1, True
        for request in range(400):
            engine.reactor.submit(post(request), request=request)
        await engine.begin(4)
        while len(taken()) < 400:
            await asyncio.sleep(0.001)
        engine.reactor.submit(post(400), request=400)
        while len(taken()) < 401:
            await asyncio.sleep(0.001)
        engine.reactor.close_input()
        await engine.ended()

    with Service(answering(OK)) as service:
        in_loop(lambda: test(service))
    assert taken() == list(range(401))


def test_a_slow_sink_leaves_the_loop_its_turns() -> None:
    """What ends while the sink works waits for the loop's next turn: whoever feeds has one between any two batches."""
    turns = 0
    seen: list[int] = []

    def slow(_: Batch) -> None:
        seen.append(turns)
        time.sleep(0.02)

    async def test(service: Service) -> None:
        nonlocal turns
        engine = engine_of(service.address, slow, openings=None, limit=8)
        for request in range(100):
            engine.reactor.submit(post(request), request=request, offset_ns=request * 5 * MS)
        await engine.begin(2)
        while engine.snapshot()["outcomes"]["ok"] < 100:
            await asyncio.sleep(0)
            turns += 1
        engine.reactor.close_input()
        await engine.ended()

    with Service(answering(OK)) as service:
        in_loop(lambda: test(service))
    assert len(seen) > 5
    assert len(set(seen[:-1])) == len(seen) - 1  # the last ones of all are taken at once


def test_progress_wakes_whoever_feeds() -> None:
    """`progressed` is set when a request has finished."""

    async def test(service: Service) -> None:
        engine = engine_of(service.address)
        engine.reactor.submit(post(0), request=0)
        assert not engine.progressed.is_set()
        await engine.begin(1)
        await engine.progressed.wait()
        assert engine.snapshot()["outcomes"]["ok"] == 1
        engine.reactor.close_input()
        await engine.ended()

    with Service(answering(OK)) as service:
        in_loop(lambda: test(service))


def test_progress_tells_nobody_while_enough_is_prepared() -> None:
    """`progressed` stays unset when requests have finished and `enough` others are ready; at the end it is set."""

    async def test(service: Service) -> None:
        finished = asyncio.Event()
        engine = engine_of(service.address, lambda _: finished.set(), openings=None)
        engine.enough = 2
        for number, offset_ns in enumerate((0, 60 * S, 60 * S)):
            engine.reactor.submit(post(number), request=number, offset_ns=offset_ns)
        await engine.begin(1)
        await finished.wait()
        assert not engine.progressed.is_set()
        engine.reactor.drain()
        await engine.ended()
        assert engine.progressed.is_set()

    with Service(answering(OK)) as service:
        in_loop(lambda: test(service))


LONG_NS = 60 * S


@pytest.fixture
def long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are waited for longer than any machine is busy."""
    monkeypatch.setattr(module, "CONNECT_WAIT_NS", LONG_NS)


def begin_ns(port: int, *, drained: bool = False) -> int:
    """How long a run with two connections waits for its start."""

    async def test() -> int:
        engine = engine_of((socket.AF_INET, "127.0.0.1", port))
        if drained:
            engine.reactor.drain()
        begun = time.monotonic_ns()
        await engine.begin(2)
        waited = time.monotonic_ns() - begun
        engine.reactor.abort()
        await engine.ended()
        return waited

    return in_loop(test)


@pytest.mark.usefixtures("long_wait")
def test_it_does_not_wait_where_nobody_listens() -> None:
    """A refused connection ends the wait for connections: requests will say why."""
    assert begin_ns(closed_port()) < LONG_NS


@pytest.mark.usefixtures("long_wait")
def test_it_does_not_wait_after_a_stop() -> None:
    """A run that was stopped before its start has nothing to wait for."""
    assert begin_ns(closed_port(), drained=True) < LONG_NS


def test_it_waits_for_connections_for_a_bounded_time(full_port: int) -> None:
    """Where connections neither stand nor fail, the run starts after a second all the same."""
    waited = begin_ns(full_port)
    assert waited >= module.CONNECT_WAIT_NS


def test_its_thread_and_descriptors_go_with_it() -> None:
    """After `ended` the thread is over, and the event loop watches nothing of the engine's any more."""

    async def test(service: Service) -> None:
        loop = asyncio.get_running_loop()
        engine = engine_of(service.address, tls=trusting())
        await engine.begin(2)
        engine.reactor.drain()
        await engine.ended()
        assert not any(thread.name == "reactor" for thread in threading.enumerate())
        assert not loop.remove_reader(engine.reactor.fileno())
        assert not loop.remove_reader(engine.reactor.parcel_fileno())

    with secure(answering(OK)) as service:
        in_loop(lambda: test(service))


def test_a_slow_loop_delays_no_send() -> None:
    """While the event loop is held by a callback, prepared requests go out and end as planned."""
    batches: list[Batch] = []

    async def test(service: Service) -> None:
        engine = engine_of(service.address, batches.append, openings=None, limit=8)
        for request in range(10):
            engine.reactor.submit(post(request), request=request, offset_ns=request * 10 * MS)
        engine.reactor.close_input()
        await engine.begin(2)
        give_up = time.monotonic() + TIMEOUT_S
        while engine.snapshot()["outcomes"]["ok"] < 10:
            assert time.monotonic() < give_up, engine.snapshot()
            time.sleep(0.005)
        assert batches == []
        await engine.ended()

    with Service(answering(OK)) as service:
        in_loop(lambda: test(service))
    assert sum(len(batch.rows) for batch in batches) == 10


def test_an_abort_ends_all() -> None:
    """Requests that would never end are cancelled, not timed out, when the run is aborted."""

    async def test(service: Service) -> None:
        engine = engine_of(service.address)
        for request in range(5):
            engine.reactor.submit(post(request), request=request)
        await engine.begin(2)
        engine.reactor.abort()
        await engine.ended()
        assert engine.snapshot()["outcomes"]["cancelled"] == 5

    with Service(lambda connection, _: stall(connection)) as service:
        in_loop(lambda: test(service))


def test_what_the_sink_raises_ends_the_run() -> None:
    """An exception of the sink aborts the run and is kept, instead of being lost in the event loop."""

    def broken(_: Batch) -> None:
        raise RuntimeError("no room")

    async def test(service: Service) -> Exception | None:
        engine = engine_of(service.address, broken, limit=2, spare=2)
        for request in range(10):
            engine.reactor.submit(post(request), request=request)
        engine.reactor.close_input()
        await engine.begin(2)
        await engine.ended()
        return engine.error

    with Service(answering(OK)) as service:
        assert str(in_loop(lambda: test(service))) == "no room"
