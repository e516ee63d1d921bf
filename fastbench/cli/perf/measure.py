"""Carries out a checked run and prints what came of it."""

from functools import partial

import click

from fastbench.api import new_directory, plan_of
from fastbench.cli.interrupt import leave_in_order
from fastbench.cli.perf.live import Live, live
from fastbench.cli.perf.rate_charts import log_summary, write_planned
from fastbench.cli.report.calculation_bar import calculation_bar
from fastbench.cli.report.failed import failed_line, failed_of, is_failed
from fastbench.cli.report.shown import strict_code
from fastbench.cli.say import say
from fastbench.client import advice_for
from fastbench.config import RunConfig
from fastbench.errors import RecordingError, UsageError
from fastbench.plan import RunPlan
from fastbench.recording import Recording, Scrape
from fastbench.report import Published, publish, publish_spec_decode, reading
from fastbench.run import RunDirectory, Stop, TaskRun, run_tasks
from fastbench.run.workers import Launcher, on_this_host

INTERRUPTED = 130


def carry_out(
    run: RunConfig,
    *,
    quiet: bool,
    plot: bool = True,
    strict: bool = False,
    reused: RunDirectory | None = None,
    launcher: Launcher = on_this_host,
) -> int:
    """Runs all tasks, then prints their tables together. reused: the directory of a run that is to be continued.
    launcher: who sends. strict: whether an INVALID run is a failure.

    Returns the exit code, the highest of the tasks': 0, 1 when a task failed or had no success, 4 when it is to be
    strict and a verdict is INVALID, 130 when the user stopped the run. Raises UsageError, before anything is sent, for
    tokenizers and data sets that cannot be used.
    """
    directory, plan = prepare(run, reused)
    if plot:
        write_planned(run, directory, plan)
    code = 0
    tables: dict[str, str] = {}
    complaints: list[str] = []
    scrapes: list[Scrape] = []
    left = [task.name for task in run.tasks()]
    leave_in_order()
    stop = Stop()
    with live(run, directory, quiet=quiet) as seen, stop.on_signals():
        tasks = run_tasks(run, directory, plan, stop, seen.observer_of, launcher, resumes=reused is not None)
        for ended in tasks:
            published = _publish(directory, ended, seen, quiet=quiet, plot=plot)
            seen.ended(ended)
            left.remove(ended.task.name)
            if published is not None:
                results = directory.results(ended.task)
                tables[ended.task.name] = f"{published.text}Performance Result files located in {results}."
                scrapes += published.spec_decode
                if published.rates:
                    log_summary(None if run.debug else directory.log(ended.task), published.rates)
            complaints += filter(None, (_failed(ended, published), _complaint(ended)))
            found = [] if published is None else [published.metrics]
            code = max(code, strict_code(_code(ended, published), found, strict=strict))
    # In the plan's order: tasks that run at once end in any.
    texts = [tables[task.name] for task in run.tasks() if task.name in tables]
    try:
        texts += publish_spec_decode(scrapes, directory.performances)
    except RecordingError as error:
        complaints.append(str(error))
        code = max(code, error.exit_code)
    code = max(code, _print(texts, directory))
    if left and complaints and code == INTERRUPTED:
        complaints[-1] += f"; not begun: {', '.join(left)}"
    for complaint in complaints:
        say(complaint)
    return code


def prepare(run: RunConfig, reused: RunDirectory | None = None) -> tuple[RunDirectory, RunPlan]:
    """The run's directory, a new one with its config unless one is reused, and its plan. Raises UsageError for what
    cannot be used."""
    plan = plan_of(run)
    for remark in plan.remarks:
        say(remark)
    return new_directory(run) if reused is None else reused, plan


def _print(texts: list[str], directory: RunDirectory) -> int:
    """The tables to standard output; 1 when that does not take them, which costs nothing but the sight of them."""
    try:
        for text in texts:
            click.echo(text)
    except OSError as error:
        say(f"the tables could not be printed ({error.strerror}): the results are in {directory.path}")
        return 1
    return 0


def _publish(directory: RunDirectory, ended: TaskRun, seen: Live, *, quiet: bool, plot: bool) -> Published | None:
    """The task's files; None when it came to nothing that could be reported."""
    task, recording = ended.task, directory.recording(ended.task)
    if not recording.exists():
        return None
    try:
        with calculation_bar(task.name, quiet=quiet or seen.on_screen) as progress:
            opened = Recording.open(recording, reading(progress))
            make = partial(publish, opened, directory.results(task), task.dataset.abbr, task.stats, plot=plot)
            published = make(progress, stage=task.stage)
    except UsageError as error:
        seen.say(f"{task.name}: {error}; the whole run is shown")
        published = make()
    except RecordingError as error:
        seen.say(str(error))
        return None
    # A task that failed before its first success has no numbers to show, only its error.
    return published if ended.error is None or published.metrics.success else None


def _failed(ended: TaskRun, published: Published | None) -> str | None:
    """How many requests failed, by what, and what to do about most of them."""
    if published is None:
        return None
    metrics = published.metrics
    line = failed_line(failed_of(metrics), sum(metrics.outcomes.values()))
    if line is None:
        return None
    most = next(filter(is_failed, metrics.failures))
    way_out = advice_for(most.outcome, most.status, most.message)
    return f"{ended.task.name}: {line}; {way_out} (--reuse does not resend failed requests)"


def _complaint(ended: TaskRun) -> str | None:
    if ended.error is not None:
        return f"{ended.task.name}: {ended.error}"
    if ended.died:
        return f"{ended.task.name}: {'. '.join(death.sentence for death in ended.died)}"
    if ended.idle:
        return f"{ended.task.name}: nothing was sent, as no request is left; the report is that of the run that was"
    return None if ended.complete else f"{ended.task.name}: stopped by the user"


def _code(ended: TaskRun, published: Published | None) -> int:
    if ended.error is not None:
        return ended.error.exit_code
    if not ended.complete:
        return INTERRUPTED
    if ended.died or published is None or published.metrics.stage != ended.task.stage:
        return 1
    return 0 if published.metrics.success else 1
