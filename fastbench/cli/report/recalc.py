"""`fastbench recalc`: compute a report again from its recording."""

from pathlib import Path

import click

from fastbench.cli.printing import tables_option
from fastbench.cli.report.shared import (
    find_recordings,
    no_plot_option,
    one_stage,
    report_again,
    stage_option,
    strict_option,
    window_option,
)
from fastbench.cli.user import leave_in_order


@click.command("recalc")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--stats",
    metavar="LIST",
    help="Columns of the report, such as Average,P50,P99.9.  [default: those of the run]",
)
@stage_option
@window_option
@no_plot_option
@strict_option
@tables_option
def recalc_command(
    directory: Path,
    stats: str | None,
    stage: str | None,
    window: str | None,
    no_plot: bool,
    strict: bool,
    tables: bool,
) -> int:
    """Computes the report of a finished run again and rewrites its files; nothing is sent.

    DIRECTORY is that of a run, of its performances, of one recording in it, or a work dir: its latest run is taken.

    \b
    fastbench recalc outputs/default/20261124_073446 --stats P95,P99
    """
    # Imported late: help must not wait for it.
    from fastbench.config import parse_stats

    leave_in_order()
    columns = None if stats is None else parse_stats(stats)
    chosen = one_stage(stage, window)
    recordings = find_recordings(directory)
    return report_again(recordings, columns, chosen, plot=not no_plot, strict=strict, tables=tables)
