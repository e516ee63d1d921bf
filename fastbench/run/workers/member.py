"""A worker in a process of its own, at the other end of its coordinator's connection."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import NamedTuple

from fastbench.errors import FastbenchError
from fastbench.live import Progress
from fastbench.run.directory import log, log_to
from fastbench.run.stop import Stop
from fastbench.run.worker import Assignment, one_clock, run_worker

DEAF = (signal.SIGINT, signal.SIGTERM)
"""Signals that a member does not heed; blocked from its process's first moment until it ignores them."""


class Ready(NamedTuple):
    """From a member: it could begin at once."""


class Begin(NamedTuple):
    """To a member: it begins at this moment."""

    start_ns: int


class StopOnce(NamedTuple):
    """To a member: the user asked to stop, once more."""


class Ended(NamedTuple):
    """From a member, its last word. complete: False when it was stopped; error: what kept it from its end."""

    complete: bool
    error: FastbenchError | None = None


Message = Ready | Begin | StopOnce | Ended | Progress


def main(descriptor: int) -> None:
    """The whole life of a worker's process. descriptor: of the connection to its coordinator."""
    # A terminal, or a scheduler, tells all processes to stop; the coordinator's word is the one that counts.
    for number in DEAF:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, DEAF)
    connection = Connection(descriptor)
    sys.path[:] = dict.fromkeys((*sys.path, *connection.recv()))
    assignment: Assignment = connection.recv()
    link = _Link(connection)
    with log_to(assignment.log):
        try:
            last = Ended(run_worker(assignment, link, link.tell))
        except FastbenchError as error:
            last = Ended(complete=False, error=error)
        # Whatever it is: a process that only ends would say nothing of why.
        except Exception as error:  # noqa: BLE001
            log.error("%s", traceback.format_exc())
            last = Ended(complete=False, error=FastbenchError(f"{type(error).__name__}: {error}; the log has more"))
        link.tell(last)


class _Link:
    """The link to the coordinator. All but its making, and the last word, happens in the worker's event loop."""

    clock = staticmethod(one_clock)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._begin: asyncio.Future[int] | None = None
        self._stopped = False

    def tell(self, message: Message) -> None:
        """Tells the coordinator; one that is gone hears nothing, and this end will be told so."""
        with contextlib.suppress(ConnectionError):
            self._connection.send(message)

    async def gate(self) -> int:
        """Opens when all members are ready; for the measurement only, as the leader's warm-up waits for nobody."""
        if self._stopped:
            return 0  # nobody will open it any more
        self._begin = asyncio.get_running_loop().create_future()
        self.tell(Ready())
        return await self._begin

    @contextlib.contextmanager
    def stopping(self, stop: Stop) -> Iterator[None]:
        """Hears the coordinator meanwhile."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._connection.fileno(), self._hear, stop)
        try:
            yield
        finally:
            loop.remove_reader(self._connection.fileno())

    def _hear(self, stop: Stop) -> None:
        try:
            message: Message = self._connection.recv()
        except (EOFError, ConnectionError):
            # Without a coordinator nobody waits for what comes of it.
            asyncio.get_running_loop().remove_reader(self._connection.fileno())
            message = StopOnce()
            stop()
        if isinstance(message, Begin):
            self._open(message.start_ns)
        else:
            stop()
            self._stopped = True
            self._open(0)

    def _open(self, start_ns: int) -> None:
        if self._begin is not None and not self._begin.done():
            self._begin.set_result(start_ns)
