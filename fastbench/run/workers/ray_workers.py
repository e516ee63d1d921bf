"""The workers of a task on other hosts: started together, watched to their end, their recordings fetched."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from fastbench.errors import FastbenchError, RecordingError, ServiceError
from fastbench.live import Observer, Progress, merge_progress
from fastbench.plan import Share
from fastbench.recording import AppendFile
from fastbench.run.directory import log
from fastbench.run.worker import Assignment
from fastbench.run.workers.clocks import Exchanges
from fastbench.run.workers.ends import Death, WorkersEnd
from fastbench.run.workers.remote import LOG, Command, Status
from fastbench.units import NS_PER_S

PIECE_BYTES = 4 << 20
LOG_BYTES = 1 << 20
"""Of a worker's log so much is kept."""


def fetch(ray: Any, actor: Any, directory: Path, log_file: Path | None) -> None:
    """Copies the parts of the recording to `directory` and adds the worker's log to the task's; then the worker's own
    files are deleted. What came before the worker died is a part without an end, as its blocks have their checksums.

    Raises RecordingError where a file cannot be written, and what Ray raises where the worker is gone.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, size in ray.get(actor.files.remote()).items():
            if name == LOG:
                _add_log(ray.get(actor.read.remote(name, 0, LOG_BYTES)), log_file)
            else:
                _copy(ray, actor, name, size, directory / os.path.basename(name))
    except OSError as error:
        raise RecordingError(f"the recording in {directory} cannot be copied to this host: {error.strerror}") from error
    ray.get(actor.forget.remote())


def _copy(ray: Any, actor: Any, name: str, size: int, target: Path) -> None:
    file = AppendFile(target)
    try:
        while file.size < size and (piece := ray.get(actor.read.remote(name, file.size, PIECE_BYTES))):
            file.append([piece])
        file.sync()
    finally:
        file.close()


def _add_log(content: bytes, log_file: Path | None) -> None:
    if log_file is None:
        log.info("%s", content.decode("utf-8", "replace").rstrip())
        return
    with log_file.open("ab") as file:
        file.write(content)


POLL_S = 0.25
"""How often each worker is polled, if there are few."""
MESSAGES_PER_S = 400
"""Polls of all workers: so many cost the coordinator a part of one processor."""
START_MARGIN_NS = 2 * NS_PER_S
"""From the last worker's readiness to the common start, by when all of them must know it."""
FETCHES = 4
"""Recordings that are fetched at a time."""


class RemoteWorker:
    """One worker as the coordinator knows it."""

    def __init__(self, actor: Any, share: Share, host: str) -> None:
        self.actor = actor
        self.share = share
        self.host = host
        self.run: Any = None
        self.reply: Any = None
        """The pending answer."""
        self.asked_ns = 0
        self.ready = False
        self.died = False
        self.progress: Progress | None = None

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"worker {self.share.number} on {self.host}"


class RayWorkerPool:
    """All workers of a task."""

    def __init__(self, ray: Any, assignment: Assignment, workers: list[RemoteWorker], observer: Observer) -> None:
        self._ray = ray
        self._assignment = assignment
        self._observer = observer
        self._workers = workers
        self._planned = assignment.plan.planned
        base_ns = time.time_ns() - time.monotonic_ns()
        self._clocks = {worker.share.number: Exchanges(base_ns) for worker in workers}
        self._living = list(workers)
        self._poll_s = max(POLL_S, len(workers) / MESSAGES_PER_S)
        self._stops = 0
        self._enough = ""
        self._start_ns: int | None = None
        self._complete = True
        self._error: FastbenchError | None = None

    def stop(self, asked: int, enough: str = "") -> None:
        """Passes requests to stop on."""
        self._stops, self._enough = max(self._stops, asked), enough

    def to_its_end(self) -> WorkersEnd:
        """Runs all workers; returns when the last has ended and what there is of their recordings is here.

        A worker that dies before the common start is a ServiceError; one that dies later is reported at the end.
        """
        self._begin()
        while self._living:
            self._poll()
            self._receive()
        self._fetch_all()
        if self._error is not None:
            raise self._error
        died = tuple(Death(worker.share.number, worker.host) for worker in self._workers if worker.died)
        if died and self._start_ns is None:
            names = ", ".join(worker.name for worker in self._workers if worker.died)
            raise ServiceError(f"{names} died before the load began")
        return WorkersEnd(self._complete, died)

    def _begin(self) -> None:
        for worker in self._workers:
            self._clocks[worker.share.number].measure(partial(self._mono_ns, worker))
        # The clocks stand in the headers, so every worker gets its own first.
        self._ray.get([worker.actor.exchange.remote(self._command(worker)) for worker in self._workers])
        for worker in self._workers:
            worker.run = worker.actor.run.remote(self._assignment._replace(share=worker.share))

    def _mono_ns(self, worker: RemoteWorker) -> int:
        mono_ns: int = self._ray.get(worker.actor.mono_ns.remote())
        return mono_ns

    def _command(self, worker: RemoteWorker) -> Command:
        clock = self._clocks[worker.share.number]
        start_ns = None if self._start_ns is None else clock.there(self._start_ns)
        return Command(self._stops, start_ns, clock.best, self._enough)

    def _poll(self) -> None:
        for worker in self._living:
            if worker.reply is None:
                worker.asked_ns = time.monotonic_ns()
                worker.reply = worker.actor.exchange.remote(self._command(worker))

    def _receive(self) -> None:
        """Takes answers until the next poll."""
        until = time.monotonic() + self._poll_s
        while self._living and (left := until - time.monotonic()) > 0:
            waiting = [worker.run for worker in self._living] + [
                worker.reply for worker in self._living if worker.reply is not None
            ]
            done, _ = self._ray.wait(waiting, num_returns=1, timeout=left)
            for worker in list(self._living):
                if worker.reply in done:
                    self._take_status(worker)
                if worker.run in done:
                    self._take_end(worker)

    def _take_status(self, worker: RemoteWorker) -> None:
        reply, worker.reply = worker.reply, None
        try:
            status: Status = self._ray.get(reply)
        except self._ray.exceptions.RayError:
            return  # the end of its run will say what happened
        self._clocks[worker.share.number].add(worker.asked_ns, status.mono_ns)
        worker.ready = status.ready
        if status.progress is not None:
            worker.progress = status.progress
            self._observe()
        if (
            self._start_ns is None
            and all(one.ready for one in self._living)
            and len(self._living) == len(self._workers)
        ):
            self._start_ns = time.monotonic_ns() + START_MARGIN_NS + round(2 * self._poll_s * NS_PER_S)

    def _take_end(self, worker: RemoteWorker) -> None:
        self._living.remove(worker)
        try:
            complete, error = self._ray.get(worker.run)
        except self._ray.exceptions.RayTaskError as found:
            last = str(found).strip().splitlines()[-1]
            complete, error = False, ServiceError(f"{worker.name} failed: {last}")
        except self._ray.exceptions.RayError as found:
            worker.died = True
            log.error("%s died: %s", worker.name, " ".join(str(found).split()))
            if worker.progress is not None:
                worker.progress = worker.progress._replace(in_flight=0, ended=True)
            self._cancel_start()
            return
        self._complete &= complete
        if error is not None:
            log.error("%s: %s", worker.name, error)
            self._error = self._error or error
            self._stops = max(self._stops, 1)
        if not complete:
            self._cancel_start()

    def _cancel_start(self) -> None:
        """Stops the workers that wait for one that will never be ready."""
        if self._start_ns is None:
            self._stops = max(self._stops, 2)

    def _observe(self) -> None:
        now = merge_progress([worker.progress for worker in self._workers if worker.progress is not None])
        known = self._planned is not None and now.phase == "measure"
        self._observer(now._replace(planned=self._planned) if known else now)

    def _fetch_all(self) -> None:
        """Fetches the recordings of all workers that live; of one that dies meanwhile, what there is."""
        with ThreadPoolExecutor(FETCHES) as pool:
            for worker, whole in zip(self._workers, pool.map(self._fetched, self._workers), strict=True):
                worker.died |= not whole

    def _fetched(self, worker: RemoteWorker) -> bool:
        if worker.died:
            return True
        try:
            fetch(self._ray, worker.actor, self._assignment.recording, self._assignment.log)
        except self._ray.exceptions.RayError as error:
            log.error("the recording of %s could not be fetched: %s", worker.name, " ".join(str(error).split()))
            return False
        return True
