"""A worker in a process of its own, at its coordinator's other end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from fastbench.config.plan import Task
from fastbench.errors import FastbenchError
from fastbench.fleet.logs import log_to
from fastbench.fleet.post import Link, Post
from fastbench.fleet.queue import SharedQueue
from fastbench.fleet.worker import run_task
from fastbench.load.progress import Progress
from fastbench.load.rest import Rest
from fastbench.load.sharing import Share
from fastbench.load.stop import Stop

log = logging.getLogger("fastbench")

DEAF = (signal.SIGINT, signal.SIGTERM)
"""Signals that a member does not heed; blocked from its process's first moment until it ignores them."""


class Job(NamedTuple):
    """What a member is to do."""

    task: Task
    recording: Path
    log: Path | None
    """None = standard error."""
    share: Share
    run_id: str | None
    queue: SharedQueue | None
    tokens_per_word: float = 1.0
    rest: Rest | None = None

    def post(self, link: Link) -> Post:
        """The member's place."""
        number = self.share.number
        return Post(
            share=self.share,
            queue=self.queue,
            part=number if self.rest is None else self.rest.part + number,
            leads=number == 0,
            run_id=self.run_id,
            tokens_per_word=self.tokens_per_word,
            link=link,
            rest=self.rest,
        )


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


def member_main(connection: Connection, job: Job) -> None:
    """The whole life of a member's process."""
    # A terminal, or a scheduler, tells all processes to stop; the coordinator's word is the one that counts.
    for number in DEAF:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, DEAF)
    link = _Link(connection)
    with log_to(job.log):
        try:
            last = Ended(run_task(job.task, job.recording, link.tell, job.post(link)))
        except FastbenchError as error:
            last = Ended(complete=False, error=error)
        # Whatever it is: a process that only ends would say nothing of why.
        except Exception as error:  # noqa: BLE001
            log.error("%s", traceback.format_exc())
            last = Ended(complete=False, error=FastbenchError(f"{type(error).__name__}: {error}; the log has more"))
        link.tell(last)


class _Link:
    """The link to the coordinator. All but its making happens in the worker's event loop."""

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
