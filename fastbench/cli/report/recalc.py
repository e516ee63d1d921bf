"""`fastbench recalc`: compute a report again from its recording."""

from pathlib import Path

import click

from fastbench.cli.interrupt import leave_in_order
from fastbench.cli.report.shown import no_plot_option, one_stage, stage_option, strict_option, window_option


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
def recalc_command(
    directory: Path, stats: str | None, stage: str | None, window: str | None, no_plot: bool, strict: bool
) -> int:
    """Computes the report of a finished run again and rewrites its files; nothing is sent.

    DIRECTORY is that of a run, of its performances, of one recording in it, or a work dir: its latest run is taken.

    \b
    fastbench recalc outputs/default/20261124_073446 --stats P95,P99
    """
    # Imported late: help must not wait for them.
    from fastbench.cli.report.again import report_again
    from fastbench.cli.report.recordings import find_recordings
    from fastbench.config import parse_stats

    leave_in_order()
    columns = None if stats is None else parse_stats(stats)
    return report_again(find_recordings(directory), columns, one_stage(stage, window), plot=not no_plot, strict=strict)
