"""One reactor with its thread, as the event loop uses it."""

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

from fastbench._core.reactor import Reactor, favour_thread, favour_thread_no_more
from fastbench._core.ring import Batch as Batch
from fastbench._core.wire import OutputSpec
from fastbench.client.address import Address
from fastbench.client.health import HealthLog
from fastbench.client.tls import TlsSettings, TlsSide
from fastbench.dialects import Rules
from fastbench.plan import ReactorOptions
from fastbench.units import NS_PER_S

CONNECT_WAIT_NS = NS_PER_S
"""How long a run waits at its start for the connections that it opens ahead."""
START_MARGIN_NS = 2_000_000
REST_S = 0.016
"""Where requests end in quick succession, those of this time are taken at once."""
QUICK = 16
"""So many of them in that time are quick: 1,000 a second."""
LEAST_LEFT = 256
"""A rest ends when fewer are prepared: they last for some ms at the greatest rate."""


class Peer(NamedTuple):
    """The service that an engine talks to, and how it reads the replies."""

    rules: Rules
    address: Address
    connect_timeout_ns: int
    tls: TlsSettings | None
    """None = in clear."""


Gate = Callable[[], Awaitable[int]]
"""Called when all is ready; the moment, ns, at which the load begins."""


async def at_once() -> int:
    """The gate of a worker that starts at once."""
    return time.monotonic_ns() + START_MARGIN_NS


@contextlib.contextmanager
def feeding() -> Iterator[None]:
    """For the thread that prepares an engine's requests: of a processor that it shares with a busy reactor it has what
    it needs, and the reactor never waits for it."""
    favoured = favour_thread()
    try:
        yield
    finally:
        if favoured:
            favour_thread_no_more()


BatchSink = Callable[[Batch], None]
"""Takes requests as they finish."""


def _discard(_: Batch) -> None:
    """The sink of an engine that has ended."""


class Engine:
    """A running reactor. Make it inside a running event loop; `ended()` returns when all has its outcome."""

    def __init__(self, peer: Peer, options: ReactorOptions, on_batch: BatchSink) -> None:
        self.reactor = Reactor(OutputSpec(peer.rules), **options._asdict())
        self.reactor.connect_to(*peer.address, timeout_ns=peer.connect_timeout_ns, tls=peer.tls is not None)
        self.health = HealthLog(self.reactor)
        self.start_ns = 0
        self._on_batch = on_batch
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self.error: Exception | None = None
        """The exception of `on_batch` or of the TLS side, which aborted the run."""
        self.progressed = asyncio.Event()
        """Set when requests finished and fewer than `enough` are prepared, for the feeder."""
        self.enough = sys.maxsize
        self.may_rest = False
        """Whether no request waits for what becomes of another one."""
        self._resting = False
        self._collected_ns = 0
        self._taken = 0
        self._thread = threading.Thread(target=self.reactor.run, name="reactor", daemon=True)
        self._loop.add_reader(self.reactor.fileno(), self._collect)
        if peer.tls is not None:
            self._tls = TlsSide(self.reactor, peer.tls)
            self._loop.add_reader(self.reactor.parcel_fileno(), lambda: self._guarded(self._tls.serve))
        self._thread.start()

    async def begin(self, expected: int, gate: Gate = at_once) -> int:
        """Waits for connections (`expected` of them, for a bounded time), then starts at the moment that the gate says.

        Returns the start, ns.
        """
        give_up = time.monotonic_ns() + CONNECT_WAIT_NS
        while (
            self.reactor.open_connections < expected
            and self.reactor.connect_failures == 0
            and not self.reactor.ended
            and time.monotonic_ns() < give_up
        ):
            await asyncio.sleep(0.001)
        self.start_ns = await gate()
        self.reactor.start(self.start_ns)
        return self.start_ns

    async def ended(self) -> None:
        """Returns when every submitted request has its outcome and `on_batch` has had them all."""
        await self._ended.wait()
        self._thread.join()
        # It usually refers to this engine: dropping it frees the reactor's descriptors without garbage collection.
        self._on_batch = _discard

    def snapshot(self) -> dict[str, Any]:
        """The reactor's counters."""
        return self.reactor.snapshot()

    def _guarded(self, work: Callable[[], object]) -> object:
        """What the work returns; True where it raised, which ends the run."""
        try:
            return work()
        # The loop would only log a callback's exception, and the run would never end.
        except Exception as error:  # noqa: BLE001
            self.error = self.error or error
            self.reactor.abort(abandon=True)
            return True

    def _hand_on(self) -> bool:
        """Whether anything had ended."""
        batch = self.reactor.take()
        if batch is None:
            return False
        self._taken += len(batch.rows)
        self._on_batch(batch)
        return True

    def collect(self) -> None:
        """Hands on at once what has ended, not when the loop comes to it."""
        if not self._ended.is_set():
            self._collect()

    def _collect(self) -> None:
        # Once: what ends meanwhile comes together next time. Bit by bit it costs more, and the feeder has no turn.
        self._guarded(self._hand_on)
        # Asked behind that, which may have swallowed the last signal.
        over = self.reactor.ended
        while over and self._guarded(self._hand_on):
            pass
        if over or self.reactor.backlog < self.enough:
            self.progressed.set()
        if not self._resting and self.may_rest and not over:
            now_ns = time.monotonic_ns()
            if now_ns - self._collected_ns < REST_S / QUICK * NS_PER_S:
                self._rest()
            self._collected_ns = now_ns
        if over:
            self._loop.remove_reader(self.reactor.fileno())
            self._loop.remove_reader(self.reactor.parcel_fileno())
            self._ended.set()

    def _rest(self) -> None:
        """Does without being told of each end for a while: to be woken costs more than what has ended."""
        self._resting, self._taken = True, 0
        self.reactor.be_patient(min(self.enough, max(self.reactor.limit, LEAST_LEFT)))
        self._loop.call_later(REST_S, self._look)

    def _look(self) -> None:
        """After a rest."""
        self.collect()
        if self._taken >= QUICK and self.may_rest and not self._ended.is_set():
            self._rest()
            return
        self._resting = False
        self.reactor.be_patient(0)
        # What ended just before that, nobody was told of.
        self._loop.call_later(REST_S, self.collect)


EngineFactory = Callable[[ReactorOptions, BatchSink], Engine]
