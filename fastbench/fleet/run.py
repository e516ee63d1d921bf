"""All tasks of a run, each into its own recording."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from fastbench.config.plan import RunConfig, Task
from fastbench.errors import FastbenchError
from fastbench.fleet.check import Checked
from fastbench.fleet.crew import Crew, crew_of
from fastbench.fleet.deaths import Death, with_recorded
from fastbench.fleet.embedded import with_service
from fastbench.fleet.errand import Carrier, Errand
from fastbench.fleet.logs import log_to
from fastbench.fleet.member import Job
from fastbench.fleet.post import Post
from fastbench.fleet.probe import measured_words
from fastbench.fleet.queue import shared_queue
from fastbench.fleet.refusal import FieldRefusedError
from fastbench.fleet.rest import rest_of
from fastbench.fleet.rundir import RunDirectory
from fastbench.fleet.shard import Shard
from fastbench.fleet.team import TeamEnd, run_team
from fastbench.fleet.worker import run_task
from fastbench.load.progress import Observer
from fastbench.load.rest import Rest
from fastbench.load.sharing import Share
from fastbench.load.stop import Stop
from fastbench.recording.format import TEXTS, part_number, part_path, part_paths
from fastbench.recording.request_ids import new_run_id

log = logging.getLogger("fastbench")

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


def run_tasks(
    run: RunConfig,
    directory: RunDirectory,
    checked: Checked,
    observer_for: ObserverFor,
    carrier: Carrier | None = None,
    *,
    continues: bool = False,
) -> Iterator[TaskRun]:
    """Carries out the tasks of `run`, yielding each as it ends. A task that fails does not keep the next from its
    turn; after one that the user stopped no other begins. carrier: who carries them out, None = workers of this host.
    continues: the directory has a run already, of which only what has no outcome is sent.
    """
    carried = _Carrying(run, directory, checked, observer_for, carrier, continues)
    several = run.tasks_at_once > 1 and carrier is None
    return carried.side_by_side(run.tasks_at_once) if several else carried.one_by_one()


class _Carrying:
    """What all tasks of a run share."""

    def __init__(
        self,
        run: RunConfig,
        directory: RunDirectory,
        checked: Checked,
        observer_for: ObserverFor,
        carrier: Carrier | None,
        continues: bool,
    ) -> None:
        self._run = run
        self._directory = directory
        self._checked = checked
        self._observer_for = observer_for
        self._carrier = carrier
        self._continues = continues
        self._stop = Stop()

    def one_by_one(self) -> Iterator[TaskRun]:
        for task in self._run.tasks():
            with log_to(self._log(task)):
                ended = self._ended(task, in_process=True)
            yield ended
            if not ended.complete and ended.error is None:
                return

    def side_by_side(self, most: int) -> Iterator[TaskRun]:
        """Each in a process of its own, at most so many at a time."""
        with self._stop.on_plain_signals(), ThreadPoolExecutor(most) as pool:
            running = {pool.submit(self._unless_stopped, task) for task in self._run.tasks()}
            while running:
                # In pieces: a wait without end would keep the user's signals waiting too.
                done, running = wait(running, 0.2, FIRST_COMPLETED)
                yield from (ended for future in done if (ended := future.result()) is not None)

    def _unless_stopped(self, task: Task) -> TaskRun | None:
        return None if self._stop.asked else self._ended(task, in_process=False)

    def _ended(self, task: Task, *, in_process: bool) -> TaskRun:
        try:
            with with_service(task) as served, self._observer_for(task) as observer:
                end = self._without_what_is_refused(served, observer, in_process)
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

    def _without_what_is_refused(self, task: Task, observer: Observer, in_process: bool) -> TeamEnd:
        """Carries the task out; begins it anew, without the field, where the service refuses one at the warm-up that
        nobody asked for by name."""
        there = set(filter(Path.exists, part_paths(self._directory.recording(task))))
        try:
            return self._carry_out(task, observer, in_process)
        except FieldRefusedError as error:
            # Each share of a plan is another command's: what one leaves out the others would send.
            if isinstance(self._carrier, Shard):
                raise
            log.warning("%s: the service refuses %s (%s): left out", task.name, error.field, error.words)
            for path in set(part_paths(self._directory.recording(task))) - there:
                part_path(path.parent, TEXTS, part_number(path)).unlink(missing_ok=True)
                path.unlink(missing_ok=True)
            left_out = {**task.left_out, error.field: error.words}
            return self._without_what_is_refused(replace(task, left_out=left_out), observer, in_process)

    def _carry_out(self, task: Task, observer: Observer, in_process: bool) -> TeamEnd:
        recording = self._directory.recording(task)
        surveyed = self._checked.surveyed[task.service.abbr, task.dataset.abbr]
        rest = None
        if self._continues and part_paths(recording)[0].is_file():
            rest = rest_of(task, recording, surveyed)
            if rest is None:
                log.info("%s: nothing is left to be sent", task.name)
                return TeamEnd(complete=True, idle=True)
            log.info("%s: continued, %s requests are left", task.name, len(rest.places))
        # Prompts are made as those that were sent before.
        ratio = measured_words(task, self._stop) if rest is None else rest.tokens_per_word
        if self._stop.asked:
            return TeamEnd(complete=False)
        if self._carrier is not None:
            errand = Errand(task, recording, self._log(task), surveyed, ratio, observer)
            return self._carrier(errand, self._stop)
        crew = crew_of(task, surveyed.survey)
        for sentence in crew.reasons:
            log.info("%s: %s", task.name, sentence)
        if crew.workers == 1 and in_process:
            # Prompts of another length are another data set.
            known = surveyed if ratio == 1 else None
            alone = Post(part=0 if rest is None else rest.part, tokens_per_word=ratio, rest=rest)
            return TeamEnd(run_task(task, recording, observer, alone, known))
        if rest is not None:
            crew = crew._replace(places=len(rest.places), requests=len(rest.places))
        with self._stop.on_plain_signals() if in_process else contextlib.nullcontext():
            return self._by_team(task, observer, crew, ratio, rest)

    def _by_team(self, task: Task, observer: Observer, crew: Crew, ratio: float, rest: Rest | None) -> TeamEnd:
        recording, log_path, run_id = self._directory.recording(task), self._log(task), new_run_id()
        with (
            shared_queue(crew.places, self._directory.path) if crew.shares_queue else contextlib.nullcontext() as queue
        ):
            shares = [Share(number, crew.workers) for number in range(crew.workers)]
            jobs = [Job(task, recording, log_path, share, run_id, queue, ratio, rest) for share in shares]
            return run_team(jobs, observer, self._stop, crew.requests)

    def _log(self, task: Task) -> Path | None:
        """The task's log; None = standard error."""
        return None if self._run.debug else self._directory.log(task)
