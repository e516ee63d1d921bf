"""All tasks of a run, each into its own recording; and the remainder of an interrupted task."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from fastbench.config import RunConfig, Task
from fastbench.datasets import Dataset
from fastbench.errors import FastbenchError, UsageError
from fastbench.live import Observer, Progress
from fastbench.plan import WHOLE, Remainder, Requests, RunPlan, TaskPlan, begins_at
from fastbench.plan.shapes import Schedule
from fastbench.recording import NOT_FINAL, OUTCOMES, TEXTS, Recording, has_writer, part_number, part_path, part_paths
from fastbench.run.directory import RunDirectory, log, log_to
from fastbench.run.stop import Stop
from fastbench.run.worker import Assignment, FieldRefusedError, Judging, measured_words, reset_cache
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
        raise UsageError(f"--reuse: the run has not ended: a process is still writing the recording {directory}")
    recording = Recording.open(directory)
    if _is_share(recording):
        raise _cannot(task, "is one shard of a run (--shard)", "the other shards are missing; merge them first")
    rows = recording.rows[recording.rows["flags"] & NOT_FINAL == 0]
    ended = rows[rows["outcome"] != CANCELLED]
    if recording.footer is not None and recording.footer.get("enough"):
        return None
    planned = recording.header.get("load", {}).get("planned")
    if planned is None:
        if recording.footer is not None and not recording.footer.get("interrupted"):
            return None
        raise _cannot(task, "was limited by time (duration, pressure or profile)", "that time has passed")
    ratio = float(recording.header.get("tokens_per_word", 1.0))
    if planned != plan.requests:
        raise UsageError(
            f"--reuse: {task.name} has {plan.requests} requests now, and had {planned}: the data set has "
            "changed; restore it, or leave --reuse out"
        )
    places = np.setdiff1d(np.arange(planned), ended["request"])
    if not places.size:
        return None
    if plan.has_turns or ended["session"].any():
        raise _cannot(task, "holds conversations", "their earlier replies were not recorded")
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
    return UsageError(f"--reuse cannot resume {task.name}: it {what}, and {why}; leave --reuse out to start a new run")


def _is_share(recording: Recording) -> bool:
    """Whether other hosts sent the rest of the plan."""
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
    """The start of the remainder on the recording's axis: as planned in an open loop, right after the last moment in a
    closed one."""
    timed = rows[rows["intended_ns"] > 0]
    if not timed.size:
        return int(recording.header.get("mono_ns", 0))
    if schedule.slots is not None:
        return int(rows["end_ns"].max())
    first = timed[np.argmin(timed["intended_ns"])]
    return int(first["intended_ns"]) - _offset(int(first["request"]), schedule, requests) + since_ns


ObserverFor = Callable[[Task], contextlib.AbstractContextManager[Observer]]


class Enough(NamedTuple):
    """Why a task may end before its plan does, a clause. is_bad: because it went wrong."""

    why: str
    is_bad: bool = False


Judge = Callable[[Progress], Enough | None]
"""Looks at a task's progress; says when enough is known."""
JudgeFor = Callable[[Task], Judge | None]
JudgingFor = Callable[[Task], Judging | None]


def to_the_end(_: Task) -> None:
    """The judge of tasks that come to the end of their plan."""


def nobody(_: Task) -> None:
    """No request is judged while the task runs."""


@dataclass(frozen=True)
class TaskRun:
    """How a task ended. complete: False if the user stopped it; error: what ended it early; died: its workers that
    died; idle: nothing was left to send; enough: why it ended before its plan did."""

    task: Task
    complete: bool
    error: FastbenchError | None = None
    died: tuple[Death, ...] = ()
    idle: bool = False
    enough: Enough | None = None


@contextlib.contextmanager
def unobserved(_: Task) -> Iterator[Observer]:
    """The observers of a run without a view."""
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
    judge_for: JudgeFor = to_the_end,
    judging_for: JudgingFor = nobody,
) -> Iterator[TaskRun]:
    """Runs the tasks of `run`, yielding each as it ends. A failed task does not stop the next; after one that the user
    stopped no other begins. stop: the user's requests. launcher: starts the workers. resumes: the directory has an
    interrupted run; only requests without an outcome are sent. judge_for: who says when enough is known of a task.
    judging_for: who says which of its requests keep its SLO.
    """
    running = _Running(run, directory, plan, stop, observer_for, launcher, resumes, judge_for, judging_for)
    # Launchers of other hosts take one task after the other.
    several = run.tasks_at_once > 1 and launcher is on_this_host
    return running.side_by_side(run.tasks_at_once) if several else running.one_by_one()


class _Running:
    """Common to all tasks of a run."""

    def __init__(
        self,
        run: RunConfig,
        directory: RunDirectory,
        plan: RunPlan,
        stop: Stop,
        observer_for: ObserverFor,
        launcher: Launcher,
        resumes: bool,
        judge_for: JudgeFor,
        judging_for: JudgingFor,
    ) -> None:
        self._run = run
        self._directory = directory
        self._plan = plan
        self._stop = stop
        self._observer_for = observer_for
        self._launcher = launcher
        self._resumes = resumes
        self._judge_for = judge_for
        self._judging_for = judging_for
        self._enough: dict[str, Enough] = {}

    def one_by_one(self) -> Iterator[TaskRun]:
        for plan in self._plan.tasks:
            with log_to(self._log(plan.task)):
                ended = self._ended(plan, self._launcher)
            yield ended
            if not ended.complete and ended.error is None:
                return

    def side_by_side(self, most: int) -> Iterator[TaskRun]:
        """Each in processes of its own, at most so many at a time."""
        with ThreadPoolExecutor(most) as pool, self._stop.notifying(lambda _: None):
            running = {pool.submit(copy_context().run, self._unless_stopped, plan) for plan in self._plan.tasks}
            while running:
                # In pieces: a wait without end would delay the user's signals.
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
            # Before its load began, or after: the results of other tasks are kept.
            log.info("%s: interrupted", task.name)
            return TaskRun(task, complete=False)
        log.info("%s: %s", task.name, "finished" if end.complete else "stopped by the user")
        died = with_recorded(end.died, self._directory.recording(task)) if end.died else ()
        return TaskRun(task, end.complete, died=died, idle=end.idle, enough=self._enough.get(task.name))

    def _without_what_is_refused(self, plan: TaskPlan, observer: Observer, launcher: Launcher) -> WorkersEnd:
        """Runs the task; restarts it without a field that the service refuses at the warm-up, unless the user set that
        field."""
        task = plan.task
        there = set(filter(Path.exists, part_paths(self._directory.recording(task))))
        try:
            return self._carry_out(plan, observer, launcher)
        except FieldRefusedError as error:
            # Shards are separate commands: the others would still send the field.
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
                log.info("%s: nothing is left to send", task.name)
                return WorkersEnd(complete=True, idle=True)
            log.info("%s: continued, %s requests are left", task.name, len(remainder.places))
            # Prompts are made as those that were sent before.
            plan = plan.changed(remainder=remainder, tokens_per_word=remainder.tokens_per_word)
        else:
            plan = plan.changed(tokens_per_word=measured_words(plan, self._stop))
        if self._stop.asked:
            return WorkersEnd(complete=False)
        # Of shards the first does it for all, well before they start.
        if getattr(launcher, "share", WHOLE).number == 0:
            plan = plan.changed(reset=reset_cache(plan))
        for sentence in plan.workers.reasons:
            log.info("%s: %s", task.name, sentence)
        assignment = Assignment(plan, recording, self._log(task), judging=self._judging_for(task))
        judge = self._judge_for(task)
        if judge is None:
            return launcher(assignment, observer, self._stop, dataset)
        with self._stop.within() as stop:

            def watch(now: Progress) -> None:
                observer(now)
                found = None if stop.asked or now.phase != "measure" else judge(now)
                if found is not None:
                    self._enough[task.name] = found
                    log.info("%s: %s", task.name, found.why)
                    stop.end_early(found.why)

            return launcher(assignment, watch, stop, dataset)

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
