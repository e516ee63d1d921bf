"""`fastbench baseline`: summaries of runs that a repository keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastbench.cli.printing import quiet_option
from fastbench.cli.report.shared import slo_option, stage_option, window_option
from fastbench.cli.user import calculation_bar, leave_in_order, say
from fastbench.errors import Exit
from fastbench.units import MISSING, quantity

if TYPE_CHECKING:
    from fastbench.api import Saved

_COLUMNS = ("Baseline", "Saved", "Runs", "Requests", "TTFT p50", "TTFT p99", "Bytes", "Workload")
_directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where baselines are.  [default: baselines]",
)


@click.group("baseline")
def baseline_command() -> None:
    """Keeps summaries of runs in files of at most 200 kB, to compare later runs with.

    \b
    fastbench baseline save main outputs/default/20261124_073446
    fastbench compare baseline:main outputs/default/20261125_081502
    """


@baseline_command.command("save")
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@_directory_option
@slo_option
@stage_option
@window_option
@click.option("--force", is_flag=True, help="Replace the baseline of that name.")
@click.option("--anyway", is_flag=True, help="Save a run that is INVALID, not whole, or without a success too.")
@quiet_option
def save_command(
    name: str,
    runs: tuple[str, ...],
    directory: Path | None,
    slo: tuple[str, ...],
    stage: str | None,
    window: str | None,
    force: bool,
    anyway: bool,
    quiet: bool,
) -> int:
    """Saves what a comparison needs of runs as baselines/NAME.json; nothing is sent.

    Each RUN is a recording, a run or a work dir: all its runs. Three runs or more show how much runs differ.

    \b
    fastbench baseline save main outputs/default/20261124_073446
    fastbench baseline save main nightly/ --force
    """
    # Imported late: help must not wait for it.
    from fastbench.api import DIRECTORY, save_baseline

    leave_in_order()
    with calculation_bar("the baseline", quiet=quiet) as progress:
        path = save_baseline(
            name,
            *runs,
            directory=directory or DIRECTORY,
            slo=slo or None,
            stage=stage,
            window=window,
            force=force,
            anyway=anyway,
            on_progress=progress,
        )
    click.echo(f"{path} written ({path.stat().st_size / 1e3:.1f} kB).")
    return Exit.DONE


@baseline_command.command("list")
@_directory_option
def list_command(directory: Path | None) -> int:
    """Lists the baselines; exit status 1 where one cannot be read."""
    from fastbench.api import DIRECTORY, saved_baselines

    found = saved_baselines(directory or DIRECTORY)
    if not found:
        click.echo(f"No baseline in {directory or DIRECTORY}: save one by fastbench baseline save NAME RUN.")
    for line in _table([_COLUMNS, *(_cells(one) for one in found if one.baseline is not None)] if found else []):
        click.echo(line)
    for one in found:
        if one.fault:
            say(one.fault)
    return Exit.of_work(not any(one.fault for one in found))


@baseline_command.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_directory_option
def rm_command(names: tuple[str, ...], directory: Path | None) -> int:
    """Removes baselines."""
    from fastbench.api import DIRECTORY, remove_baseline

    for name in names:
        click.echo(f"{remove_baseline(name, directory or DIRECTORY)} removed.")
    return Exit.DONE


def _cells(one: Saved) -> tuple[str, ...]:
    assert one.baseline is not None
    first, *_ = one.baseline.runs
    ttft = first.distributions.get("TTFT")
    points = (None, None) if ttft is None else (ttft.points.get("P50"), ttft.points.get("P99"))
    return (
        one.path.stem,
        one.baseline.saved,
        str(len(one.baseline.runs)),
        str(sum(run.requests for run in one.baseline.runs)),
        *(MISSING if value is None else quantity(value, "ms") for value in points),
        f"{one.size:,}",
        first.workload.words or MISSING,
    )


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
