"""All tasks of a run, one after the other, each into its own recording."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fastbench.config.plan import RunConfig, Task
from fastbench.errors import FastbenchError
from fastbench.fleet.embedded import with_service
from fastbench.fleet.rundir import RunDirectory
from fastbench.fleet.worker import run_task
from fastbench.load.progress import Observer

log = logging.getLogger("fastbench")

ObserverFor = Callable[[Task], contextlib.AbstractContextManager[Observer]]


@dataclass(frozen=True)
class TaskRun:
    """How a task ended. complete: False when the user stopped it; error: why it could not be carried out."""

    task: Task
    complete: bool
    error: FastbenchError | None = None


def run_tasks(run: RunConfig, directory: RunDirectory, observer_for: ObserverFor) -> Iterator[TaskRun]:
    """Carries out the tasks of `run`, yielding each as it ends. A task that fails does not keep the next from its
    turn; one that the user stopped is the last."""
    for task in run.tasks():
        with _log_to(directory, task):
            ended = _carry_out(task, directory, observer_for)
        yield ended
        if not ended.complete and ended.error is None:
            return


def _carry_out(task: Task, directory: RunDirectory, observer_for: ObserverFor) -> TaskRun:
    try:
        with with_service(task) as served, observer_for(task) as observer:
            complete = run_task(served, directory.recording(task), observer)
    except FastbenchError as error:
        log.error("%s: %s", task.name, error)
        return TaskRun(task, complete=False, error=error)
    log.info("%s: %s", task.name, "finished" if complete else "stopped by the user")
    return TaskRun(task, complete)


@contextlib.contextmanager
def _log_to(directory: RunDirectory, task: Task) -> Iterator[None]:
    path = directory.log(task)
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("[%(asctime)s] [fastbench] [%(levelname)s] %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
