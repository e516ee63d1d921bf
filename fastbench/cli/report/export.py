"""`fastbench export`: the requests of a run, for other tools."""

from pathlib import Path

import click

from fastbench.cli.report.shared import find_recordings, only_one
from fastbench.cli.user import leave_in_order


@click.command("export")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(["csv", "jsonl", "parquet", "hlog"]),
    help="hlog: a histogram log for HdrHistogram's tools, a line for each second and metric.",
)
@click.option("--tokens", is_flag=True, help="The token times instead of the requests; with hlog ITL as well.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="[default: beside the tables]")
def export_command(directory: Path, form: str, tokens: bool, output: Path | None) -> int:
    """Writes the measured requests of a finished run to a file: a row for each, with all its moments and counts.

    DIRECTORY is that of a run, of its performances, of one recording in it, or a work dir: its latest run is taken.

    \b
    fastbench export outputs/default/20261124_073446 --format csv
    fastbench export outputs/default/20261124_073446 --format parquet --tokens -o tokens.parquet
    """
    # Imported late: help must not wait for them.
    from fastbench.api import export, name_of, open

    leave_in_order()
    kind = "_tokens" if tokens else "_requests"
    paths = find_recordings(directory)
    only_one(paths, directory, output)
    for path in paths:
        target = output or path.with_name(f"{name_of(path)}{kind}.{form}")
        export(open(path), target, form=form, tokens=tokens)
        click.echo(f"{target} written.")
    return 0
