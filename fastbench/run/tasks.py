"""All tasks of a run, each into its own recording; and what a recording leaves to be sent of its task."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from fastbench.config import RunConfig, Task
from fastbench.datasets import Dataset
from fastbench.errors import FastbenchError, UsageError
from fastbench.live import Observer
from fastbench.plan import Remainder, Requests, RunPlan, TaskPlan, begins_at
from fastbench.plan.shapes import Schedule
from fastbench.recording import NOT_FINAL, OUTCOMES, TEXTS, Recording, has_writer, part_number, part_path, part_paths
from fastbench.run.directory import RunDirectory, log, log_to
from fastbench.run.stop import Stop
from fastbench.run.worker import Assignment, FieldRefusedError, measured_words
from fastbench.run.workers import Death, Launcher, WorkersEnd, on_this_host, with_recorded

CANCELLED = OUTCOMES.index("cancelled")


def remainder_of(plan: TaskPlan, directory: Path, dataset: Dataset) -> Remainder | None:
    """The requests of `plan` that have no outcome in the recording, or that the user's stop cancelled; None = it has
    all there is to have.

    Raises UsageError where they cannot be sent by themselves, or while the recording has a writer.
    """
    task = plan.task
    paths = part_paths(directory)
    if any(map(has_writer, paths)):
        raise UsageError(f"--reuse: the run is still going, the recording {directory} has a writer at work")
    recording = Recording.open(directory)
    if _is_share(recording):
        raise _cannot(task, "is one share of a plan (--shard)", "the other shares are not here; merge them first")
    rows = recording.rows[recording.rows["flags"] & NOT_FINAL == 0]
    ended = rows[rows["outcome"] != CANCELLED]
    planned = recording.header.get("load", {}).get("planned")
    if planned is None:
        if recording.footer is not None and not recording.footer.get("interrupted"):
            return None
        raise _cannot(task, "was to send for a time (duration, pressure or profile)", "the rest of it is gone")
    ratio = float(recording.header.get("tokens_per_word", 1.0))
    if planned != plan.requests:
        raise UsageError(
            f"--reuse: {task.name} has {plan.requests} requests now, and had {planned}: the data set has "
            "changed since; give it as it was, or leave --reuse out"
        )
    places = np.setdiff1d(np.arange(planned), ended["request"])
    if not places.size:
        return None
    if plan.has_turns or ended["session"].any():
        raise _cannot(task, "is of conversations", "what was said before is not there to go on from")
    requests = Requests(plan.changed(tokens_per_word=ratio), dataset)
    since_ns = _offset(int(places[0]), plan.schedule, requests)
    return Remainder(
        places=places,
        since_ns=since_ns,
        leg=recording.legs,
        part=1 + max(part_number(path) for path in paths),
        resumes_ns=_resumes_ns(recording, rows, plan.schedule, requests, since_ns),
        tokens_per_word=ratio,
    )


def _cannot(task: Task, what: str, why: str) -> UsageError:
    return UsageError(f"--reuse cannot continue {task.name}: it {what}, and {why}; leave --reuse out to measure anew")


def _is_share(recording: Recording) -> bool:
    """Whether others, on other hosts, had the rest of the plan: their clocks were compared, and they are not here."""
    shares = [part.header.get("share") or {} for part in recording.parts if "clock" in part.header]
    of = max((int(share.get("of", 1)) for share in shares), default=0)
    return len({share.get("number") for share in shares}) < of


def _offset(place: int, schedule: Schedule, requests: Requests) -> int:
    """When a request was to begin, since the plan's start; 0 in a closed loop."""
    if schedule.offsets is not None:
        return int(schedule.offsets[place])
    if not schedule.timed_by_data:
        return 0
    ((_, sample),) = requests.numbered([place])
    return begins_at(sample, schedule)


def _resumes_ns(
    recording: Recording, rows: NDArray[np.void], schedule: Schedule, requests: Requests, since_ns: int
) -> int:
    """Where the rest begins on the recording's axis: an open loop's goes on where the plan has it, a closed loop's
    follows on the last moment."""
    timed = rows[rows["intended_ns"] > 0]
    if not timed.size:
        return int(recording.header.get("mono_ns", 0))
    if schedule.slots is not None:
        return int(rows["end_ns"].max())
    first = timed[np.argmin(timed["intended_ns"])]
    return int(first["intended_ns"]) - _offset(int(first["request"]), schedule, requests) + since_ns


ObserverFor = Callable[[Task], contextlib.AbstractContextManager[Observer]]


@dataclass(frozen=True)
class TaskRun:
    """How a task ended. complete: False when the user stopped it; error: why it could not be carried out; died: its
    workers that died on the way; idle: nothing of it was left to be sent."""

    task: Task
    complete: bool
    error: FastbenchError | None = None
    died: tuple[Death, ...] = ()
    idle: bool = False


@contextlib.contextmanager
def unobserved(_: Task) -> Iterator[Observer]:
    """The observers of a run that nobody watches."""
    yield lambda _: None


def run_tasks(
    run: RunConfig,
    directory: RunDirectory,
    plan: RunPlan,
    stop: Stop,
    observer_for: ObserverFor = unobserved,
    launcher: Launcher = on_this_host,
    *,
    resumes: bool = False,
) -> Iterator[TaskRun]:
    """Carries out the tasks of `run`, yielding each as it ends. A task that fails does not keep the next from its
    turn; after one that the user stopped no other begins. stop: his wishes. launcher: who carries them out. resumes:
    the directory has a run already, of which only what has no outcome is sent.
    """
    running = _Running(run, directory, plan, stop, observer_for, launcher, resumes)
    # Launchers of other hosts take one task after the other.
    several = run.tasks_at_once > 1 and launcher is on_this_host
    return running.side_by_side(run.tasks_at_once) if several else running.one_by_one()


class _Running:
    """What all tasks of a run share."""

    def __init__(
        self,
        run: RunConfig,
        directory: RunDirectory,
        plan: RunPlan,
        stop: Stop,
        observer_for: ObserverFor,
        launcher: Launcher,
        resumes: bool,
    ) -> None:
        self._run = run
        self._directory = directory
        self._plan = plan
        self._stop = stop
        self._observer_for = observer_for
        self._launcher = launcher
        self._resumes = resumes

    def one_by_one(self) -> Iterator[TaskRun]:
        for plan in self._plan.tasks:
            with log_to(self._log(plan.task)):
                ended = self._ended(plan, self._launcher)
            yield ended
            if not ended.complete and ended.error is None:
                return

    def side_by_side(self, most: int) -> Iterator[TaskRun]:
        """Each in processes of its own, at most so many at a time."""
        with ThreadPoolExecutor(most) as pool, self._stop.heard_by(lambda _: None):
            running = {pool.submit(copy_context().run, self._unless_stopped, plan) for plan in self._plan.tasks}
            while running:
                # In pieces: a wait without end would keep the user's signals waiting too.
                done, running = wait(running, 0.2, FIRST_COMPLETED)
                yield from (ended for future in done if (ended := future.result()) is not None)

    def _unless_stopped(self, plan: TaskPlan) -> TaskRun | None:
        if self._stop.asked:
            return None

        def apart(assignment: Assignment, *rest: object) -> WorkersEnd:
            return on_this_host(assignment, *rest, in_process=False)  # type: ignore[arg-type]  # handed on as they come

        with log_to(self._log(plan.task)):
            return self._ended(plan, apart)

    def _ended(self, plan: TaskPlan, launcher: Launcher) -> TaskRun:
        task = plan.task
        try:
            with _with_service(plan) as served, self._observer_for(task) as observer:
                end = self._without_what_is_refused(served, observer, launcher)
        except FastbenchError as error:
            log.error("%s: %s", task.name, error)
            return TaskRun(task, complete=False, error=error)
        except KeyboardInterrupt:
            # Before its load began, or after: what other tasks came to is not lost by it.
            log.info("%s: interrupted", task.name)
            return TaskRun(task, complete=False)
        log.info("%s: %s", task.name, "finished" if end.complete else "stopped by the user")
        died = with_recorded(end.died, self._directory.recording(task)) if end.died else ()
        return TaskRun(task, end.complete, died=died, idle=end.idle)

    def _without_what_is_refused(self, plan: TaskPlan, observer: Observer, launcher: Launcher) -> WorkersEnd:
        """Carries the task out; begins it anew, without the field, where the service refuses one at the warm-up that
        nobody asked for by name."""
        task = plan.task
        there = set(filter(Path.exists, part_paths(self._directory.recording(task))))
        try:
            return self._carry_out(plan, observer, launcher)
        except FieldRefusedError as error:
            # Each share of a plan is another command's: what one leaves out the others would send.
            if not getattr(launcher, "has_whole_plan", True):
                raise
            log.warning("%s: the service refuses %s (%s): left out", task.name, error.field, error.words)
            for path in set(part_paths(self._directory.recording(task))) - there:
                part_path(path.parent, TEXTS, part_number(path)).unlink(missing_ok=True)
                path.unlink(missing_ok=True)
            left_out = {**task.left_out, error.field: error.words}
            return self._without_what_is_refused(
                plan.changed(task=replace(task, left_out=left_out)), observer, launcher
            )

    def _carry_out(self, plan: TaskPlan, observer: Observer, launcher: Launcher) -> WorkersEnd:
        task = plan.task
        recording, dataset = self._directory.recording(task), self._plan.dataset_of(task)
        if self._resumes and part_paths(recording)[0].is_file():
            remainder = remainder_of(plan, recording, dataset)
            if remainder is None:
                log.info("%s: nothing is left to be sent", task.name)
                return WorkersEnd(complete=True, idle=True)
            log.info("%s: continued, %s requests are left", task.name, len(remainder.places))
            # Prompts are made as those that were sent before.
            plan = plan.changed(remainder=remainder, tokens_per_word=remainder.tokens_per_word)
        else:
            plan = plan.changed(tokens_per_word=measured_words(plan, self._stop))
        if self._stop.asked:
            return WorkersEnd(complete=False)
        for sentence in plan.workers.reasons:
            log.info("%s: %s", task.name, sentence)
        return launcher(Assignment(plan, recording, self._log(task)), observer, self._stop, dataset)

    def _log(self, task: Task) -> Path | None:
        """The task's log; None = standard error."""
        return None if self._run.debug else self._directory.log(task)


@contextlib.contextmanager
def _with_service(plan: TaskPlan) -> Iterator[TaskPlan]:
    """The plan as it is, or with the URL of a simulated service that lives as long as the context."""
    service = plan.task.service
    if service.mock is None:
        yield plan
        return
    # Imported late: most runs need no simulated service.
    from fastbench.mock import Mock

    with Mock(**service.mock) as mock:
        yield plan.changed(task=replace(plan.task, service=replace(service, url=mock.url)))
