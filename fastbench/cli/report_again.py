"""Reports of finished runs, computed again from their recordings; for `recalc` and `perf --mode perf_viz`."""

from collections.abc import Iterable
from pathlib import Path

import click

from fastbench.cli.calculation_bar import calculation_bar
from fastbench.config.issues import Issues
from fastbench.config.summarizer import Shown, build_summarizer
from fastbench.errors import RecordingError, UsageError
from fastbench.recording.format import REQUESTS
from fastbench.recording.reader import Recording
from fastbench.report.publish import Published, publish_recording, reading

SUFFIX = "_recording"
# Below a run, below its performances, below one model.
_PLACES = (f"performances/*/*{SUFFIX}", f"*/*{SUFFIX}", f"*{SUFFIX}")


def report_again(
    recordings: Iterable[Path], stats: tuple[str, ...] | None, stage: str | None = None, *, quiet: bool = False
) -> int:
    """Rewrites the files of each report and prints it. stats, stage: None = those that the run was reported with.

    Returns the exit code: 1 when a recording has no success. RecordingError with all that cannot be reported, after
    the rest was.
    """
    some_without_success = False
    faults: list[str] = []
    for path in recordings:
        try:
            published = _publish(path, stats, stage, quiet)
        except (RecordingError, UsageError) as error:
            faults.append(str(error))
            continue
        click.echo(published.text, nl=False)
        click.echo(f"Performance Result files located in {path.parent}.")
        some_without_success |= not published.metrics.success
    if faults:
        raise RecordingError("\n".join(faults))
    return int(some_without_success)


def _publish(path: Path, stats: tuple[str, ...] | None, stage: str | None, quiet: bool) -> Published:
    name = path.name.removesuffix(SUFFIX)
    with calculation_bar(name, quiet=quiet) as progress:
        recording = Recording.open(path, reading(progress))
        before = recorded(recording)
        return publish_recording(
            recording, path.parent, name, stats or before.stats, progress, stage=stage or before.stage
        )


def find_recordings(directory: Path) -> list[Path]:
    """The recordings of a run or of a part of it, or the one that `directory` itself is; RecordingError when there
    is none."""
    if not directory.is_dir():
        raise UsageError(f"{directory} is no directory: name that of a run or of one of its recordings")
    if (directory / REQUESTS).is_file():
        # Resolved, because "." has no name to give to the report.
        return [directory.resolve()]
    for place in _PLACES:
        found = [path for path in sorted(directory.glob(place)) if path.is_dir()]
        if found:
            return found
    raise RecordingError(
        f"{directory} holds no recording: name the directory of a run "
        f"(with performances/<model>/<data set>{SUFFIX}) or of one recording (with {REQUESTS})"
    )


def recorded(recording: Recording) -> Shown:
    """What the run itself was reported with; the usual where its header does not say."""
    config = recording.header.get("config")
    issues = Issues("the header of the recording")
    shown = build_summarizer(config.get("summarizer", {}) if isinstance(config, dict) else {}, issues)
    issues.check()
    return shown
