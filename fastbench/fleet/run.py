"""All tasks of a run, one after the other, each into its own recording."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fastbench.config.plan import RunConfig, Task
from fastbench.datasets.dataset import open_dataset
from fastbench.errors import DatasetError, FastbenchError
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


def check_datasets(run: RunConfig) -> list[str]:
    """Opens and checks every data set before anything is sent. Returns a remark for each that is shorter than asked.

    Raises DatasetError with all that is wrong, a line each.
    """
    remarks, faults = [], []
    # One entry a data set, whichever model's task opens it.
    for task in {task.dataset.abbr: task for task in run.tasks()}.values():
        try:
            count = open_dataset(task.dataset, task.service.path).check(task.num_prompts)
        except DatasetError as error:
            faults.append(str(error))
            continue
        if task.num_prompts is not None and count < task.num_prompts:
            remarks.append(f"{task.dataset.abbr}: the data set has {count} rows, {task.num_prompts} were asked for")
    if faults:
        raise DatasetError("\n".join(faults))
    return remarks


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
    path.touch(mode=0o600)  # a service's message may repeat a prompt
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
