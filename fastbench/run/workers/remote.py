"""A worker on another host, as its coordinator sees it: commands, status, and the recording it hands over."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import fastbench
from fastbench.errors import FastbenchError
from fastbench.live import Progress
from fastbench.recording import Reading
from fastbench.run.directory import log_to
from fastbench.run.stop import Stop
from fastbench.run.worker import Assignment, run_worker

LOG = "log"
"""The name of a worker's log among its files."""
_LOOK_S = 0.005


class Command(NamedTuple):
    """The coordinator's current commands. stops: requests to stop so far. start_ns: when the load begins, on the
    worker's monotonic clock. clock: that clock against the coordinator's. enough: as `Stop` has it."""

    stops: int
    start_ns: int | None
    clock: Reading | None
    enough: str = ""


class Status(NamedTuple):
    """A worker's current status. ready: whether it can begin."""

    mono_ns: int
    ready: bool
    progress: Progress | None


class Host(NamedTuple):
    """A worker's host."""

    name: str
    version: str


class WorkerActor:
    """One worker and its files. `run` lasts as long as the load; the other methods are called by other threads."""

    def __init__(self) -> None:
        self._link = _Link()
        self._directory = Path(tempfile.mkdtemp(prefix="fastbench-"))

    def host(self) -> Host:
        """Its host."""
        return Host(platform.node(), fastbench.__version__)

    def mono_ns(self) -> int:
        """Its monotonic clock."""
        return time.monotonic_ns()

    def run(self, assignment: Assignment) -> tuple[bool, FastbenchError | None]:
        """Runs its share; returns whether it came to its end, and the error if not."""
        own = assignment._replace(recording=self._directory, log=self._directory / LOG)
        with log_to(own.log):
            try:
                return run_worker(own, self._link, self._link.observe), None
            except FastbenchError as error:
                return False, error

    def exchange(self, command: Command) -> Status:
        """Takes the coordinator's command and returns the status."""
        self._link.receive(command)
        return Status(time.monotonic_ns(), self._link.ready, self._link.progress)

    def files(self) -> dict[str, int]:
        """The names and sizes of its files."""
        return {path.name: path.stat().st_size for path in self._directory.iterdir()}

    def read(self, name: str, offset: int, most: int) -> bytes:
        """A piece of a file."""
        with (self._directory / name).open("rb") as file:
            file.seek(offset)
            return file.read(most)

    def forget(self) -> None:
        """Deletes its files."""
        shutil.rmtree(self._directory)


class _Link:
    """The link to the coordinator, whose commands come in other threads than the event loop's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = Stop()
        self._command = Command(0, None, None)
        self.ready = False
        self.progress: Progress | None = None

    def receive(self, command: Command) -> None:
        """Takes a command."""
        with self._lock:
            self._command = command
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._stop.take, command.stops, command.enough)

    def observe(self, progress: Progress) -> None:
        """Keeps the latest progress."""
        self.progress = progress

    def clock(self) -> Reading | None:
        """The last reading of this host's clock."""
        return self._command.clock

    async def gate(self) -> int:
        """Opens when the coordinator has said when to begin, or to stop."""
        self.ready = True
        while self._command.start_ns is None and not self._command.stops:
            await asyncio.sleep(_LOOK_S)
        return self._command.start_ns or time.monotonic_ns()

    @contextlib.contextmanager
    def stopping(self, stop: Stop) -> Iterator[None]:
        """Passes the coordinator's requests to stop on to `stop`."""
        with self._lock:
            self._stop, self._loop = stop, asyncio.get_running_loop()
            stop.take(self._command.stops, self._command.enough)
        try:
            yield
        finally:
            with self._lock:
                self._loop = None
