"""A run from Python: settings → plan → recording → `Result`."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from fastbench.api.result import Result
from fastbench.api.settings import Config, chosen_run, in_keywords, keywords_named
from fastbench.config import RunConfig, Task, dump_config
from fastbench.errors import FastbenchError, UsageError
from fastbench.live import Observer, Progress, RunStatus, Status
from fastbench.options import Chosen
from fastbench.plan import RunPlan, plan_run
from fastbench.run import RunDirectory, Stop, TaskRun, in_thread, run_tasks, this_machine
from fastbench.tokenizer import load_tokenizer


def run(
    config: Config = None,
    /,
    *,
    on_progress: Callable[[Progress], object] | None = None,
    stop: Stop | None = None,
    **settings: Any,
) -> Result:
    """Sends the planned load to a service, records it, and returns what came of it.

    config: the path of a .py, .yaml or .json config, a service's URL, a mapping of native settings, or a `RunConfig`.
    settings: go over it, each by the name of the command line's option (`url=`, `concurrency=`, `rate=`, …;
    docs/api.md has them all), as Python's values or as the text that the command line takes. on_progress: called ten
    times a second by a thread of the run. stop: lets another thread stop it: called once, what is in flight ends by
    itself; `stop.at_once()` ends it now.

    It may be called in any thread, also where an event loop runs. Ctrl-C in the main thread ends what is in flight,
    closes the recording, and raises KeyboardInterrupt.

    Raises UsageError, before anything is sent, for settings that cannot be carried out, and for a config of several
    tasks, which is for `run_all`; ServiceError where the service cannot be measured; RecordingError where the recording
    is not whole. Requests that fail are no error: see `Result.outcomes`.
    """
    with keywords_named():
        chosen = chosen_run(config, settings)
        tasks = chosen.run.tasks()
        if len(tasks) != 1:
            names = ", ".join(task.name for task in tasks)
            raise UsageError(f"the config has {len(tasks)} tasks ({names}): fastbench.run_all carries out all of them")
        watch = None if on_progress is None else lambda _, now: on_progress(now)
        return _carried_out(chosen, watch, stop)[0]


def run_all(
    config: Config = None,
    /,
    *,
    on_progress: Callable[[str, Progress], object] | None = None,
    stop: Stop | None = None,
    **settings: Any,
) -> list[Result]:
    """As `run`, of a config with any number of tasks: each model with each data set, in the config's order.

    on_progress: also gets the task's name, `model/data set`. After a task that was stopped no other begins. The first
    error of a task is raised when all have ended; `runs` reads what the others came to.
    """
    with keywords_named():
        return _carried_out(chosen_run(config, settings), on_progress, stop)


def plan_of(run: RunConfig) -> RunPlan:
    """The plans of a run's tasks. Raises UsageError for tokenizers and data sets that cannot be used."""
    check_tokenizers(run)
    return plan_run(run, this_machine())


def check_tokenizers(run: RunConfig) -> None:
    """Raises ConfigError for a tokenizer that cannot be used: what it is to count after a run must not be in vain."""
    for path in dict.fromkeys(service.path for service in run.models if service.path):
        load_tokenizer(path)


def new_directory(run: RunConfig) -> RunDirectory:
    """A new directory for a run, with its config. Raises UsageError when none can be made."""
    directory = RunDirectory.create(run.work_dir)
    (directory.path / "configs" / f"{directory.path.name}.py").write_text(dump_config(run), encoding="utf-8")
    return directory


_Watch = Callable[[str, Progress], object]


def _carried_out(chosen: Chosen, watch: _Watch | None, stop: Stop | None) -> list[Result]:
    # In the caller's thread: nothing has begun yet that Ctrl-C would have to wait for.
    plan = plan_of(chosen.run)
    directory = new_directory(chosen.run)
    remarks = (*chosen.remarks, *map(in_keywords, plan.remarks))
    running = _Running(chosen.run, directory, plan, Stop() if stop is None else stop, watch, remarks)
    return in_thread(running.to_its_end, "run", interrupted=running.stop.at_once)


class _Running:
    """A run while it is carried out, in a thread of its own."""

    def __init__(
        self,
        run: RunConfig,
        directory: RunDirectory,
        plan: RunPlan,
        stop: Stop,
        watch: _Watch | None,
        remarks: tuple[str, ...],
    ) -> None:
        self.stop = stop
        self._run = run
        self._directory = directory
        self._plan = plan
        self._watch = watch
        self._remarks = remarks
        self._unwritten: list[str] = []
        self._fault: Exception | None = None

    def to_its_end(self) -> list[Result]:
        """What came of the tasks that began, in the run's order. Raises the first error."""
        tasks = self._run.tasks()
        with RunStatus(
            self._directory, tasks, log_files=not self._run.debug, warn=self._unwritten.append
        ) as self._status:
            ended = {task.task.name: task for task in self._each()}
        if self._fault is not None:
            raise self._fault
        # In the plan's order: tasks that run at once end in any.
        ordered = [ended[task.name] for task in tasks if task.name in ended]
        for task in ordered:
            if task.error is not None:
                raise self._told(task.error)
        return [self._result(task) for task in ordered]

    def _each(self) -> Iterator[TaskRun]:
        for ended in run_tasks(self._run, self._directory, self._plan, self.stop, self._observer_of):
            end = Status.ERROR if ended.error is not None else Status.FINISH if ended.complete else Status.KILLED
            self._status.of(ended.task).is_now(end)
            yield ended

    @contextlib.contextmanager
    def _observer_of(self, task: Task) -> Iterator[Observer]:
        status = self._status.of(task)
        status.is_now(Status.START)

        def observe(now: Progress) -> None:
            status.observe(now)
            if self._watch is None or self._fault is not None:
                return
            try:
                self._watch(task.name, now)
            # Whatever it is, it is raised when the run has ended, which need not go on for it.
            except Exception as error:  # noqa: BLE001
                self._fault = error
                self.stop.at_once()

        yield observe

    def _told(self, error: FastbenchError) -> FastbenchError:
        _let_go(error)
        error.add_note(f"The run's directory, with its log, is {self._directory.path}.")
        return error

    def _result(self, ended: TaskRun) -> Result:
        path = self._directory.recording(ended.task)
        complete = ended.complete and not ended.died
        remarks = (*self._remarks, *self._unwritten, *(f"{death.sentence}." for death in ended.died))
        result = Result(path, name=ended.task.name, complete=complete, remarks=remarks)
        if not path.exists():
            return result
        try:
            _ = result.metrics  # now: the files may be gone when they are first asked for
        except UsageError as error:
            told = (*remarks, f"{in_keywords(str(error))}; the whole run is shown")
            result = Result(path, name=ended.task.name, stage="total", complete=complete, remarks=told)
            _ = result.metrics
        return result


def _let_go(error: BaseException | None) -> None:
    """Who keeps an error of a run that is over must not keep its files and sockets by the frames of its traceback."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
