"""Workers of this host: one in this process, or several in their own, begun together, fed from one queue, heard until
the last has ended."""

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
import tempfile
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
from fastbench.run.worker import Alone, Assignment, run_worker
from fastbench.run.workers.ends import Death, WorkersEnd
from fastbench.run.workers.member import DEAF, Begin, Ended, Message, Ready, StopOnce
from fastbench.units import NS_PER_MS

_NUMBER = struct.Struct("<q")


class SharedQueue:
    """The places 0 … total - 1, each taken once. total: None = without end.

    Its number lies in a file, under a lock that ends with the process that holds it: a worker that is killed holds up
    nobody. Pickled, it is the same queue in another process.
    """

    def __init__(self, path: Path, total: int | None) -> None:
        self._path = path
        self._total = total
        # A file object, so that the last one to know the queue closes it.
        self._file = path.open("r+b", buffering=0)
        self._memory = mmap.mmap(self._file.fileno(), _NUMBER.size)

    def __reduce__(self) -> tuple[type[SharedQueue], tuple[Path, int | None]]:
        return SharedQueue, (self._path, self._total)

    @property
    def left(self) -> int:
        """How many nobody has taken by now."""
        (first,) = _NUMBER.unpack_from(self._memory)
        return sys.maxsize if self._total is None else self._total - int(first)

    def take(self, most: int) -> range:
        """The next places, at most so many; empty when none are left."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            (first,) = _NUMBER.unpack_from(self._memory)
            stop = first + most if self._total is None else min(first + most, self._total)
            _NUMBER.pack_into(self._memory, 0, stop)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
        return range(first, stop)


@contextlib.contextmanager
def shared_queue(total: int | None, spare: Path) -> Iterator[SharedQueue]:
    """A new queue, gone at the end of the block. spare: a directory for its file where the system has none that can be
    written to, as in a container whose root is read-only."""
    try:
        place = tempfile.gettempdir()
    except FileNotFoundError:
        place = str(spare)
    with tempfile.NamedTemporaryFile(prefix="fastbench-queue-", dir=place) as file:
        file.write(_NUMBER.pack(0))
        file.flush()
        yield SharedQueue(Path(file.name), total)


START_MARGIN_NS = 20 * NS_PER_MS
"""From the last worker's word that it is ready to the common start."""
GONE_S = 10.0
"""How long a worker that has said its last word may take to end."""
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
    with (
        shared_queue(places, assignment.recording.parent) if workers.shares_queue else contextlib.nullcontext()
    ) as queue:
        assignments = [
            assignment._replace(share=Share(number, workers.count), queue=queue, run_id=run_id)
            for number in range(workers.count)
        ]
        return run_pool(assignments, observer, stop, plan.left)


def run_pool(
    assignments: Sequence[Assignment], observer: Observer, stop: Stop, planned: int | None = None
) -> WorkersEnd:
    """Carries all of them out at once; returns when the last has ended. stop: the user's wishes, handed on to all.
    planned: requests of them all, for the observer; None = each worker knows its own, or nobody does.

    A worker that dies before the common start is a ServiceError, and so are those that cannot begin; one that dies
    later is reported at the end, and the rest goes on. What kept a worker from its end is raised when all have ended.
    """
    pool = _WorkerPool(observer, planned)
    try:
        pool.begin(assignments)
        with stop.heard_by(pool.stop):
            return pool.to_its_end()
    finally:
        pool.part()


class _Worker:
    """A worker's process, and this end of the connection to it."""

    def __init__(self, number: int) -> None:
        self.number = number
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                # -P: not what happens to lie in the current directory, such as a source tree that is not built.
                [sys.executable, "-P", "-c", COMMAND, str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": _search_path()},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self.connection = Connection(ours.detach())

    def assign(self, assignment: Assignment) -> None:
        """Tells it what to do; one that has died by now will be heard of by its silence."""
        with contextlib.suppress(ConnectionError):
            # What an application has added to its path may hold what plug-ins need.
            self.connection.send(sys.path)
            self.connection.send(assignment)

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"worker {self.number}"


def _search_path() -> str:
    """PYTHONPATH with which a worker's process finds this very package, installed or not."""
    root = str(Path(fastbench.__file__).parents[1])
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])


class _WorkerPool:
    def __init__(self, observer: Observer, planned: int | None) -> None:
        self._observer = observer
        self._planned = planned
        self._workers: list[_Worker] = []
        self._living: dict[Connection, _Worker] = {}
        self._waiting: set[int] = set()
        self._started = False
        self._asked = 0
        # The user's wishes come from another thread, or from a signal's handler on top of this one.
        self._sending = threading.RLock()
        self._words: dict[int, Progress] = {}
        self._ends: dict[int, Ended] = {}
        self._died: list[int] = []

    def begin(self, assignments: Sequence[Assignment]) -> None:
        """Starts a process for each."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, DEAF)
        try:
            for number in range(len(assignments)):
                worker = _Worker(number)
                self._living[worker.connection] = worker
                self._waiting.add(number)
                self._workers.append(worker)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        # When all have begun to start: a large plan waits until its worker reads it.
        for worker, assignment in zip(self._workers, assignments, strict=True):
            worker.assign(assignment)

    def stop(self, asked: int) -> None:
        """Hands the user's wishes on, as many as he had."""
        while self._asked < asked:
            self._asked += 1
            self._tell(StopOnce())

    def to_its_end(self) -> WorkersEnd:
        """Hears all until the last has ended."""
        while self._living:
            for connection in wait(list(self._living)):
                assert isinstance(connection, Connection)
                self._hear(connection)
        for end in self._ends.values():
            if end.error is not None:
                raise end.error
        if self._died and not self._started:
            names = ", ".join(self._workers[number].name for number in self._died)
            raise ServiceError(f"{names} died before the load began; see the log")
        return WorkersEnd(all(end.complete for end in self._ends.values()), tuple(map(Death, self._died)))

    def _hear(self, connection: Connection) -> None:
        worker = self._living[connection]
        number = worker.number
        try:
            message: Message = connection.recv()
        except (EOFError, ConnectionError):
            self._forget(connection)
            self._died.append(number)
            if number in self._words:
                self._words[number] = self._words[number]._replace(in_flight=0, ended=True)
            log.error("%s ended without a word", worker.name)
            self._give_up_start()
            return
        if isinstance(message, Progress):
            self._words[number] = message
            self._observer(self._whole(merge_progress(list(self._words.values()))))
        elif isinstance(message, Ready):
            self._waiting.discard(number)
            if not self._waiting and not self._started:
                self._started = True
                self._tell(Begin(time.monotonic_ns() + START_MARGIN_NS))
        elif isinstance(message, Ended):
            self._forget(connection)
            self._ends[number] = message
            if message.error is not None:
                self._stop_others(message.error)
            elif number in self._waiting:
                self._give_up_start()  # it was stopped before it was ready

    def _forget(self, connection: Connection) -> None:
        with self._sending:
            del self._living[connection]
            connection.close()

    def _whole(self, now: Progress) -> Progress:
        known = self._planned is not None and now.phase == "measure"
        return now._replace(planned=self._planned) if known else now

    def _stop_others(self, error: FastbenchError) -> None:
        """One cannot go on, so the plan cannot be carried out: what is in flight ends by itself."""
        log.error("%s", error)
        self._give_up_start()
        self._tell(StopOnce())

    def _give_up_start(self) -> None:
        """Nobody waits for one that will never be ready."""
        if not self._started:
            self._tell(StopOnce())
            self._tell(StopOnce())

    def _tell(self, message: Message) -> None:
        with self._sending:
            for connection in list(self._living):
                with contextlib.suppress(OSError):  # it has just ended: its last word or its silence says so
                    connection.send(message)

    def part(self) -> None:
        """No process is left behind, whatever ends the pool."""
        patience = 0.0 if self._living else GONE_S
        for connection in list(self._living):
            self._forget(connection)
        for worker in self._workers:
            try:
                worker.process.wait(patience)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
