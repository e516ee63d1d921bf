"""`fastbench merge`: one recording and one report of shares that were recorded apart."""

from pathlib import Path

import click

from fastbench.cli.report.shown import no_plot_option


@click.command("merge")
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIRECTORY...")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="The new run.  [default: in outputs/default]"
)
@click.option("--partial", is_flag=True, help="Count the requests of missing shares as lost.")
@no_plot_option
def merge_command(directories: tuple[Path, ...], output: Path | None, partial: bool, no_plot: bool) -> int:
    """Makes one recording and one report of the shares of a plan; nothing is sent.

    Each DIRECTORY is that of a run with `--shard`, or of a recording in it.

    \b
    fastbench merge shares/0 shares/1 shares/2 shares/3 -o whole
    """
    # Imported late: help must not wait for them.
    from fastbench.cli.report.merge_shares import merge_shares

    return merge_shares(directories, output, partial=partial, plot=not no_plot)
