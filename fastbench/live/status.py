"""What is known of a run's tasks while they are carried out, kept in their status files by a thread of its own."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from msgspec.structs import replace

from fastbench.live.files import History, Snapshot, Spread, Status, last, this_process, write
from fastbench.live.progress import WINDOW_NS, Progress, Sparse, lag_percentiles, latency_percentiles
from fastbench.units import NS_PER_S, NS_PER_US

TICK_S = 0.5
SECONDS_KEPT = 300
"""As many as the graphs of a wide terminal have columns."""
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
    waiting: int
    """In flight, or overdue."""
    asked: int
    """Of a closed loop, which asks for no rate, those that were sent."""


class _Rates(NamedTuple):
    """Per second."""

    requests: float
    events: float
    asked: float


class _Second(NamedTuple):
    """What the history keeps of a second."""

    in_flight: int
    asked_per_s: float
    requests_per_s: float
    events_per_s: float
    ttft_ns: int | None
    tpot_ns: int | None
    itl_ns: int | None


class Pace:
    """One phase after the other; each begins anew."""

    def __init__(self) -> None:
        self._phase = ""
        self._begin("")

    def _begin(self, phase: str) -> None:
        self._phase = phase
        self._marks: deque[_Mark] = deque([_Mark(0, 0, 0, 0, 0)])
        self._seconds: deque[_Second] = deque(maxlen=SECONDS_KEPT)
        self._second = _Mark(0, 0, 0, 0, 0)
        self._history = History()
        self._overloaded_ns: int | None = None

    def fields(self, now: Progress) -> dict[str, Any]:
        """The fields of a `Snapshot` that come from a phase. To be called a few times a second."""
        if now.phase != self._phase:
            self._begin(now.phase)
        overdue = _overdue(now)
        asked = now.sent + now.not_sent + overdue
        mark = _Mark(now.elapsed_ns, now.ok + now.failed, now.output_events, now.in_flight + overdue, asked)
        self._marks.append(mark)
        while mark.elapsed_ns - self._marks[0].elapsed_ns > WINDOW_NS and len(self._marks) > 2:
            self._marks.popleft()
        rates = _rates(self._marks[0], mark)
        late, lag = latency_percentiles(now.recent.late), lag_percentiles(now.recent.lag)
        latencies = {
            "ttft": _spread(now.recent.ttft),
            "tpot": _spread(now.recent.tpot),
            "itl": _spread(now.recent.itl),
        }
        if mark.elapsed_ns - self._second.elapsed_ns >= NS_PER_S:
            self._keep(now, mark, latencies)
        going_on = not now.ended and not now.stopping
        growing = self._growing() if now.is_open and going_on else None
        self._judge(mark, growing, rates)
        per_s = None if rates is None else rates.requests
        return {
            **{name: getattr(now, name) for name in _TAKEN},
            "overdue": overdue,
            "to_go_ns": to_go_ns(now, per_s) if going_on else None,
            "growing_per_s": growing,
            "overloaded_ns": self._overloaded_ns,
            "asked_per_s": rates.asked if rates is not None and now.is_open and not now.stopping else None,
            "requests_per_s": per_s,
            "events_per_s": None if rates is None else rates.events,
            "tokens_per_event": now.recent.tokens_per_event,
            **latencies,
            "late_p99_ns": None if late is None else late.p99 * NS_PER_US,
            "lag_p99_ns": None if lag is None else lag.p99,
            "stalls": now.recent.stalls,
            "history": self._history,
        }

    def _keep(self, now: Progress, mark: _Mark, latencies: Mapping[str, Spread | None]) -> None:
        rates = _rates(self._second, mark)
        assert rates is not None
        asked, requests, events = (round(rate, 2) for rate in (rates.asked, rates.requests, rates.events))
        ttft, tpot, itl = (None if spread is None else spread.p50_ns for spread in latencies.values())
        self._seconds.append(_Second(now.in_flight, asked, requests, events, ttft, tpot, itl))
        self._second = mark
        self._history = History(**dict(zip(_Second._fields, zip(*self._seconds, strict=True), strict=True)))

    def _judge(self, mark: _Mark, growing: float | None, rates: _Rates | None) -> None:
        """A service is overloaded from when its queue begins to grow until it has been worked off."""
        if growing is not None and self._overloaded_ns is None:
            self._overloaded_ns = self._marks[0].elapsed_ns
        elif growing is None and rates is not None and mark.waiting < rates.requests:
            self._overloaded_ns = None

    def _growing(self) -> float | None:
        """How fast those in flight or overdue grow, per second, where they do so in each third of the last seconds, by
        more than 5 % of what ends; else None."""
        if len(self._marks) < _LEAST_MARKS:
            return None
        marks = [self._marks[index * (len(self._marks) - 1) // 3] for index in range(4)]
        seconds = (marks[-1].elapsed_ns - marks[0].elapsed_ns) / NS_PER_S
        grown = marks[-1].waiting - marks[0].waiting
        rising = all(later.waiting > earlier.waiting for earlier, later in itertools.pairwise(marks))
        enough = grown > max(_LEAST_GROWN, _NOTABLE * (marks[-1].ended - marks[0].ended))
        return grown / seconds if rising and enough and marks[0].ended else None


_TAKEN = (
    *("pid", "planned", "duration_ns", "elapsed_ns", "sent", "ok", "failed", "not_sent", "in_flight", "answering"),
    *("stopping", "failures", "url", "load", "judged", "good"),
)
"""Fields of `Progress` that a `Snapshot` has too."""


def _overdue(now: Progress) -> int:
    """Requests whose time has come and that did not go out."""
    return 0 if now.asked is None or now.stopping else max(0, now.asked - now.sent - now.not_sent)


def to_go_ns(now: Progress, per_s: float | None = None) -> int | None:
    """How long the phase will go on, if it goes on as it did; None = nobody knows. per_s: requests that end, lately.

    Sending takes the rest of the time, or of the plan. What is left at the rate of the last answers is what decides
    where a queue has formed, in flight or overdue, and takes longer than that.
    """
    ended = now.ok + now.failed
    left = None if now.planned is None else max(0, now.planned - ended - now.not_sent)
    end_ns = now.duration_ns if now.sending_ns is None else now.sending_ns
    queue = now.in_flight + _overdue(now)
    if end_ns is not None:
        rest = max(0, end_ns - now.elapsed_ns)
    elif left is not None and ended:
        rest = now.elapsed_ns * left // ended
    else:
        return None
    if not per_s or (end_ns is None and queue <= _QUEUE_S * per_s):
        return rest
    # Before sending ends, what is left to send is no queue as long as the service keeps up with it.
    kept_up = left is None or (rest and queue <= _QUEUE_S * per_s)
    return max(rest, round((queue if kept_up else left or 0) / per_s * NS_PER_S))


def _rates(since: _Mark, now: _Mark) -> _Rates | None:
    """None where no time has passed."""
    seconds = (now.elapsed_ns - since.elapsed_ns) / NS_PER_S
    if seconds <= 0:
        return None
    counts = (now.ended - since.ended, now.output_events - since.output_events, now.asked - since.asked)
    return _Rates(*(count / seconds for count in counts))


def _spread(sparse: Sparse) -> Spread | None:
    """Percentiles of latencies; None where there are none."""
    found = latency_percentiles(sparse)
    if found is None:
        return None
    p50, p90, p99 = (value * NS_PER_US for value in (found.p50, found.p90, found.p99))
    return Spread(p50_ns=p50, p90_ns=p90, p99_ns=p99, count=found.values)
