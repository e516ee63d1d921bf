"""`fastbench watch`: a run of another terminal by its status files, and how it stands when that is over."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from pathlib import Path

import click

from fastbench.cli.user import leave_in_order
from fastbench.errors import Exit, UsageError
from fastbench.live import DIRECTORY, Snapshot, Status, StatusFiles, follow, run_is_over, table, usable


@click.command("watch")
@click.argument("directory", type=click.Path(path_type=Path), default="outputs/default")
@click.option("--classic", is_flag=True, help="AISBench's progress table, also for a single task.")
def watch_command(directory: Path, *, classic: bool) -> int:
    """Shows a run that was started elsewhere, until it ends or Ctrl-C ends the watching; the run is not touched.

    DIRECTORY is that of the run, or the work dir of several: the latest is shown.  [default: outputs/default]

    On a terminal it is the screen that `fastbench perf` shows; elsewhere a line for each task now and then. The exit
    code is 0 when all went well so far, else 1.

    \b
    fastbench watch outputs/default/20261124_073446
    """
    leave_in_order()
    return watch_run(directory, classic=classic)


def watch_run(directory: Path, *, classic: bool = False) -> int:
    """Shows the run until it is over, or Ctrl-C. Returns 1 when a task failed or was killed, else 0."""
    run = run_of(directory)
    files = StatusFiles(run)
    if usable(sys.stdout.fileno()):
        # Imported late: only a screen needs it.
        from fastbench.live import View

        if not run_is_over(files.read()):
            View(run, sys.stdout.fileno(), classic=classic).show()
        last = files.read()
        for line in table(last, shutil.get_terminal_size().columns):
            click.echo(line)
    else:
        with contextlib.suppress(KeyboardInterrupt):
            follow(run, click.echo, _never)
        last = files.read()
    click.echo(verdict(run, last))
    return Exit.of_work(all(snapshot.status not in (Status.ERROR, Status.KILLED) for snapshot in last))


def run_of(directory: Path) -> Path:
    """`directory` if it is a run's, or the latest run in it. Raises UsageError where there is none."""
    if (directory / DIRECTORY).is_dir():
        return directory
    runs = sorted(path.parent for path in directory.glob(f"*/{DIRECTORY}") if path.is_dir())
    if not runs:
        raise UsageError(
            f"{directory} is no run and has none with a {DIRECTORY}/ in it; name the directory of a run, such as "
            "outputs/default/20260131_120000"
        )
    return runs[-1]


def verdict(run: Path, snapshots: list[Snapshot]) -> str:
    """How the run stands, in a sentence."""
    if not run_is_over(snapshots):
        return f"The run {run} goes on."
    killed = [snapshot for snapshot in snapshots if snapshot.status is Status.KILLED]
    gone = next((snapshot for snapshot in killed if not snapshot.owner.alive and not snapshot.stopping), None)
    if gone is not None:
        return f"The run {run} was killed: its process {gone.owner.pid} is gone, and left {gone.task} unfinished."
    if killed:
        return f"The run {run} was stopped by the user."
    failed = [snapshot.task for snapshot in snapshots if snapshot.status is Status.ERROR]
    if failed:
        return f"The run {run} has ended; {', '.join(failed)} failed, see the log."
    missing = [snapshot.task for snapshot in snapshots if not snapshot.status.final]
    return f"The run {run} has ended{f' before {missing[0]} began' if missing else ''}."


def _never(seconds: float) -> bool:
    time.sleep(seconds)
    return False
