"""`fastbench report`: the report page of finished runs, or a comparison of them."""

from pathlib import Path

import click

from fastbench.cli.interrupt import leave_in_order
from fastbench.cli.report.shown import one_stage, stage_option, strict_option, window_option


@click.command("report")
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIRECTORY...")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="The page's file.")
@stage_option
@window_option
@strict_option
def report_command(
    directories: tuple[Path, ...], output: Path | None, stage: str | None, window: str | None, strict: bool
) -> int:
    """Writes the report page of finished runs from their recordings; nothing is sent.

    Each DIRECTORY is that of a run, of its performances, of one recording in it, or a work dir: its latest run is
    taken. One of them: the page <dataset>_plot.html of each of its recordings, beside the tables. Several: one page
    that compares all their recordings, by default comparison.html.

    \b
    fastbench report outputs/default/20261124_073446
    fastbench report outputs/default/20261124_073446 outputs/default/20261124_081502 -o before_after.html
    """
    # Imported late: help must not wait for them.
    from fastbench.cli.report.page import compare, rebuild

    leave_in_order()
    chosen = one_stage(stage, window)
    if len(directories) == 1:
        return rebuild(directories[0], output, chosen, strict=strict)
    return compare(directories, output, chosen, strict=strict)
