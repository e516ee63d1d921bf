"""A run is carried out, and what came of it is shown."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, NamedTuple

import click

from fastbench import Stop, api
from fastbench.api import Prepared, Running
from fastbench.cli.perf.live import Live
from fastbench.cli.printing import Showing, print_reports, write_json
from fastbench.cli.report.shared import report_text, strict_code
from fastbench.cli.user import calculation_bar, leave_in_order, remark, say, stopped_by
from fastbench.config import RunSettings
from fastbench.errors import Exit, RecordingError, worst

if TYPE_CHECKING:
    from fastbench.api import EndedTask, Finished, Published

# `api.…` is imported when it is called: the first request must not wait for what makes reports.


class _Done(NamedTuple):
    """A task that has ended. published: None when it came to nothing that could be reported."""

    task: EndedTask
    published: Published | None


def carry_out(prepared: Prepared, showing: Showing) -> int:
    """Runs all tasks, then prints their reports together.

    Returns the exit code, the `worst` of the tasks': 0, 1 when a task failed or had no success, 3 when an SLO or an
    assertion is not met, 4 when that cannot be told, or it is to be strict and a verdict is INVALID, 130 or 143 when
    the user stopped the run.
    """
    _say_remarks(prepared, showing)
    if showing.plot:
        prepared.write_rate_charts()
    # There the summary is the last that is seen, and has the failures.
    on_terminal = showing.for_people and sys.stdout.isatty()
    done: dict[str, _Done] = {}
    complaints: list[str] = []
    with _watched(prepared, showing) as (running, seen):
        names = [task.name for task in running.run.tasks()]
        for task in running:
            one = done[task.name] = _Done(task, _publish(task, seen, showing))
            told = (None if on_terminal else _failed(*one), _complaint(task))
            complaints += (f"{_whose(task, names)}{sentence}" for sentence in told if sentence)
    # In the plan's order: tasks that run at once end in any.
    ordered = [done[name] for name in names if name in done]
    code = worst(*(_code(*one, strict=showing.strict) for one in ordered))
    left = [name for name in names if name not in done]
    if left and complaints and code == Exit.INTERRUPTED:
        complaints[-1] += f"; not begun: {', '.join(left)}"
    if code == Exit.INTERRUPTED:
        complaints[-1:] = [f"{one}; for the rest: {_resuming(running)}" for one in complaints[-1:]]
    texts, reports, error = _together(ordered, running, showing)
    if error is not None:
        complaints.append(str(error))
        code = worst(code, error.exit_code)
    if on_terminal:
        _say_all(complaints)
    if showing.for_people:
        code = worst(code, _print(texts, reports, running, showing))
    if not on_terminal:
        _say_all(complaints)
    code = stopped_by(running.stop, worst(code, _write_checks(ordered, showing)))
    return worst(code, _write_document(ordered, code, showing))


def _write_checks(ordered: Sequence[_Done], showing: Showing) -> int:
    """What continuous integration reads; the exit code of a file that cannot be written, which the user is told."""
    tasks = [api.checks_of(task.name, published, _named(task)) for task, published in ordered]
    try:
        api.write_checks(tasks, showing.checks.junit, showing.checks.summary)
    except RecordingError as error:
        say(str(error))
        return error.exit_code
    return Exit.DONE


def _write_document(ordered: Sequence[_Done], code: int, showing: Showing) -> int:
    """The whole result for programs, where it is asked for; the exit code of that."""
    if showing.json is None:
        return Exit.DONE
    tasks = [api.ReportedTask(task.name, task.path, published, _named(task)) for task, published in ordered]
    return write_json(api.result_json(tasks, code), showing.json)


def _together(
    ordered: Sequence[_Done], running: Running, showing: Showing
) -> tuple[list[str], list[Finished], RecordingError | None]:
    """What is printed of all tasks, as tables and for the summary; and what kept files of the whole run from being
    written."""
    reported = [(task, published) for task, published in ordered if published is not None]
    texts = [report_text(published, task.results) for task, published in reported]
    reports = {task.path: api.finished(published) for task, published in reported}
    try:
        texts += running.spec_decode(published for _, published in reported)
        if showing.plot:
            api.write_indexes({task.path: reports.get(task.path) for task, _ in ordered})
    except RecordingError as error:
        return texts, list(reports.values()), error
    return texts, list(reports.values()), None


def carry_out_share(prepared: Prepared, share: tuple[int, int], showing: Showing) -> int:
    """Sends and records the share, number and of how many, of a plan's one task; a report is made of all shares.
    Returns the exit code, as a whole run does."""
    _say_remarks(prepared, showing)
    with _watched(prepared, showing) as (running, _):
        (task,) = running
    if task.error is not None:
        say(str(task.error))
        return task.error.exit_code
    try:
        ended = api.ended_requests(task.path)
    except RecordingError as error:
        say(str(error))
        return error.exit_code
    told = f"share {share[0]}/{share[1]}: {ended.requests} requests, {ended.ok} ok, in {task.path}"
    click.echo(f"{task.name}: {told}.")
    if ended.failed is not None:
        say(ended.failed)
    remark("`fastbench merge` makes one report of all shares", quiet=showing.quiet)
    if not task.complete:
        say("stopped by the user")
        return stopped_by(running.stop, Exit.INTERRUPTED)
    return Exit.of_work(ended.ok > 0)


def _say_remarks(prepared: Prepared, showing: Showing) -> None:
    for sentence in prepared.remarks:
        remark(sentence, quiet=showing.quiet)


@contextlib.contextmanager
def _watched(prepared: Prepared, showing: Showing) -> Iterator[tuple[Running, Live]]:
    """The run, shown to the user, whose Ctrl-C is a wish to stop it."""
    leave_in_order()
    stop = Stop()
    seen = Live(quiet=showing.quiet, debug=prepared.run.debug, classic=showing.classic)
    running = Running(prepared, stop, seen.observe)
    with running, seen.shown(running.directory.path), stop.on_signals():
        yield running, seen


def _publish(task: EndedTask, seen: Live, showing: Showing) -> Published | None:
    """The task's files; None when it came to nothing that could be reported."""
    try:
        with calculation_bar(task.name, quiet=showing.quiet or seen.on_screen) as progress:
            published = task.publish(page=showing.plot, progress=progress, asking=showing.checks.asking)
    except RecordingError as error:
        seen.say(str(error))
        return None
    for sentence in task.remarks:
        seen.say(sentence)
    return published


def _say_all(complaints: Iterable[str]) -> None:
    for complaint in complaints:
        say(complaint)


def _print(texts: Sequence[str], tasks: Sequence[Finished], running: Running, showing: Showing) -> int:
    """The reports to standard output; a failure when that does not take them, which costs nothing but the sight of
    them."""
    try:
        again = f"fastbench recalc {quote(str(running.directory.path))} --tables"
        print_reports(texts, tasks, again, wanted=showing.tables)
    except OSError as error:
        say(f"the tables could not be printed ({error.strerror}): the results are in {running.directory.path}")
        return Exit.FAILED
    return Exit.DONE


def _failed(task: EndedTask, published: Published | None) -> str | None:
    """How many requests failed, by what, and what to do about most of them."""
    line = None if published is None else api.failures(published.metrics)
    return line and f"{line} (--reuse does not resend failed requests)"


def _whose(task: EndedTask, names: Sequence[str]) -> str:
    """What a sentence about one of several tasks begins with. The name of the only one was never typed."""
    return f"{task.name}: " if len(names) > 1 else ""


def _named(task: EndedTask) -> str:
    """What is wrong with a task, for programs; "" = nothing."""
    found = _complaint(task)
    return f"{task.name}: {found}" if found else ""


def _resuming(running: Running) -> str:
    """What to type for the rest of an interrupted run."""
    path = running.directory.path
    work_dir = "" if path.parent == Path(RunSettings().work_dir) else f" -w {quote(str(path.parent))}"
    return f"fastbench perf --reuse {quote(path.name)}{work_dir}"


def _complaint(task: EndedTask) -> str | None:
    if task.error is not None:
        return str(task.error)
    if task.died:
        return ". ".join(task.died)
    if task.idle:
        return "nothing was sent, as no request is left; the report is that of the run that was"
    if task.enough:
        return f"the run ended before its plan did: {task.enough}"
    return None if task.complete else "stopped by the user"


def _code(task: EndedTask, published: Published | None, *, strict: bool) -> int:
    code: int
    if task.error is not None:
        code = task.error.exit_code
    elif not task.complete:
        code = Exit.INTERRUPTED
    elif task.went_wrong:
        code = Exit.NOT_MET
    elif task.died or published is None or published.metrics.stage != task.task.stage:
        code = Exit.FAILED
    else:
        code = Exit.of_work(published.metrics.success > 0)
    reported = [] if published is None else [published.metrics]
    return worst(strict_code(code, reported, strict=strict), api.code_of(reported))
