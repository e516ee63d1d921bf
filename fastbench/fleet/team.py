"""Workers in processes of their own: begun together, fed from one queue, heard until the last has ended."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import NamedTuple

from fastbench.errors import FastbenchError, ServiceError
from fastbench.fleet.deaths import Death
from fastbench.fleet.member import DEAF, Begin, Ended, Job, Message, Ready, StopOnce, member_main
from fastbench.load.progress import Observer, Progress, together
from fastbench.load.stop import Stop
from fastbench.units import NS_PER_MS

log = logging.getLogger("fastbench")

START_MARGIN_NS = 20 * NS_PER_MS
"""From the last worker's word that it is ready to the common start."""
GONE_S = 10.0
"""How long a worker that has said its last word may take to end."""


class TeamEnd(NamedTuple):
    """How a team ended. complete: it came to the plan's end. died: the workers that ended without a word. idle: nothing
    was left to be sent."""

    complete: bool
    died: tuple[Death, ...] = ()
    idle: bool = False


def run_team(jobs: Sequence[Job], observer: Observer, stop: Stop, planned: int | None = None) -> TeamEnd:
    """Runs all jobs at once; returns when the last has ended. stop: the user's wishes, handed on to all of them.
    planned: requests of them all, for the observer; None = each worker knows its own, or nobody does.

    A worker that dies before the common start is a ServiceError, and so are those that cannot begin; one that dies
    later is told of in the end, and the rest goes on. What kept a worker from its end is raised when all have ended.
    """
    team = _Team(observer, planned)
    try:
        team.begin(jobs)
        with stop.heard_by(team.stop):
            return team.to_its_end()
    finally:
        team.part()


class _Team:
    def __init__(self, observer: Observer, planned: int | None) -> None:
        self._observer = observer
        self._planned = planned
        self._living: dict[Connection, int] = {}
        self._waiting: set[int] = set()
        self._started = False
        self._asked = 0
        # The user's wishes come from another thread, or from a signal's handler on top of this one.
        self._sending = threading.RLock()
        self._words: dict[int, Progress] = {}
        self._ends: dict[int, Ended] = {}
        self._died: list[int] = []
        self._processes: list[SpawnProcess] = []

    def begin(self, jobs: Sequence[Job]) -> None:
        """Starts a process for each job."""
        context = multiprocessing.get_context("spawn")
        # Started by the first process otherwise, and it would unblock the signals.
        resource_tracker.ensure_running()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, DEAF)
        try:
            for number, job in enumerate(jobs):
                ours, theirs = context.Pipe()
                process = context.Process(target=member_main, args=(theirs, job), name=f"worker {number}", daemon=True)
                process.start()
                theirs.close()
                self._living[ours] = number
                self._waiting.add(number)
                self._processes.append(process)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def stop(self, asked: int) -> None:
        """Hands the user's wishes on, as many as he had."""
        while self._asked < asked:
            self._asked += 1
            self._tell(StopOnce())

    def to_its_end(self) -> TeamEnd:
        """Hears all until the last has ended."""
        while self._living:
            for connection in wait(list(self._living)):
                assert isinstance(connection, Connection)
                self._hear(connection)
        for end in self._ends.values():
            if end.error is not None:
                raise end.error
        if self._died and not self._started:
            raise ServiceError(f"{self._named(self._died)} died before the load began; see the log")
        return TeamEnd(all(end.complete for end in self._ends.values()), tuple(map(Death, self._died)))

    def _hear(self, connection: Connection) -> None:
        number = self._living[connection]
        try:
            message: Message = connection.recv()
        except (EOFError, ConnectionError):
            del self._living[connection]
            self._died.append(number)
            if number in self._words:
                self._words[number] = self._words[number]._replace(in_flight=0, ended=True)
            log.error("%s ended without a word", self._named([number]))
            self._give_up_start()
            return
        if isinstance(message, Progress):
            self._words[number] = message
            self._observer(self._whole(together(list(self._words.values()))))
        elif isinstance(message, Ready):
            self._waiting.discard(number)
            if not self._waiting and not self._started:
                self._started = True
                self._tell(Begin(time.monotonic_ns() + START_MARGIN_NS))
        elif isinstance(message, Ended):
            del self._living[connection]
            self._ends[number] = message
            if message.error is not None:
                self._stop_others(message.error)
            elif number in self._waiting:
                self._give_up_start()  # it was stopped before it was ready

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
        """No process is left behind, whatever ends the team."""
        for connection in self._living:
            connection.close()
        for process in self._processes:
            process.join(0 if self._living else GONE_S)
            if process.is_alive():
                process.kill()
                process.join()

    def _named(self, numbers: Sequence[int]) -> str:
        return ", ".join(self._processes[number].name for number in numbers)
