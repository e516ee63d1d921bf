"""`fastbench report`: the report page of finished runs, or a comparison of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastbench.cli.printing import Terminal, print_reports, quiet_option, tables_option
from fastbench.cli.report.shared import (
    find_recordings,
    label_option,
    labels_of,
    only_one,
    recalc_command,
    stage_option,
    strict_code,
    strict_option,
    window_option,
)
from fastbench.cli.user import calculation_bar, leave_in_order
from fastbench.errors import Exit, UsageError
from fastbench.options import one_stage

if TYPE_CHECKING:
    from fastbench import Metrics
    from fastbench.api import Page

COMPARISON = Path("comparison.html")


@click.command("report")
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIRECTORY...")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="The page's file.")
@label_option
@stage_option
@window_option
@strict_option
@tables_option
@quiet_option
def report_command(
    directories: tuple[Path, ...],
    output: Path | None,
    labels: tuple[str, ...],
    stage: str | None,
    window: str | None,
    strict: bool,
    tables: bool,
    quiet: bool,
) -> int:
    """Writes the report page of finished runs from their recordings; nothing is sent.

    Each DIRECTORY is that of a run, of its performances, of one recording in it, or a work dir: its latest run is
    taken. One of them: the page <dataset>_plot.html of each of its recordings, beside the tables, and
    index.html over them where a run has several. Several: one page that compares each with the first, by default
    comparison.html, also what is not comparable: the reason stands on top. For an exit code, and for several runs of a
    side, see fastbench compare.

    \b
    fastbench report outputs/default/20261124_073446
    fastbench report outputs/default/20261124_073446 outputs/default/20261124_081502 -o before_after.html
    """
    # Imported late: help must not wait for it.
    from fastbench.api import page, write_indexes

    leave_in_order()
    chosen = one_stage(stage, window)
    recordings = [find_recordings(directory, quiet=quiet) for directory in directories]
    if len(directories) > 1:
        found = _compare(recordings, output or COMPARISON, labels, stage, window, quiet=quiet)
        return strict_code(Exit.DONE, found, strict=strict)
    if labels:
        raise UsageError("--label names the sides of a comparison: give two directories or more")
    (paths,) = recordings
    only_one(paths, directories[0], output)
    reported: list[Metrics] = []
    shown: dict[Path, Page] = {}
    for path in paths:
        shown[path] = page(path, output, stage=chosen)
        _say_written(shown[path].path)
        reported += shown[path].reported
    finished = {path: written.finished for path, written in shown.items()}
    for index in write_indexes(finished):
        _say_written(index)
    if tables or Terminal.of_output().is_one:
        texts = [written.tables for written in shown.values()]
        print_reports(texts, list(finished.values()), recalc_command(paths, chosen), wanted=tables)
    return strict_code(Exit.DONE, reported, strict=strict)


def _compare(
    sides: list[list[Path]],
    target: Path,
    labels: tuple[str, ...],
    stage: str | None,
    window: str | None,
    *,
    quiet: bool,
) -> list[Metrics]:
    """Writes the page of sides against the first. Returns the numbers of all their runs."""
    from fastbench import compare
    from fastbench.api import write_comparison_page

    with calculation_bar("the comparison", quiet=quiet) as progress:
        found = compare(
            *sides,
            base=sides[0][0],
            labels=labels_of(labels),
            stage=stage,
            window=window,
            anyway=True,
            on_progress=progress,
        )
    write_comparison_page(found, target)
    _say_written(target)
    for sentence in found.sentences:
        click.echo(sentence)
    return [run.metrics for side in found.sides for run in side.runs if run.metrics is not None]


def _say_written(page: Path) -> None:
    click.echo(f"{page} written ({page.stat().st_size / 1e6:.1f} MB).")
