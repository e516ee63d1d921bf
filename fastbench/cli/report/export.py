"""`fastbench export`: the requests of a run, for other tools."""

from pathlib import Path

import click

from fastbench.cli.report.shared import find_recordings, only_one
from fastbench.cli.user import leave_in_order
from fastbench.errors import Exit


@click.command("export")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(["csv", "jsonl", "parquet", "hlog", "vllm", "llm-d"]),
    help="hlog: a histogram log for HdrHistogram's tools, a line for each second and metric. vllm: the JSON of vLLM's "
    "--save-result. llm-d: its Benchmark Report v0.2.1, JSON.",
)
@click.option(
    "--tokens",
    is_flag=True,
    help="The token times instead of the requests; with hlog ITL as well; with vllm the lists of --save-detailed.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="[default: beside the tables]")
def export_command(directory: Path, form: str, tokens: bool, output: Path | None) -> int:
    """Writes the measured requests of a finished run to a file: a row for each, with all its moments and counts; or its
    result as another tool would have written it.

    DIRECTORY is that of a run, of its performances, of one recording in it, or a work dir: its latest run is taken.

    \b
    fastbench export outputs/default/20261124_073446 --format csv
    fastbench export outputs/default/20261124_073446 --format parquet --tokens -o tokens.parquet
    fastbench export outputs/default/20261124_073446 --format vllm -o result.json
    """
    # Imported late: help must not wait for them.
    from fastbench.api import RESULTS, export, name_of, open

    leave_in_order()
    kind = f"{'_tokens' if tokens else '_requests'}.{form}" if form not in RESULTS else f"_{form}.json"
    paths = find_recordings(directory)
    only_one(paths, directory, output)
    for path in paths:
        target = output or path.with_name(f"{name_of(path)}{kind}")
        export(open(path), target, form=form, tokens=tokens)
        click.echo(f"{target} written.")
    return Exit.DONE
