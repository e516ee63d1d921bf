"""One phase of load, from its first prepared request to its last outcome."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol

from fastbench.client import BatchSink, Engine, EngineFactory, Gate, at_once, feeding
from fastbench.errors import FastbenchError
from fastbench.live import Observer
from fastbench.plan import Block, Planned, ReactorOptions
from fastbench.run.stop import Stop
from fastbench.run.worker.asked import AskedLog
from fastbench.run.worker.feed import Feeder, Left
from fastbench.run.worker.progress import RecentLog, progress_of
from fastbench.units import NS_PER_S

OBSERVE_S = 0.1
HEALTH_S = 1.0
AHEAD = 1024
"""Open loop: so many requests are prepared ahead of their times, and as many again where their bytes allow."""

Steer = Callable[[Engine, Feeder], Awaitable[None]]
"""Changes a load while it runs; where it returns nothing more is sent."""
HealthSink = Callable[[dict[str, Any]], None]


def _no_health(_: dict[str, Any]) -> None:
    """The health sink of a phase that is not recorded."""


class Follows(Protocol):
    """What a phase needs of conversations."""

    def follow(self, engine: Engine, submit: Callable[[Planned, int], None], sink: BatchSink) -> BatchSink:
        """As `Conversations.follow`."""
        ...

    def end(self) -> None:
        """As `Conversations.end`."""
        ...


class PhasePlan(NamedTuple):
    """The plan of one phase."""

    name: str
    """"warm-up" or "measure"."""
    requests: Iterator[Planned | Block]
    options: ReactorOptions
    total: int | None
    """How many requests there are; None = as many as the time allows."""
    conversations: Follows
    on_batch: BatchSink
    on_health: HealthSink = _no_health
    duration_ns: int | None = None
    """Nothing begins after it, ns since the start."""
    drain_ns: int | None = None
    """How long what is in flight may take after `duration_ns`; None = as long as it takes."""
    keep_text: bool = False
    gate: Gate = at_once
    """Gives the start time of the load, once all is ready."""
    asked: AskedLog | None = None
    """What the config asks of requests while they run."""
    depth: int | None = None
    """Requests that may all be due at once at the start; None = as the options say."""
    steer: Steer | None = None
    """None = the load is as it was planned."""
    left: Left | None = None
    """With several workers on one queue: how many requests are left for each."""


class Phase:
    """Common to all phases of one task."""

    def __init__(self, make_engine: EngineFactory, *, stream: bool, stop: Stop, observer: Observer) -> None:
        self._make_engine = make_engine
        self._stream = stream
        self._stop = stop
        self._observer = observer

    async def run(self, plan: PhasePlan) -> dict[str, Any]:
        """Sends what the plan holds; returns the client's counters at the end.

        What the plan itself raises (a broken row, say) ends the phase as Ctrl-C does, and is raised afterwards.
        """
        running = _Running(plan, self._make_engine, self._stream)
        error: FastbenchError | None = None

        def report(ended: bool = False) -> None:
            recent = running.recent.recent(at_once=ended)
            stopping = 0 if self._stop.enough else self._stop.asked
            whole = (plan.name, plan.total, plan.duration_ns, stopping)
            now = progress_of(running.engine, *whole, recent, ended=ended, is_open=plan.options.openings is None)
            self._observer(now if plan.asked is None else plan.asked.told(now, running.engine.start_ns))

        with feeding(), self._stop.notifying(lambda asked: running.stop(asked, enough=bool(self._stop.enough))):
            watchers = [
                asyncio.create_task(_every(OBSERVE_S, report)),
                asyncio.create_task(_every(HEALTH_S, running.record_health)),
            ]
            try:
                await running.to_its_end()
            except FastbenchError as found:
                error = found
                running.stop(1)
                await running.engine.ended()
            finally:
                # It has ended, unless an unexpected error is being raised.
                running.engine.reactor.abort(abandon=True)
                await running.engine.ended()
                for watcher in watchers:
                    watcher.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await watcher
        running.record_health()
        report(ended=True)
        if error is not None:
            raise error
        return running.engine.snapshot()


class _Running:
    """A phase with its engine."""

    def __init__(self, plan: PhasePlan, make_engine: EngineFactory, stream: bool) -> None:
        self._plan = plan
        self._timers: list[asyncio.TimerHandle] = []
        self.recent = RecentLog()
        # The engine's sink needs the engine: replies are answered by further requests.
        self._sink: BatchSink = plan.on_batch
        self.engine = make_engine(plan.options, lambda batch: self._sink(batch))
        self._feeder = Feeder(
            self.engine,
            plan.requests,
            depth=_depth(plan.options) if plan.depth is None else plan.depth,
            stream=stream,
            keep_text=plan.keep_text,
            warmup=plan.name == "warm-up",
            left=plan.left,
        )
        self._sink = plan.conversations.follow(self.engine, self._feeder.submit, self.recent.tap(plan.on_batch))

    async def to_its_end(self) -> None:
        """Returns when every request has its outcome."""
        options, total = self._plan.options, self._plan.total
        self._feeder.fill()
        ready = min(options.limit, options.spare)
        start_ns = await self.engine.begin(ready if total is None else min(ready, total), self._plan.gate)
        self._set_timers(start_ns)
        steering = None if self._plan.steer is None else asyncio.create_task(self._steered(self._plan.steer))
        try:
            await self._feeder.run()
            await self.engine.ended()
            if steering is not None:
                await steering
        finally:
            if steering is not None:
                steering.cancel()
            for timer in self._timers:
                timer.cancel()
        if self.engine.error is not None:
            raise self.engine.error

    async def _steered(self, steer: Steer) -> None:
        """Until the steering ends, by itself or by an error, and with it the load."""
        try:
            await steer(self.engine, self._feeder)
        finally:
            self._end_of_time()

    def stop(self, asked: int, *, enough: bool = False) -> None:
        """The user's request to stop: the first drains what is in flight, the second aborts it. enough: what is not
        sent is not missed."""
        self._feeder.stop()
        if enough:
            self._plan.conversations.end()
            self.engine.reactor.withdraw()
        (self.engine.reactor.drain if asked == 1 else self.engine.reactor.abort)()

    def record_health(self) -> None:
        """The client's state since the last time."""
        record = self.engine.health.record()
        self.recent.health(record)
        self._plan.on_health(record)

    def _set_timers(self, start_ns: int) -> None:
        plan = self._plan
        if plan.duration_ns is None:
            return
        end_ns = start_ns + plan.duration_ns
        if plan.options.openings is not None:
            self._at(end_ns, self._end_of_time)
        if plan.drain_ns is not None:
            self._at(end_ns + plan.drain_ns, partial(self.engine.reactor.abort, out_of_time=True))

    def _at(self, moment_ns: int, act: Callable[[], None]) -> None:
        wait_s = max(0, moment_ns - time.monotonic_ns()) / NS_PER_S
        self._timers.append(asyncio.get_running_loop().call_later(wait_s, act))

    def _end_of_time(self) -> None:
        """Requests prepared beyond the end of a closed loop do not count as planned."""
        self._feeder.stop()
        self._plan.conversations.end()
        self.engine.reactor.withdraw()
        self.engine.reactor.close_input()


def _depth(options: ReactorOptions) -> int:
    """Requests that may all be due at once: one for each slot, and in an open loop what a moment brings."""
    return options.limit if options.openings is not None else min(options.limit, AHEAD)


async def _every(seconds: float, act: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        act()
