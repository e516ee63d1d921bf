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
from fastbench.run.worker import Assignment, News, Visit, one_clock, run_levels, run_worker

IGNORED_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Signals that a worker ignores; blocked from the start of its process until then."""


class Ready(NamedTuple):
    """From a worker: it is ready to begin."""


class Begin(NamedTuple):
    """To a worker: begin at this moment."""

    start_ns: int


class StopRequest(NamedTuple):
    """To a worker: a request to stop. enough: as `Stop` has it."""

    enough: str = ""


class Ended(NamedTuple):
    """From a worker, its last message. complete: False if it was stopped; error: what ended it early."""

    complete: bool
    error: FastbenchError | None = None


class Steer(NamedTuple):
    """To a worker: the visit of a level to be made now; None = it is over."""

    visit: Visit | None


Message = Ready | Begin | StopRequest | Ended | Progress | News | Steer


def main(descriptor: int) -> None:
    """The whole life of a worker's process. descriptor: of the connection to its coordinator."""
    # A terminal or scheduler signals all processes; only the coordinator's messages count.
    for number in IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED_SIGNALS)
    connection = Connection(descriptor)
    try:
        sys.path[:] = dict.fromkeys((*sys.path, *connection.recv()))
        assignment: Assignment = connection.recv()
    except EOFError:
        return  # the coordinator was stopped before it said what there is to do
    link = _Link(connection)
    with log_to(assignment.log):
        try:
            last = Ended(_carried_out(assignment, link))
        except FastbenchError as error:
            last = Ended(complete=False, error=error)
        # Any error: the coordinator must learn why the process ends.
        except Exception as error:  # noqa: BLE001
            log.error("%s", traceback.format_exc())
            last = Ended(complete=False, error=FastbenchError(f"{type(error).__name__}: {error}; the log has more"))
        link.send(last)


def _carried_out(assignment: Assignment, link: _Link) -> bool:
    if assignment.steered is None:
        return run_worker(assignment, link, link.send)
    link.visit, judge = assignment.steered
    return run_levels(assignment, link, link.send, link, judge)


class _Link:
    """The link to the coordinator. Used in the worker's event loop, except for its creation and the last message."""

    clock = staticmethod(one_clock)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.visit: Visit | None = None
        """Of a load that is steered: as the coordinator said last."""
        self._begin: asyncio.Future[int] | None = None
        self._stopped = False

    def send(self, message: Message) -> None:
        """Sends a message to the coordinator, if it is still there."""
        with contextlib.suppress(ConnectionError):
            self._connection.send(message)

    words = ""
    """How a search stands, which the coordinator says."""

    def take(self, news: News) -> None:
        """Passes on what ended."""
        self.send(news)

    async def gate(self) -> int:
        """Opens when all members are ready; for the measurement only, not for the leader's warm-up."""
        if self._stopped:
            return 0  # it will not open any more
        self._begin = asyncio.get_running_loop().create_future()
        self.send(Ready())
        return await self._begin

    @contextlib.contextmanager
    def stopping(self, stop: Stop) -> Iterator[None]:
        """Receives the coordinator's messages meanwhile."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._connection.fileno(), self._receive, stop)
        try:
            yield
        finally:
            loop.remove_reader(self._connection.fileno())

    def _receive(self, stop: Stop) -> None:
        try:
            message: Message = self._connection.recv()
        except (EOFError, ConnectionError):
            # Without a coordinator the result is of no use.
            asyncio.get_running_loop().remove_reader(self._connection.fileno())
            message = StopRequest()
            stop()
        if isinstance(message, Begin):
            self._open(message.start_ns)
        elif isinstance(message, Steer):
            self.visit = message.visit
        else:
            stop.take(stop.asked + 1, message.enough if isinstance(message, StopRequest) else "")
            self._stopped = True
            self._open(0)

    def _open(self, start_ns: int) -> None:
        if self._begin is not None and not self._begin.done():
            self._begin.set_result(start_ns)
