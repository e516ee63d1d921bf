"""Running: the tasks of a run as they end, each with its report; and for Python, settings → `Result`."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

from fastbench.api.planning import Prepared, prepare
from fastbench.api.settings import Config, chosen_run
from fastbench.config import Task
from fastbench.errors import UsageError
from fastbench.live import Observer, Progress, RunStatus, Status, standard_filled
from fastbench.options import Chosen, in_keywords, keywords_named
from fastbench.recording import ProgressCallback
from fastbench.run import Judge, Stop, TaskRun, in_thread, log, log_to, run_tasks

if TYPE_CHECKING:
    from fastbench.answers import Judge as RequestJudge
    from fastbench.api.judging import Asking
    from fastbench.api.result import Result
    from fastbench.report import Published

# What makes reports is imported where it is used: the first request must not wait for it.

WHOLE_SHOWN = "the whole run is shown"


def run(
    config: Config = None,
    /,
    *,
    on_progress: Callable[[Progress], object] | None = None,
    stop: Stop | None = None,
    **settings: Any,
) -> Result:
    """Sends the planned load to a service, records it, and returns the result.

    config: the path of a .py, .yaml or .json config, a service's URL, a mapping of native settings, or a `RunConfig`.
    settings: go over it, each by the name of the command line's option (`url=`, `concurrency=`, `rate=`, …; docs/api.md
    has them all), as Python's values or as the text that the command line takes. on_progress: called ten times a second
    by a thread of the run. stop: lets another thread stop it: called once, what is in flight ends by itself;
    `stop.at_once()` ends it now.

    It may be called in any thread, also where an event loop runs. Ctrl-C in the main thread ends what is in flight,
    closes the recording, and raises KeyboardInterrupt.

    Raises UsageError, before anything is sent, for settings that cannot be used, and for a config of several tasks,
    which is for `run_all`; ServiceError where the service cannot be measured; RecordingError where the recording is not
    whole. Requests that fail are no error: see `Result.outcomes`.
    """
    with keywords_named():
        _check_callables(on_progress, stop)
        chosen = chosen_run(config, settings)
        tasks = chosen.run.tasks()
        if len(tasks) != 1:
            names = ", ".join(task.name for task in tasks)
            raise UsageError(f"the config has {len(tasks)} tasks ({names}): use fastbench.run_all for all of them")
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
        _check_callables(on_progress, stop)
        return _carried_out(chosen_run(config, settings), on_progress, stop)


def _check_callables(on_progress: object, stop: object) -> None:
    """Raises UsageError for what could not be called, or could not stop a run: it would be noticed in the run only."""
    if on_progress is not None and not callable(on_progress):
        raise UsageError(f"on_progress= is of type {type(on_progress).__name__}; give a function")
    if stop is not None and not isinstance(stop, Stop):
        raise UsageError(
            f"stop= is of type {type(stop).__name__}; give a fastbench.Stop, which is called to stop the run"
        )


_Watch = Callable[[str, Progress], object]


def _carried_out(chosen: Chosen, watch: _Watch | None, stop: Stop | None) -> list[Result]:
    with standard_filled():
        # In the caller's thread: Ctrl-C needs to wait for nothing yet.
        prepared = prepare(chosen.run).in_place()
        remarks = (*chosen.remarks, *map(in_keywords, prepared.remarks))
        running = Running(prepared, Stop() if stop is None else stop, watch)
        return in_thread(lambda: _results(running, remarks), "run", interrupted=running.stop.at_once)


def _results(running: Running, remarks: Sequence[str]) -> list[Result]:
    """The results of the tasks that began, in the run's order. Raises the first error."""
    with running:
        ended = {task.name: task for task in running}
    # In the plan's order: tasks that run at once end in any.
    ordered = [ended[task.name] for task in running.run.tasks() if task.name in ended]
    for task in ordered:
        if task.error is not None:
            _let_go(task.error)
            task.error.add_note(f"The run's directory, with its log, is {running.directory.path}.")
            raise task.error
    return [_result(task, (*remarks, *running.unwritten)) for task in ordered]


def _result(ended: EndedTask, remarks: Sequence[str]) -> Result:
    from fastbench.api.reporting import WHOLE
    from fastbench.api.result import Result

    path, complete = ended.path, ended.complete and not ended.died
    remarks = (*remarks, *(f"{sentence}." for sentence in ended.died))
    remarks += (f"The run ended before its plan did: {ended.enough}.",) if ended.enough else ()
    result = Result(path, name=ended.name, complete=complete, remarks=remarks)
    if not path.exists():
        return result
    try:
        _ = result.metrics  # now: the files may be gone when they are first asked for
    except UsageError as error:
        shown = (*remarks, f"{in_keywords(str(error))}; {WHOLE_SHOWN}")
        result = Result(path, name=ended.name, stage=WHOLE, complete=complete, remarks=shown)
        _ = result.metrics
    return result


class Running:
    """A run in progress, driven by the thread that iterates over it: its tasks as they end. It is a context, in which
    those who watch the run see how it stands.

    `fastbench.run` and the command line are its two users. It takes over no signal and prints nothing.
    """

    def __init__(self, prepared: Prepared, stop: Stop, watch: _Watch | None = None) -> None:
        """watch: called with each task's progress, ten times a second, by a thread of the run. What it raises ends the
        run, and is raised when its tasks have ended."""
        self.run = prepared.run
        self.directory = prepared.directory
        self.stop = stop
        self.unwritten: list[str] = []
        """Status files that could not be written, a sentence each."""
        self._prepared = prepared
        self._watch = watch
        self._fault: BaseException | None = None
        self._status = RunStatus(
            self.directory, self.run.tasks(), log_files=not self.run.debug, warn=self._could_not_write
        )

    def __enter__(self) -> Self:
        self._status.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._status.__exit__(*raised)

    def __iter__(self) -> Iterator[EndedTask]:
        run, directory, plan, launcher, resumes = self._prepared
        tasks = run_tasks(
            *(run, directory, plan, self.stop, self._observer_of, launcher),
            resumes=resumes,
            judge_for=_judge_for,
            judging_for=_judging_for,
        )
        for ended in tasks:
            yield EndedTask(ended, self._prepared)
            # Its results are there now.
            end = Status.ERROR if ended.error is not None else Status.FINISH if ended.complete else Status.KILLED
            self._status.of(ended.task).is_now(end)
        if self._fault is not None:
            raise self._fault

    def spec_decode(self, reports: Iterable[Published]) -> list[str]:
        """Lines about the services' speculative decoding in all tasks; writes its files. Raises RecordingError when one
        cannot be written."""
        from fastbench.report import publish_spec_decode

        scrapes = chain.from_iterable(published.spec_decode for published in reports)
        return publish_spec_decode(scrapes, self.directory.performances)

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
            # Whatever it is, such as KeyboardInterrupt: raised when the run has ended, which stops for it.
            except BaseException as error:  # noqa: BLE001
                self._fault = error
                self.stop.at_once()

        yield observe

    def _could_not_write(self, message: str) -> None:
        """Notes it in the logs of the running tasks and for the user."""
        self.unwritten.append(message)
        tasks = self.run.tasks()
        at_hand = [task for task in tasks if self._status.of(task).status.active] or tasks[:1]
        for path in {None if self.run.debug else self.directory.log(task) for task in at_hand}:
            with log_to(path):
                log.warning("%s", message)


class EndedTask:
    """A task of a run that has ended, and its report."""

    def __init__(self, ended: TaskRun, prepared: Prepared) -> None:
        self.task = ended.task
        self.name = ended.task.name
        """`model/data set`."""
        self.complete = ended.complete
        """False when the user stopped it."""
        self.error = ended.error
        """The error that ended it."""
        self.died = tuple(death.sentence for death in ended.died)
        """A sentence for each worker that died."""
        self.enough = "" if ended.enough is None else ended.enough.why
        """Why it ended before its plan did, a clause."""
        self.went_wrong = ended.enough is not None and ended.enough.is_bad
        """Whether that is because too much failed."""
        self.idle = ended.idle
        """Nothing was left to send."""
        self.path = prepared.directory.recording(ended.task)
        """The directory of its recording; missing if the task ended before anything was recorded."""
        self.results = prepared.directory.results(ended.task)
        """The directory of its report."""
        self.remarks: list[str] = []
        """Remarks on its report, a sentence each."""
        self._prepared = prepared

    def publish(
        self, *, page: bool = True, progress: ProgressCallback | None = None, asking: Asking | None = None
    ) -> Published | None:
        """Writes the report; None where there is nothing to report: no recording, or an error before the first success.

        page, progress, asking: as `recalculate`; None: nothing more is asked. Of a stage that the recording does not
        have the whole run is shown, which `remarks` says. Raises RecordingError for a recording that cannot be read,
        and a file that cannot be written.
        """
        from fastbench.api.judging import NOTHING_MORE
        from fastbench.api.reporting import WHOLE, recalculate

        if not self.path.exists():
            return None
        asking = NOTHING_MORE if asking is None else asking
        try:
            published = recalculate(
                self.path, stats=self.task.stats, stage=self.task.stage, page=page, progress=progress, asking=asking
            )
        except UsageError as error:
            self.remarks.append(f"{self.name}: {error}; {WHOLE_SHOWN}")
            published = recalculate(self.path, stats=self.task.stats, stage=WHOLE, page=page, asking=asking)
        if self.error is not None and not published.metrics.success:
            return None
        if published.rates:
            self._prepared.log(self.task, published.rates)
        return published


def _judge_for(task: Task) -> Judge | None:
    """Who may end a task before its plan does; None where nothing is to."""
    if not task.until and not task.max_failed:
        return None
    from fastbench.api.limits import judge_for

    return judge_for(task)


def _judging_for(task: Task) -> RequestJudge | None:
    """Who says which requests of a task keep its SLO while it runs; None where it has none."""
    if not task.slo:
        return None
    from fastbench.api.limits import judging_for

    return judging_for(task)


def _let_go(error: BaseException | None) -> None:
    """Drops the frames of an error's traceback, which would keep the run's files and sockets open."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
