"""What the commands about finished runs have in common: which recordings, which part of them, their reports again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastbench.cli.printing import Showing, print_reports, write_json
from fastbench.errors import Exit, RecordingError, UsageError, worst
from fastbench.options import (
    ASSERT,
    DIALECT,
    JUNIT,
    READING_SPEED,
    SLO,
    STAGE,
    STAGES,
    STALL,
    STRICT,
    SUMMARY,
    WINDOW,
    Options,
)

if TYPE_CHECKING:
    from fastbench import Metrics
    from fastbench.api import Published

_ALL = Showing()

stage_option = click.option("--stage", type=click.Choice(STAGES), help=STAGE)
window_option = click.option("--window", metavar="FROM:TO", help=WINDOW)
strict_option = click.option("--strict", is_flag=True, help=STRICT)
slo_option = click.option("--slo", metavar="TEXT", multiple=True, help=f"{SLO}  [default: those of the run]")
stall_option = click.option("--stall", metavar="TIME", help=f"{STALL}  [default: as the run]")
reading_speed_option = click.option("--reading-speed", metavar="RATE", help=f"{READING_SPEED}  [default: as the run]")
assert_option = click.option("--assert", "assertions", metavar="TEXT", multiple=True, help=ASSERT)
junit_option = click.option("--junit", metavar="FILE", help=JUNIT)
summary_option = click.option("--summary", metavar="FILE", help=SUMMARY)
label_option = click.option(
    "--label", "labels", metavar="A=TEXT", multiple=True, help="Name of a side; may be repeated."
)
dialect_option = click.option("--dialect", "dialects", metavar="NAMES", multiple=True, help=DIALECT)
no_plot_option = click.option("--no-plot", is_flag=True, help="Write no report page.")


def strict_code(code: int, reports: Iterable[Metrics], *, strict: bool) -> int:
    """The exit code; if it is to be strict at least 4 where a verdict is INVALID."""
    return max(code, Exit.CANNOT_TELL) if strict and any(not metrics.verdict.valid for metrics in reports) else code


def find_recordings(directory: Path, *, quiet: bool = False) -> list[Path]:
    """The recordings of a run or of a part of it, the one that `directory` itself is, or those of the latest run in a
    work dir, which the user is told. Raises UsageError or NotARunError when there is none."""
    from fastbench.api import latest_recordings
    from fastbench.cli.user import remark

    found = latest_recordings(directory)
    if found.remark is not None:
        remark(found.remark, quiet=quiet)
    return found.paths


def only_one(paths: list[Path], directory: Path, output: Path | None) -> None:
    """Raises UsageError where one output file is to hold what several recordings have."""
    if output is not None and len(paths) > 1:
        raise UsageError(f"{directory} has {len(paths)} recordings: leave --output out, or name one of them")


def report_text(published: Published, directory: Path) -> str:
    """What is shown of a report, whose files are in `directory`: at the end of a run and again."""
    return f"{published.text}Performance Result files located in {directory}."


def report_again(
    recordings: Sequence[Path],
    stats: tuple[str, ...] | None = None,
    stage: str | None = None,
    showing: Showing = _ALL,
) -> int:
    """Rewrites the files of each report and prints it. stats, stage: None = those that the run was reported with.

    Returns the exit code: 1 when a recording has no success, 3 when an SLO or an assertion is not met, 4 when that
    cannot be told, or it is to be strict and a verdict is INVALID. A search's levels need not keep its SLO.
    RecordingError with all that cannot be reported,
    after the rest was.
    """
    from fastbench.api import (
        Asking,
        ReportedTask,
        checks_of,
        code_of,
        deciding,
        finished,
        name_of,
        recalculate,
        result_json,
        spec_decode_blocks,
        write_checks,
        write_indexes,
    )
    from fastbench.cli.user import calculation_bar

    asking, junit, summary = showing.checks
    asking = asking or Asking()
    reports: dict[Path, Published] = {}
    faults: dict[Path, str] = {}
    for path in recordings:
        try:
            with calculation_bar(name_of(path), quiet=showing.quiet) as progress:
                reports[path] = recalculate(
                    path, stats=stats, stage=stage, page=showing.plot, progress=progress, asking=asking
                )
        except (RecordingError, UsageError) as error:
            faults[path] = str(error)
    blocks, unwritten = spec_decode_blocks(reports)
    tasks = {path: finished(published) for path, published in reports.items()}
    if showing.plot:
        write_indexes(tasks)
    texts = [*(report_text(published, path.parent) for path, published in reports.items()), *blocks]
    if showing.for_people:
        print_reports(texts, list(tasks.values()), recalc_command(reports, stage), wanted=showing.tables)
    write_checks([checks_of(one.answer.subject.task, one) for one in reports.values()], junit, summary)
    reported = [published.metrics for published in reports.values()]
    code: int = Exit.of_work(all(metrics.success for metrics in reported))
    code = worst(strict_code(code, reported, strict=showing.strict), code_of(deciding(reports, asking)))
    if faults or unwritten:
        code = Exit.FAILED
    if showing.json is not None:
        document = [ReportedTask(one.answer.subject.task, path, one) for path, one in reports.items()]
        document += [ReportedTask(name_of(path), path, None, fault) for path, fault in faults.items()]
        code = worst(code, write_json(result_json(document, code), showing.json))
    if faults or unwritten:
        raise RecordingError("\n".join([*faults.values(), *unwritten]))
    return code


def recalc_command(paths: Iterable[Path], stage: str | None = None) -> str | None:
    """The command that prints the tables of these recordings; None of none. stage: as `report_again`."""
    from shlex import quote

    places = {path if "performances" not in path.parts else path.parents[2] for path in paths}
    if not places:
        return None
    part = f" {'--window' if ':' in stage else '--stage'} {stage}" if stage else ""
    run = os.path.commonpath(places) if len(places) > 1 else str(next(iter(places)))
    return f"fastbench recalc {quote(run)}{part} --tables"


def report_run_again(options: Options, showing: Showing) -> int:
    """`fastbench perf --mode perf_viz`: reports the tasks that the options name, or all of the run, with the summarizer
    of today; nothing is sent. Returns the exit code."""
    from fastbench.api import reused_recordings
    from fastbench.cli.user import leave_in_order, remark
    from fastbench.options import shown_by

    recordings, how = reused_recordings(options)
    leave_in_order()
    if how is not None:
        remark(how, quiet=showing.quiet)
    stats, stage = shown_by(options)
    return report_again(recordings, stats, stage, showing)


def labels_of(texts: tuple[str, ...]) -> dict[str, str]:
    """Of `label_option`, by letter. Raises UsageError."""
    found = {}
    for text in texts:
        letter, equals, name = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--label {text} names no side: write it as A=before")
        found[letter.strip()] = name.strip()
    return found
