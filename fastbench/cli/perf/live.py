"""How a run is seen while it goes on: as a screen on a terminal, line by line elsewhere, or not at all."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

from fastbench.cli.say import say
from fastbench.config import RunConfig, Task
from fastbench.live import STOPPING, Observer, Progress, RunStatus, Status, attached_view, usable
from fastbench.run import RunDirectory, TaskRun, log, log_to


class Live:
    """The run for those who watch it. on_screen: whether the terminal is drawn on, and nothing else may be written."""

    def __init__(self, status: RunStatus, *, on_screen: bool) -> None:
        self.on_screen = on_screen
        self._status = status
        self._kept: list[str] = []
        self._told_stop = False

    @contextlib.contextmanager
    def observer_of(self, task: Task) -> Iterator[Observer]:
        """What a task tells its progress while the context lasts."""
        status = self._status.of(task)
        status.is_now(Status.START)

        def observe(now: Progress) -> None:
            status.observe(now)
            if now.stopping:
                self._tell_stop()

        yield observe

    def ended(self, ended: TaskRun) -> None:
        """Takes the end of a task, when its results are there."""
        end = Status.ERROR if ended.error is not None else Status.FINISH if ended.complete else Status.KILLED
        self._status.of(ended.task).is_now(end)

    def say(self, message: str) -> None:
        """One line for the user: now, or when the screen is gone."""
        if self.on_screen:
            self._kept.append(message)
        else:
            say(message)

    def say_kept(self) -> None:
        """What had to wait for the end of the screen."""
        for message in self._kept:
            say(message)

    def _tell_stop(self) -> None:
        """Without a screen, that Ctrl-C was heard is worth a line."""
        if not self._told_stop and not self.on_screen:
            say(STOPPING[1])
        self._told_stop = True


@contextlib.contextmanager
def live(run: RunConfig, directory: RunDirectory, *, quiet: bool) -> Iterator[Live]:
    """Shows the run while the block lasts. With --debug the log has the terminal, so there is no screen."""
    on_screen = not quiet and not run.debug and sys.stderr.isatty() and usable(sys.stderr.fileno())

    def warn(message: str) -> None:
        """In the logs of the tasks at hand: the status is of no task's context."""
        at_hand = [task for task in run.tasks() if status.of(task).status.active] or run.tasks()[:1]
        for path in {None if run.debug else directory.log(task) for task in at_hand}:
            with log_to(path):
                log.warning("%s", message)

    status = RunStatus(directory, run.tasks(), log_files=not run.debug, warn=warn)
    with status:
        seen = Live(status, on_screen=on_screen)
        with contextlib.ExitStack() as stack:
            stack.callback(seen.say_kept)
            if on_screen:
                stack.enter_context(attached_view(directory.path, classic=run.classic))
            elif not quiet:
                stack.enter_context(_lines(directory))
            yield seen


@contextlib.contextmanager
def _lines(directory: RunDirectory) -> Iterator[None]:
    """A line for each task now and then. A run that ends before the first is due shows none."""
    # Imported late: it is not for a terminal.
    from fastbench.live import EVERY_S, follow

    over = threading.Event()

    def tell() -> None:
        if not over.wait(EVERY_S):
            follow(directory.path, lambda text: print(text, file=sys.stderr, flush=True), over.wait)

    thread = threading.Thread(target=tell, name="lines", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
