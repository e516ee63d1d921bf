"""The feeder: enough prepared, never too much, and nothing after the end."""

from collections.abc import Iterator

import pytest
from driving import OK, post
from engines import engine_of, in_loop, item
from serving import Service, answering

from fastbench._core.ring import FLAGS, Batch
from fastbench.client.engine import Engine
from fastbench.plan.planned import Planned
from fastbench.run.worker import feed
from fastbench.run.worker.feed import FEW, LEAST, Feeder

FIRST = 1000
SIZE = len(post(FIRST))


def items(count: int) -> Iterator[Planned]:
    """Requests of one size."""
    return (item(FIRST + number) for number in range(count))


def feeder_of(engine: Engine, plan: Iterator[Planned], depth: int) -> Feeder:
    return Feeder(engine, plan, depth=depth, stream=True, keep_text=False, warmup=False)


def filled(plan: Iterator[Planned], depth: int, **bounds: int) -> tuple[bool, int, int]:
    """What `fill` returns before a run starts, and what it has prepared: requests and bytes."""

    async def test() -> tuple[bool, int, int]:
        engine = engine_of(service.address)
        enough = feeder_of(engine, plan, depth).fill(**bounds)
        found = enough, engine.reactor.backlog, engine.reactor.backlog_bytes
        engine.reactor.abort()
        await engine.ended()
        return found

    with Service(answering(OK)) as service:
        return in_loop(test)


@pytest.mark.parametrize("depth", [LEAST, 700])
def test_as_deep_as_asked(depth: int) -> None:
    """Twice as many requests are prepared as were asked for, and the rest of the plan stays where it is."""
    plan = items(2000)
    assert filled(plan, depth) == (True, 2 * depth, 2 * depth * SIZE)
    assert next(plan).request == FIRST + 2 * depth


def test_never_fewer_than_the_least() -> None:
    """A depth below the least is the least: requests that end quickly find the next one."""
    assert filled(items(1000), 1) == (True, LEAST, LEAST * SIZE)


@pytest.mark.parametrize(("max_bytes", "requests"), [(1, FEW), (400 * SIZE, 400), (400 * SIZE - 1, 400), (10**9, 1800)])
def test_bytes_are_bounded(max_bytes: int, requests: int) -> None:
    """Beyond a few, nothing more is prepared once there are enough bytes."""
    assert filled(items(2000), 900, max_bytes=max_bytes) == (True, requests, requests * SIZE)


def test_long_requests_are_prepared_once_for_each_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the start a second request for each slot is prepared only as far as the smaller room goes."""
    monkeypatch.setattr(feed, "MAX_BYTES", 500 * SIZE)
    assert filled(items(2000), 600) == (True, 600, 600 * SIZE)
    assert filled(items(2000), 400) == (True, 500, 500 * SIZE)


def test_in_pieces() -> None:
    """`most` bounds one call and says that there is more to do; what is enough is enough."""
    assert filled(items(1000), 500, most=10) == (False, 10, 10 * SIZE)
    assert filled(items(1000), LEAST // 2, most=LEAST) == (True, LEAST, LEAST * SIZE)
    assert filled(items(5), 500, most=10) == (True, 5, 5 * SIZE)


def test_a_plan_longer_than_its_depth_is_fed_as_it_goes() -> None:
    """Every request of a long plan is sent in order, with never more prepared than the depth."""
    depths: list[int] = []
    numbers: list[int] = []

    async def test(service: Service) -> dict[str, int]:
        engine = engine_of(service.address, lambda batch: numbers.extend(batch.rows["request"]), limit=4, spare=4)

        def plan() -> Iterator[Planned]:
            for number in range(1500):
                depths.append(engine.reactor.backlog)
                yield item(number)

        feeder = feeder_of(engine, plan(), 1)
        feeder.fill()
        await engine.begin(4)
        await feeder.run()
        await engine.ended()
        return engine.snapshot()["outcomes"]

    with Service(answering(OK)) as service:
        outcomes = in_loop(lambda: test(service))
    assert outcomes["ok"] == 1500
    assert sorted(numbers) == list(range(1500))
    assert max(depths) < LEAST


def test_a_stopped_feeder_submits_nothing() -> None:
    """After `stop` nothing is taken of the plan, and `run` returns."""

    async def test(service: Service) -> None:
        plan = items(1000)
        engine = engine_of(service.address)
        feeder = feeder_of(engine, plan, 1)
        feeder.fill(most=3)
        feeder.stop()
        assert feeder.fill()
        await feeder.run()
        assert engine.reactor.backlog == 3
        assert next(plan).request == FIRST + 3
        engine.reactor.abort()
        await engine.ended()

    with Service(answering(OK)) as service:
        in_loop(lambda: test(service))


@pytest.mark.parametrize("warmup", [False, True])
def test_what_all_requests_share(warmup: bool) -> None:
    """Whether a stream is asked for, whether text is kept and whether it is warm-up goes with each request."""

    async def test(service: Service) -> tuple[set[int], int]:
        flags: set[int] = set()
        texts = []

        def sink(batch: Batch) -> None:
            flags.update(batch.rows["flags"].tolist())
            texts.extend(batch.notes)

        engine = engine_of(service.address, sink)
        feeder = Feeder(engine, items(5), depth=1, stream=True, keep_text=warmup, warmup=warmup)
        feeder.fill()
        await engine.begin(2)
        await engine.ended()
        return flags, len(texts)

    with Service(answering(OK)) as service:
        flags, texts = in_loop(lambda: test(service))
    assert {bool(flag & FLAGS["stream"]) for flag in flags} == {True}
    assert {bool(flag & FLAGS["warmup"]) for flag in flags} == {warmup}
    assert texts == (5 if warmup else 0)
