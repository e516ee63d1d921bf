"""The progress bar of a task, on a terminal only."""

import contextlib
import shutil
import sys
from collections.abc import Iterator

import click

from fastbench.config.plan import Task
from fastbench.load.progress import Observer, Progress
from fastbench.units import NS_PER_S

DRAINING = "stopping: waiting for those in flight; Ctrl-C again stops at once"
LABEL = 24
BAR = 12
BESIDE = 68
"""Columns of everything but the state: label, bar, counts, time to go."""


def _state(now: Progress | None) -> str:
    if now is None:
        return ""
    seconds = now.elapsed_ns / NS_PER_S
    events = f"{now.output_events / seconds:,.0f} events/s  " if seconds > 0 else ""
    failed = f"{now.failed} failed  " if now.failed else ""
    stopping = ("", DRAINING, "stopping now")[min(now.stopping, 2)]
    text = stopping or f"{now.in_flight} in flight  {failed}{events}"
    # A line that wraps could not be drawn over.
    return text[: max(0, shutil.get_terminal_size().columns - BESIDE)]


def _extent(now: Progress) -> tuple[int, int]:
    """How far the phase is and how far it goes: in requests, or in seconds where only the time is planned."""
    if now.planned is not None or now.duration_ns is None:
        return now.ok + now.failed, max(now.planned or 0, 1)
    length = max(now.duration_ns // NS_PER_S, 1)
    return min(now.elapsed_ns // NS_PER_S, length), length


def say(message: str) -> None:
    """One line for the user, beside the results."""
    print(f"fastbench: {message}", file=sys.stderr)


def _label(text: str) -> str:
    return text if len(text) <= LABEL else text[: LABEL - 1] + "…"


def _only_stopping() -> Observer:
    """Without a bar, only that Ctrl-C was heard is worth a line."""
    said = False

    def observe(now: Progress) -> None:
        nonlocal said
        if now.stopping and not said:
            said = True
            say(DRAINING)

    return observe


@contextlib.contextmanager
def progress_bar(task: Task, quiet: bool) -> Iterator[Observer]:
    """An observer that draws a bar on standard error, or nothing where that is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield _only_stopping()
        return
    with click.progressbar(
        length=1, label=_label(task.name), item_show_func=_state, show_pos=True, width=BAR, file=sys.stderr
    ) as bar:

        def observe(now: Progress) -> None:
            done, length = _extent(now)
            bar.label = _label(task.name if now.phase == "measure" else f"{now.phase}: {task.name}")
            # A phase counts from nothing again.
            if bar.length != length or done < bar.pos:
                bar.length, bar.pos, bar.finished = length, 0, False
            bar.update(done - bar.pos, now)
            bar.render_progress()

        yield observe
