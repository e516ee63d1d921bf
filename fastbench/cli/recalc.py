"""`fastbench recalc`: compute a report again from its recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fastbench.recording.reader import Recording

SUFFIX = "_recording"


@click.command("recalc")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--stats",
    metavar="LIST",
    help="Columns of the report, such as Average,P50,P99.9.  [default: those of the run]",
)
def recalc_command(directory: Path, stats: str | None) -> int:
    """Computes the report of a finished run again and rewrites its files; nothing is sent.

    DIRECTORY is the directory of a run, or of one recording in it.

    \b
    fastbench recalc outputs/default/20261124_073446 --stats P95,P99
    """
    # Imported late: help must not wait for them.
    from fastbench.cli.calculation_bar import calculation_bar
    from fastbench.config.stats import parse_stats
    from fastbench.recording.reader import Recording
    from fastbench.report.publish import publish_recording, reading

    columns = None if stats is None else parse_stats(stats)
    some_without_success = False
    for path in find_recordings(directory):
        name = path.name.removesuffix(SUFFIX)
        with calculation_bar(name) as progress:
            recording = Recording.open(path, reading(progress))
            stats_shown = columns or recorded_stats(recording)
            published = publish_recording(recording, path.parent, name, stats_shown, progress)
        click.echo(published.text, nl=False)
        click.echo(f"Performance Result files located in {path.parent}.")
        some_without_success |= not published.metrics.success
    return int(some_without_success)


def find_recordings(directory: Path) -> list[Path]:
    """The recordings of a run, or the one that `directory` itself is; RecordingError when there is none."""
    from fastbench.errors import RecordingError, UsageError
    from fastbench.recording.format import REQUESTS

    if not directory.is_dir():
        raise UsageError(f"{directory} is no directory: name that of a run or of one of its recordings")
    if (directory / REQUESTS).is_file():
        # Resolved, because "." has no name to give to the report.
        return [directory.resolve()]
    found = [path for path in sorted(directory.glob(f"performances/*/*{SUFFIX}")) if path.is_dir()]
    if not found:
        raise RecordingError(
            f"{directory} holds no recording: name the directory of a run "
            f"(with performances/<model>/<data set>{SUFFIX}) or of one recording (with {REQUESTS})"
        )
    return found


def recorded_stats(recording: Recording) -> tuple[str, ...]:
    """The columns that the run itself was reported with; the usual ones where its header does not say."""
    from fastbench.config.stats import DEFAULT_STATS, parse_stats

    config = recording.header.get("config", {})
    names = config.get("summarizer", {}).get("stats_list") if isinstance(config, dict) else None
    return parse_stats(names) if isinstance(names, list) else DEFAULT_STATS
