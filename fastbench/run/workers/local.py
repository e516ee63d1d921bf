"""Workers of this host: one in this process, or several in their own, started together, fed from one queue, until the
last has ended."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

import fastbench
from fastbench.datasets import Dataset
from fastbench.errors import FastbenchError, ServiceError
from fastbench.live import Observer, Progress, merge_progress
from fastbench.plan import Share
from fastbench.recording import new_run_id
from fastbench.run.directory import log
from fastbench.run.stop import Stop
from fastbench.run.worker import Alone, Assignment, News, Pilot, run_worker
from fastbench.run.workers.ends import Death, WorkersEnd
from fastbench.run.workers.member import IGNORED_SIGNALS, Begin, Ended, Message, Ready, Steer, StopRequest
from fastbench.run.workers.steering import Steering
from fastbench.units import NS_PER_MS

_NUMBER = struct.Struct("<q")


class SharedQueue:
    """The places 0 … total - 1, each taken once. total: None = without end.

    Its number lies in a file without a name, under a lock that ends with the process that holds it: a killed worker
    blocks no other. Pickled, it is the same queue in another process, which has the descriptor by the same number.
    """

    def __init__(self, descriptor: int, total: int | None) -> None:
        """descriptor: of the file, which is closed by whoever opened it."""
        self.descriptor = descriptor
        self._total = total
        self._memory = mmap.mmap(descriptor, _NUMBER.size)

    def __reduce__(self) -> tuple[type[SharedQueue], tuple[int, int | None]]:
        return SharedQueue, (self.descriptor, self._total)

    @property
    def left(self) -> int:
        """How many are not taken yet."""
        (first,) = _NUMBER.unpack_from(self._memory)
        return sys.maxsize if self._total is None else self._total - int(first)

    def take(self, most: int) -> range:
        """The next places, at most so many; empty when none are left."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX)
        try:
            (first,) = _NUMBER.unpack_from(self._memory)
            stop = first + most if self._total is None else min(first + most, self._total)
            _NUMBER.pack_into(self._memory, 0, stop)
        finally:
            fcntl.lockf(self.descriptor, fcntl.LOCK_UN)
        return range(first, stop)

    def close(self) -> None:
        """Lets go of the file's memory."""
        self._memory.close()


@contextlib.contextmanager
def shared_queue(total: int | None) -> Iterator[SharedQueue]:
    """A new queue, gone at the end of the block. Its file is in no directory: nothing of it stays where this process is
    killed, and a root that is read-only does for it."""
    with os.fdopen(os.memfd_create("fastbench-queue"), "r+b", buffering=0) as file:
        file.write(_NUMBER.pack(0))
        with contextlib.closing(SharedQueue(file.fileno(), total)) as queue:
            yield queue


START_MARGIN_NS = 20 * NS_PER_MS
"""From the last worker's `Ready` to the common start."""
GONE_S = 10.0
"""How long a worker's process may take to end after `Ended`."""
COMMAND = "import sys; from fastbench.run.workers.member import main; main(int(sys.argv[1]))"


def on_this_host(
    assignment: Assignment, observer: Observer, stop: Stop, dataset: Dataset, *, in_process: bool = True
) -> WorkersEnd:
    """A launcher: as many workers as the plan has. in_process: whether a single one may run in this process."""
    plan = assignment.plan
    workers = plan.workers
    if workers.count == 1 and in_process:
        return WorkersEnd(run_worker(assignment, Alone(stop), observer, dataset))
    run_id = new_run_id()
    places = plan.part().left if workers.shares_queue else None
    with shared_queue(places) if workers.shares_queue else contextlib.nullcontext() as queue:
        assignments = [
            assignment._replace(share=Share(number, workers.count), queue=queue, run_id=run_id)
            for number in range(workers.count)
        ]
        return run_pool(assignments, observer, stop, plan.left)


def run_pool(
    assignments: Sequence[Assignment],
    observer: Observer,
    stop: Stop,
    planned: int | None = None,
    pilot: Pilot | None = None,
) -> WorkersEnd:
    """Runs all of them at once; returns when the last has ended. stop: the user's requests, passed on to all. planned:
    requests of them all, for the observer; None = each worker has its own, or it is unknown. pilot: steers them.

    A worker that dies before the common start is a ServiceError, and so are those that cannot begin; one that dies
    later is reported at the end, and the rest goes on. What kept a worker from its end is raised when all have ended.
    """
    pool = _WorkerPool(observer, planned, None if pilot is None else Steering(pilot, len(assignments)))
    try:
        pool.begin(assignments)
        with stop.notifying(lambda asked: pool.stop(asked, stop.enough)):
            return pool.to_its_end()
    finally:
        pool.part()


class _Worker:
    """A worker's process, and this end of the connection to it."""

    def __init__(self, number: int, descriptors: Sequence[int]) -> None:
        """descriptors: those that its process has, too."""
        self.number = number
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                # -P: not what happens to lie in the current directory, such as a source tree that is not built.
                [sys.executable, "-P", "-c", COMMAND, str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": _search_path()},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), *descriptors],
            )
        self.connection = Connection(ours.detach())

    def assign(self, assignment: Assignment) -> None:
        """Sends it its assignment; if it has died, `_receive` notices."""
        with contextlib.suppress(ConnectionError):
            # What an application has added to its path may hold what plug-ins need.
            self.connection.send(sys.path)
            self.connection.send(assignment)

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"worker {self.number}"


def _search_path() -> str:
    """PYTHONPATH with which a worker's process finds this very package, installed or not."""
    root = str(Path(fastbench.__file__).parents[1])
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])


class _WorkerPool:
    def __init__(self, observer: Observer, planned: int | None, steering: Steering | None = None) -> None:
        self._observer = observer
        self._steering = steering
        self._planned = planned
        self._workers: list[_Worker] = []
        self._living: dict[Connection, _Worker] = {}
        self._waiting: set[int] = set()
        self._started = False
        self._asked = 0
        # Requests to stop come from another thread, or from a signal handler in this one.
        self._sending = threading.RLock()
        self._progress: dict[int, Progress] = {}
        self._ends: dict[int, Ended] = {}
        self._died: list[int] = []

    def begin(self, assignments: Sequence[Assignment]) -> None:
        """Starts a process for each."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED_SIGNALS)
        try:
            for number, assignment in enumerate(assignments):
                queue = assignment.queue
                worker = _Worker(number, [queue.descriptor] if isinstance(queue, SharedQueue) else [])
                self._living[worker.connection] = worker
                self._waiting.add(number)
                self._workers.append(worker)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        # When all have begun to start: a large plan waits until its worker reads it.
        for worker, assignment in zip(self._workers, assignments, strict=True):
            worker.assign(assignment)

    def stop(self, asked: int, enough: str = "") -> None:
        """Passes requests to stop on."""
        while self._asked < asked:
            self._asked += 1
            self._send(StopRequest(enough))

    def to_its_end(self) -> WorkersEnd:
        """Receives messages until the last worker has ended."""
        while self._living:
            for connection in wait(list(self._living)):
                assert isinstance(connection, Connection)
                self._receive(connection)
        for end in self._ends.values():
            if end.error is not None:
                raise end.error
        if self._died and not self._started:
            names = ", ".join(self._workers[number].name for number in self._died)
            raise ServiceError(f"{names} died before the load began; see the log")
        return WorkersEnd(all(end.complete for end in self._ends.values()), tuple(map(Death, self._died)))

    def _receive(self, connection: Connection) -> None:
        worker = self._living[connection]
        number = worker.number
        try:
            message: Message = connection.recv()
        except (EOFError, ConnectionError):
            self._forget(connection)
            self._died.append(number)
            if number in self._progress:
                self._progress[number] = self._progress[number]._replace(in_flight=0, ended=True)
            log.error("%s ended without a report", worker.name)
            self._cancel_start()
            if self._steering is not None:
                # Its part of each level is missing from now on.
                self._send(StopRequest())
            return
        if isinstance(message, Progress):
            self._progress[number] = message
            self._observer(self._whole(merge_progress(list(self._progress.values()))))
        elif isinstance(message, Ready):
            self._waiting.discard(number)
            if not self._waiting:
                self._started = True
                # Of a load of several phases they will be ready again.
                self._waiting = {worker.number for worker in self._living.values()}
                self._send(Begin(time.monotonic_ns() + START_MARGIN_NS))
        elif isinstance(message, News):
            assert self._steering is not None
            if self._steering.take(number, message):
                self._send(Steer(self._steering.pilot.visit))
        elif isinstance(message, Ended):
            self._forget(connection)
            self._ends[number] = message
            if message.error is not None:
                self._stop_others(message.error)
            elif number in self._waiting:
                self._cancel_start()  # it was stopped before it was ready

    def _forget(self, connection: Connection) -> None:
        with self._sending:
            del self._living[connection]
            connection.close()

    def _whole(self, now: Progress) -> Progress:
        known = self._planned is not None and now.phase == "measure"
        return now._replace(planned=self._planned) if known else now

    def _stop_others(self, error: FastbenchError) -> None:
        """A worker failed, so the plan cannot be completed: the others drain."""
        log.error("%s", error)
        self._cancel_start()
        self._send(StopRequest())

    def _cancel_start(self) -> None:
        """Stops the workers that wait for one that will never be ready."""
        if not self._started:
            self._send(StopRequest())
            self._send(StopRequest())

    def _send(self, message: Message) -> None:
        with self._sending:
            for connection in list(self._living):
                with contextlib.suppress(OSError):  # it has just ended; `_receive` notices
                    connection.send(message)

    def part(self) -> None:
        """Ends all processes."""
        patience = 0.0 if self._living else GONE_S
        for connection in list(self._living):
            self._forget(connection)
        for worker in self._workers:
            try:
                worker.process.wait(patience)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
