"""The progress bar of a task, on a terminal only."""

import contextlib
import sys
from collections.abc import Iterator

import click

from fastbench.config.plan import Task
from fastbench.load.progress import Observer, Progress
from fastbench.units import NS_PER_S


def _state(now: Progress | None) -> str:
    if now is None:
        return ""
    seconds = now.elapsed_ns / NS_PER_S
    events = f"{now.output_events / seconds:,.0f} events/s  " if seconds > 0 else ""
    failed = f"{now.failed} failed  " if now.failed else ""
    stopping = ("", "stopping: waiting for those in flight", "stopping now")[min(now.stopping, 2)]
    return f"{now.in_flight} in flight  {failed}{events}{stopping}"


@contextlib.contextmanager
def progress_bar(task: Task, quiet: bool) -> Iterator[Observer]:
    """An observer that draws a bar on standard error, or nothing where that is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=1, label=task.name, item_show_func=_state, show_pos=True, file=sys.stderr) as bar:

        def observe(now: Progress) -> None:
            done = now.ok + now.failed
            bar.label = f"{task.name} {now.phase}" if now.phase != "measure" else task.name
            # A phase counts from nothing again.
            if bar.length != now.planned or done < bar.pos:
                bar.length, bar.pos, bar.finished = max(now.planned, 1), 0, False
            bar.update(done - bar.pos, now)
            bar.render_progress()

        yield observe
