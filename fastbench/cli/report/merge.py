"""`fastbench merge`: one recording and one report of shares that were recorded apart."""

from pathlib import Path

import click

from fastbench.cli.printing import Showing, quiet_option
from fastbench.cli.report.shared import no_plot_option, report_again
from fastbench.cli.user import leave_in_order, say
from fastbench.errors import Exit


@click.command("merge")
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIRECTORY...")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="The new run.  [default: in outputs/default]"
)
@click.option("--partial", is_flag=True, help="Count the requests of missing shares as lost.")
@no_plot_option
@quiet_option
def merge_command(directories: tuple[Path, ...], output: Path | None, partial: bool, no_plot: bool, quiet: bool) -> int:
    """Makes one recording and one report of the shares of a plan; nothing is sent.

    Each DIRECTORY is that of a run with `--shard`, or of a recording in it.

    \b
    fastbench merge shares/0 shares/1 shares/2 shares/3 -o whole
    """
    # Imported late: help must not wait for it.
    from fastbench import open
    from fastbench.api import merge_shares

    leave_in_order()
    merged = merge_shares(directories, output, partial=partial)
    for whole in merged:
        if whole.missing is not None:
            say(whole.missing)
    code = report_again([whole.path for whole in merged], showing=Showing(quiet=quiet, plot=not no_plot))
    recordings = [open(whole.path) for whole in merged]
    is_whole = not any(recording.damage or recording.lost_rows for recording in recordings)
    return max(code, Exit.of_work(is_whole))
