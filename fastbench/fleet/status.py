"""What is known of a run's tasks while they are carried out, kept in their status files by a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from fastbench.config.plan import Task
from fastbench.dashboard.files import last, write
from fastbench.dashboard.owner import this_process
from fastbench.dashboard.snapshot import Snapshot, Status
from fastbench.fleet.pace import Pace
from fastbench.fleet.rundir import RunDirectory
from fastbench.load.progress import Progress
from fastbench.units import NS_PER_S

TICK_S = 0.5

log = logging.getLogger("fastbench")


class TaskStatus:
    """One task. Whoever carries it out says how far it is; `RunStatus` writes it down."""

    def __init__(self, first: Snapshot) -> None:
        self._first = first
        self._status = first.status
        self._progress: Progress | None = None
        self._pace = Pace()
        self._ended: float | None = None

    @property
    def status(self) -> Status:
        """How far it is."""
        return self._status

    def observe(self, now: Progress) -> None:
        """Takes what a phase tells of itself: an `Observer`. Costs next to nothing."""
        self._progress = now
        if now.phase == "measure":
            self._status = Status.WRITE_CACHE if now.ended else Status.INFERENCING
        else:
            self._status = Status.WARMUP_FINISHED if now.ended else Status.WARMUP

    def is_now(self, status: Status) -> None:
        """Says what no phase tells: the start and the end."""
        if status is Status.START:
            self._first = replace(self._first, started=time.time())
        elif status.final:
            self._ended = time.time()
        self._status = status

    def snapshot(self) -> Snapshot:
        """All that is known by now. To be called a few times a second."""
        now, progress = time.time(), self._progress
        started = self._first.started
        took = 0.0 if started is None else (self._ended or now) - started
        phase = {} if progress is None else self._pace.told(progress)
        known = {**phase, "status": self._status, "updated": now, "took_ns": int(took * NS_PER_S)}
        return replace(self._first, **known)


class RunStatus:
    """The status files of a run: written at its start and its end, and twice a second for what is being carried out."""

    def __init__(self, directory: RunDirectory, tasks: Sequence[Task], *, log_files: bool = True) -> None:
        """log_files: whether the tasks have logs of their own."""
        self._directory = directory.path
        owner = this_process()
        self._tasks: dict[str, TaskStatus] = {}
        for place, task in enumerate(tasks):
            path = str(directory.log(task).relative_to(directory.path)) if log_files else ""
            name = f"{task.service.abbr}--{task.dataset.abbr}"
            # Where a run is continued with nothing left to send, no phase tells the counts anew.
            counts = last(directory.path, name) or Snapshot(task=task.name, owner=owner)
            own = {"task": task.name, "place": place, "owner": owner, "log": path}
            self._tasks[name] = TaskStatus(replace(counts, status=Status.NOT_START, started=None, **own))
        self._over = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def of(self, task: Task) -> TaskStatus:
        """That of one of the tasks."""
        return self._tasks[f"{task.service.abbr}--{task.dataset.abbr}"]

    def __enter__(self) -> Self:
        self._write(self._tasks)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        for status in self._tasks.values():
            if status.status.active:
                status.is_now(Status.KILLED)
        self._write(self._tasks)

    def _run(self) -> None:
        active: list[str] = []
        while not self._over.wait(TICK_S):
            # Once more after its end: that is the state that stays.
            self._write(active + [name for name, task in self._tasks.items() if task.status.active])
            active = [name for name, task in self._tasks.items() if task.status.active]

    def _write(self, names: Sequence[str] | dict[str, TaskStatus]) -> None:
        for name in dict.fromkeys(names):
            try:
                write(self._directory, name, self._tasks[name].snapshot())
            except OSError as error:
                if not self._failed:
                    log.warning(
                        "the status of the run cannot be written (%s): the live view stands still", error.strerror
                    )
                self._failed = True
