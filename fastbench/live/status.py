"""What is known of a run's tasks while they are carried out, kept in their status files by a thread of its own."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from msgspec.structs import replace

from fastbench.live.files import History, Pair, Snapshot, Status, last, this_process, write
from fastbench.live.progress import WINDOW_NS, Progress, Sparse, lag_percentiles, latency_percentiles
from fastbench.units import NS_PER_S, NS_PER_US

TICK_S = 0.5
SECONDS_KEPT = 60
_LEAST_MARKS, _LEAST_GROWN, _NOTABLE = 7, 5, 0.05
_QUEUE_S = 5
"""Seconds of answers in flight."""

log = logging.getLogger("fastbench")


class Named(Protocol):
    """A model or a data set of a task."""

    @property
    def abbr(self) -> str:
        """What it is called in results."""
        ...


class RunTask(Protocol):
    """What a status tells of a task."""

    @property
    def name(self) -> str:
        """`model/dataset`."""
        ...

    @property
    def service(self) -> Named:
        """The model."""
        ...

    @property
    def dataset(self) -> Named:
        """The data set."""
        ...


T = TypeVar("T", bound=RunTask)
T_contra = TypeVar("T_contra", bound=RunTask, contravariant=True)


class Directory(Protocol[T_contra]):
    """The directory of a run."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    def log(self, task: T_contra) -> Path:
        """The log of a task, below it."""
        ...


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
        phase = {} if progress is None else self._pace.fields(progress)
        known = {**phase, "status": self._status, "updated": now, "took_ns": int(took * NS_PER_S)}
        return replace(self._first, **known)


class RunStatus:
    """The status files of a run: written at its start and its end, and twice a second for what is being carried out."""

    def __init__(
        self,
        directory: Directory[T],
        tasks: Sequence[T],
        *,
        log_files: bool = True,
        warn: Callable[[str], object] = log.warning,
    ) -> None:
        """log_files: whether the tasks have logs of their own. warn: told once, in the thread of the status, that it
        cannot be written."""
        self._warn = warn
        self._directory = directory.path
        owner = this_process()
        self._tasks: dict[str, TaskStatus] = {}
        for place, task in enumerate(tasks):
            path = str(directory.log(task).relative_to(directory.path)) if log_files else ""
            name = _file_name(task)
            # Where a run is continued with nothing left to send, no phase tells the counts anew.
            counts = last(directory.path, name) or Snapshot(task=task.name, owner=owner)
            own = {"task": task.name, "place": place, "owner": owner, "log": path}
            self._tasks[name] = TaskStatus(replace(counts, status=Status.NOT_START, started=None, **own))
        self._over = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)

    def of(self, task: RunTask) -> TaskStatus:
        """That of one of the tasks."""
        return self._tasks[_file_name(task)]

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
        before: list[str] = []
        while not self._over.wait(TICK_S):
            # Those of the tick before once more: a task that has ended since, even while it was written, stays so.
            active = [name for name, task in self._tasks.items() if task.status.active]
            self._write(before + active)
            before = active

    def _write(self, names: Sequence[str] | dict[str, TaskStatus]) -> None:
        for name in dict.fromkeys(names):
            try:
                write(self._directory, name, self._tasks[name].snapshot())
            except OSError as error:
                if not self._failed:
                    self._failed = True
                    self._warn(
                        f"the status of the run cannot be written ({error.strerror}): the live view stands still"
                    )


def _file_name(task: RunTask) -> str:
    """Of its status file, without `.json`."""
    return f"{task.service.abbr}--{task.dataset.abbr}"


class _Mark(NamedTuple):
    """Counters at one moment."""

    elapsed_ns: int
    ended: int
    output_events: int
    in_flight: int = 0


class _Second(NamedTuple):
    """What the history keeps of a second."""

    in_flight: int
    requests_per_s: float
    events_per_s: float
    ttft_p99_ns: int | None
    itl_p99_ns: int | None


class Pace:
    """One phase after the other; each begins anew."""

    def __init__(self) -> None:
        self._phase = ""
        self._begin("")

    def _begin(self, phase: str) -> None:
        self._phase = phase
        self._marks: deque[_Mark] = deque([_Mark(0, 0, 0)])
        self._seconds: deque[_Second] = deque(maxlen=SECONDS_KEPT)
        self._second = _Mark(0, 0, 0)

    def fields(self, now: Progress) -> dict[str, Any]:
        """The fields of a `Snapshot` that come from a phase. To be called a few times a second."""
        if now.phase != self._phase:
            self._begin(now.phase)
        mark = _Mark(now.elapsed_ns, now.ok + now.failed, now.output_events, now.in_flight)
        self._marks.append(mark)
        while mark.elapsed_ns - self._marks[0].elapsed_ns > WINDOW_NS and len(self._marks) > 2:
            self._marks.popleft()
        requests, events = _rates(self._marks[0], mark)
        ttft, itl = _pair(now.recent.ttft), _pair(now.recent.itl)
        lag = lag_percentiles(now.recent.lag)
        if mark.elapsed_ns - self._second.elapsed_ns >= NS_PER_S:
            self._keep(now, mark, ttft, itl)
        return {
            "pid": now.pid,
            "planned": now.planned,
            "duration_ns": now.duration_ns,
            "elapsed_ns": now.elapsed_ns,
            "to_go_ns": None if now.ended or now.stopping else to_go_ns(now, requests),
            "growing_per_s": self._growing() if now.is_open and not now.ended and not now.stopping else None,
            "sent": now.sent,
            "ok": now.ok,
            "failed": now.failed,
            "not_sent": now.not_sent,
            "in_flight": now.in_flight,
            "stopping": now.stopping,
            "failures": now.failures,
            "requests_per_s": requests,
            "events_per_s": events,
            "ttft": ttft,
            "itl": itl,
            "lag_p99_ns": None if lag is None else lag.p99,
            "stalls": now.recent.stalls,
            "history": self._history(),
        }

    def _keep(self, now: Progress, mark: _Mark, ttft: Pair | None, itl: Pair | None) -> None:
        requests, events = _rates(self._second, mark)
        ttft_ns, itl_ns = (None if pair is None else pair.p99_ns for pair in (ttft, itl))
        self._seconds.append(_Second(now.in_flight, requests or 0.0, events or 0.0, ttft_ns, itl_ns))
        self._second = mark

    def _growing(self) -> float | None:
        """How fast the number in flight grows, per second, where it does so in each third of the last seconds, by more
        than 5 % of what ends; else None."""
        if len(self._marks) < _LEAST_MARKS:
            return None
        marks = [self._marks[index * (len(self._marks) - 1) // 3] for index in range(4)]
        seconds = (marks[-1].elapsed_ns - marks[0].elapsed_ns) / NS_PER_S
        grown = marks[-1].in_flight - marks[0].in_flight
        rising = all(later.in_flight > earlier.in_flight for earlier, later in itertools.pairwise(marks))
        enough = grown > max(_LEAST_GROWN, _NOTABLE * (marks[-1].ended - marks[0].ended))
        return grown / seconds if rising and enough and marks[0].ended else None

    def _history(self) -> History:
        columns = zip(*self._seconds, strict=True) if self._seconds else [()] * len(_Second._fields)
        return History(**dict(zip(_Second._fields, columns, strict=True)))


def to_go_ns(now: Progress, per_s: float | None = None) -> int | None:
    """How long the phase will go on, if it goes on as it did; None = nobody knows. per_s: requests that end, lately.

    Of a phase of limited time what is in flight is counted at that rate, where that takes longer than the rest of the
    time: it is what is left when no more is sent.
    """
    ended = now.ok + now.failed
    if now.duration_ns is not None:
        rest = max(0, now.duration_ns - now.elapsed_ns)
        queue = round(now.in_flight / per_s * NS_PER_S) if per_s else 0
        return max(rest, queue)
    if now.planned is None or not ended:
        return None
    left = max(0, now.planned - ended - now.not_sent)
    whole = now.elapsed_ns * left // ended
    # Where a queue has formed, what is answered lately decides: those in flight and those left to send.
    return max(whole, round(left / per_s * NS_PER_S)) if per_s and now.in_flight > _QUEUE_S * per_s else whole


def _rates(since: _Mark, now: _Mark) -> tuple[float | None, float | None]:
    """Requests that ended, and output events, per second; None where no time has passed."""
    seconds = (now.elapsed_ns - since.elapsed_ns) / NS_PER_S
    if seconds <= 0:
        return None, None
    return (now.ended - since.ended) / seconds, (now.output_events - since.output_events) / seconds


def _pair(sparse: Sparse) -> Pair | None:
    """Median and p99 of latencies; None where there are none."""
    found = latency_percentiles(sparse)
    if found is None:
        return None
    return Pair(p50_ns=found.p50 * NS_PER_US, p99_ns=found.p99 * NS_PER_US, count=found.values)
