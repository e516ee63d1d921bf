"""Load that several hosts send: a share of a plan, recorded for `fastbench merge`, or the nodes of a Ray cluster."""

import time
from pathlib import Path

import click
import numpy as np

from fastbench.cli.interrupt import leave_in_order
from fastbench.cli.perf.live import live
from fastbench.cli.perf.measure import INTERRUPTED, prepare
from fastbench.cli.report.failed import failed_in, failed_line
from fastbench.cli.say import say
from fastbench.config import RunConfig
from fastbench.errors import RecordingError, UsageError
from fastbench.options import Options
from fastbench.plan import Share
from fastbench.recording import NOT_FINAL, OUTCOMES, Recording
from fastbench.run import Stop, TaskRun, run_tasks
from fastbench.run.workers import RayCluster, Shard

_OK = OUTCOMES.index("ok")


def cluster_of(options: Options, run: RunConfig) -> RayCluster | None:
    """The cluster that the options ask for; None = this host alone. Raises UsageError for one that cannot be had."""
    if "ray" not in options:
        return None
    if any(service.mock is not None for service in run.models):
        raise UsageError("--ray and --mock: the nodes could not reach a service of this host's own; give its --url")
    cluster = RayCluster(options["ray"], options["nodes"])
    cluster.check()
    return cluster


def shard_of(options: Options, run: RunConfig) -> Shard | None:
    """The share that the options ask for; None = the whole. Raises UsageError for one that cannot be had."""
    if "shard" not in options:
        return None
    number, of = options["shard"]
    asked = f"{options.written('shard')} {number}/{of}"
    if options["start_at"] <= time.time_ns():
        raise UsageError("--start-at has passed; give all shares a time at which all of them are ready")
    tasks = run.tasks()
    if len(tasks) != 1:
        raise UsageError(f"{asked} is for one task, as --start-at is one time, and the run has {len(tasks)}")
    (task,) = tasks
    if task.workers not in (1, "auto"):
        raise UsageError(
            f"{asked} and workers (--workers) {task.workers}: a share is sent by one process; leave --workers out, "
            "and start more shares"
        )
    if task.service.mock is not None:
        raise UsageError(f"{asked} and --mock: all shares ask one service; start `fastbench mock`, and give its --url")
    return Shard(Share(number, of), options["start_at"])


def carry_out_share(run: RunConfig, shard: Shard, *, quiet: bool) -> int:
    """Sends and records the share; a report is made of all shares. Returns the exit code, as a whole run does."""
    directory, plan = prepare(run)
    leave_in_order()
    stop = Stop()
    with live(run, directory, quiet=quiet) as seen, stop.on_signals():
        (ended,) = run_tasks(run, directory, plan, stop, seen.observer_of, shard)
        seen.ended(ended)
    if ended.error is not None:
        say(f"{ended.task.name}: {ended.error}")
        return ended.error.exit_code
    try:
        ok = _tell(ended, shard.share, directory.recording(ended.task))
    except RecordingError as error:
        say(str(error))
        return error.exit_code
    if not ended.complete:
        say(f"{ended.task.name}: stopped by the user")
        return INTERRUPTED
    return 0 if ok else 1


def _tell(ended: TaskRun, share: Share, directory: Path) -> int:
    """Says what was recorded, and returns how many of its requests succeeded."""
    rows = Recording.open(directory).rows
    final = rows[rows["flags"] & NOT_FINAL == 0]
    ok = int(np.count_nonzero(final["outcome"] == _OK))
    click.echo(f"{ended.task.name}: share {share.number}/{share.of}: {len(final)} requests, {ok} ok, in {directory}.")
    failed = failed_line(failed_in(final), len(final))
    if failed is not None:
        say(f"{ended.task.name}: {failed}")
    click.echo("`fastbench merge` makes one report of all shares.")
    return ok
