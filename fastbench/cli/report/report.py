"""`fastbench report`: the report page of finished runs, or a comparison of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastbench.cli.printing import Terminal, print_reports, tables_option
from fastbench.cli.report.shared import (
    find_recordings,
    one_stage,
    only_one,
    recalc_command,
    stage_option,
    strict_code,
    strict_option,
    window_option,
)
from fastbench.cli.user import leave_in_order

if TYPE_CHECKING:
    from fastbench import Metrics
    from fastbench.api import Page

COMPARISON = Path("comparison.html")


@click.command("report")
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIRECTORY...")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="The page's file.")
@stage_option
@window_option
@strict_option
@tables_option
def report_command(
    directories: tuple[Path, ...],
    output: Path | None,
    stage: str | None,
    window: str | None,
    strict: bool,
    tables: bool,
) -> int:
    """Writes the report page of finished runs from their recordings; nothing is sent.

    Each DIRECTORY is that of a run, of its performances, of one recording in it, or a work dir: its latest run is
    taken. One of them: the page <dataset>_plot.html of each of its recordings, beside the tables, and
    index.html over them where a run has several. Several: one page
    that compares all their recordings, by default comparison.html.

    \b
    fastbench report outputs/default/20261124_073446
    fastbench report outputs/default/20261124_073446 outputs/default/20261124_081502 -o before_after.html
    """
    # Imported late: help must not wait for it.
    from fastbench.api import compare_page, page, write_indexes

    leave_in_order()
    chosen = one_stage(stage, window)
    paths = [path for directory in directories for path in find_recordings(directory)]
    if len(directories) == 1:
        only_one(paths, directories[0], output)
        pages = (page(path, output, stage=chosen) for path in paths)
    else:
        pages = (compare_page(paths, target, stage=chosen) for target in [output or COMPARISON])
    reported: list[Metrics] = []
    seen: dict[Path, Page] = {}
    for path, written in zip(paths, pages, strict=False):
        _say_written(written.path)
        reported += written.reported
        seen[path] = written
    shown = {path: written.finished for path, written in seen.items() if written.finished is not None}
    for index in write_indexes(shown):
        _say_written(index)
    if tables or Terminal.of_output().is_one:
        texts = [written.tables for written in seen.values() if written.tables]
        print_reports(texts, list(shown.values()), recalc_command(paths, chosen), wanted=tables)
    return strict_code(0, reported, strict=strict)


def _say_written(page: Path) -> None:
    click.echo(f"{page} written ({page.stat().st_size / 1e6:.1f} MB).")
