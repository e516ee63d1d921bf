"""One phase of load, from its first prepared request to its last outcome."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from fastbench.client.engine import BatchSink, EngineFactory, Shape
from fastbench.errors import FastbenchError
from fastbench.load.feed import Feeder
from fastbench.load.plan import Planned
from fastbench.load.progress import Observer, progress_of
from fastbench.load.stop import Stop

OBSERVE_S = 0.1
HEALTH_S = 1.0

HealthSink = Callable[[dict[str, Any]], None]


class Phase:
    """What stays the same for all phases of one task."""

    def __init__(self, make_engine: EngineFactory, *, stream: bool, stop: Stop, observer: Observer) -> None:
        self._make_engine = make_engine
        self._stream = stream
        self._stop = stop
        self._observer = observer

    async def run(
        self,
        name: str,
        plan: Iterator[Planned],
        shape: Shape,
        *,
        count: int,
        keep_text: bool,
        on_batch: BatchSink,
        on_health: HealthSink,
    ) -> dict[str, Any]:
        """Sends the plan's `count` requests; returns the client's counters at the end.

        What the plan itself raises (a broken row, say) ends the phase as Ctrl-C does, and is raised afterwards.
        """
        engine = self._make_engine(shape, on_batch)
        feeder = Feeder(
            engine,
            plan,
            depth=shape.limit,
            stream=self._stream,
            keep_text=keep_text,
            warmup=name == "warm-up",
        )
        error: FastbenchError | None = None

        def stop(asked: int) -> None:
            feeder.stop()
            (engine.reactor.drain if asked == 1 else engine.reactor.abort)()

        def report() -> None:
            self._observer(progress_of(engine, name, count, self._stop.asked))

        with self._stop.heard_by(stop):
            watchers = [
                asyncio.create_task(_every(OBSERVE_S, report)),
                asyncio.create_task(_every(HEALTH_S, lambda: on_health(engine.health.record()))),
            ]
            try:
                feeder.fill()
                await engine.begin(min(shape.limit, shape.spare, count))
                await feeder.run()
                await engine.ended()
                if engine.error is not None:
                    raise engine.error
            except FastbenchError as found:
                error = found
                stop(1)
                await engine.ended()
            finally:
                engine.reactor.abort()  # it has ended, unless something unforeseen is on its way up
                await engine.ended()
                for watcher in watchers:
                    watcher.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await watcher
        report()
        on_health(engine.health.record())
        if error is not None:
            raise error
        return engine.snapshot()


async def _every(seconds: float, act: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        act()
