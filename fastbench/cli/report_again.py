"""Reports of finished runs, computed again from their recordings; for `recalc` and `perf --mode perf_viz`."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import click

from fastbench.cli.calculation_bar import calculation_bar
from fastbench.cli.say import say
from fastbench.cli.strict import strict_code
from fastbench.config.issues import Issues
from fastbench.config.summarizer import Shown, build_summarizer
from fastbench.errors import NotARunError, RecordingError, UsageError
from fastbench.metrics.model import Metrics
from fastbench.recording.format import REQUESTS, part_paths
from fastbench.recording.reader import Recording
from fastbench.recording.scrapes import Scrape
from fastbench.report.publish import Published, publish, reading
from fastbench.report.spec_decode import publish_spec_decode

SUFFIX = "_recording"
# Below a run, below its performances, below one model.
_PLACES = (f"performances/*/*{SUFFIX}", f"*/*{SUFFIX}", f"*{SUFFIX}")


def report_again(
    recordings: Iterable[Path],
    stats: tuple[str, ...] | None,
    stage: str | None = None,
    *,
    quiet: bool = False,
    plot: bool = True,
    strict: bool = False,
) -> int:
    """Rewrites the files of each report and prints it. stats, stage: None = those that the run was reported with.
    plot: whether the page is among them.

    Returns the exit code: 1 when a recording has no success, 4 when it is to be strict and a verdict is INVALID.
    RecordingError with all that cannot be reported, after the rest was.
    """
    reported: list[Metrics] = []
    faults: list[str] = []
    scrapes: dict[Path, list[Scrape]] = {}
    for path in recordings:
        try:
            published = _publish(path, stats, stage, quiet, plot)
        except (RecordingError, UsageError) as error:
            faults.append(str(error))
            continue
        click.echo(published.text, nl=False)
        click.echo(f"Performance Result files located in {path.parent}.")
        reported.append(published.metrics)
        scrapes[path] = list(published.spec_decode)
    for text in _spec_decode(scrapes, faults):
        click.echo(text)
    if faults:
        raise RecordingError("\n".join(faults))
    code = int(any(not metrics.success for metrics in reported))
    return strict_code(code, reported, strict=strict)


def _publish(path: Path, stats: tuple[str, ...] | None, stage: str | None, quiet: bool, plot: bool) -> Published:
    name = path.name.removesuffix(SUFFIX)
    with calculation_bar(name, quiet=quiet) as progress:
        recording = Recording.open(path, reading(progress))
        before = recorded(recording)
        return publish(
            recording, path.parent, name, stats or before.stats, progress, stage=stage or before.stage, plot=plot
        )


def _spec_decode(scrapes: Mapping[Path, Iterable[Scrape]], faults: list[str]) -> Iterator[str]:
    """The blocks of each run, given the scrapes by recording; what cannot be written is added to `faults`."""
    runs = {path.resolve().parent.parent for path in scrapes}
    for run in sorted(runs):
        of_run = {path: found for path, found in scrapes.items() if path.resolve().parent.parent == run}
        # Of a part of the run only the block is shown: its file is about the whole.
        whole = len(of_run) == len([path for path in run.glob(_PLACES[1]) if path.is_dir()])
        try:
            yield from publish_spec_decode(chain(*of_run.values()), run if whole else None)
        except RecordingError as error:
            faults.append(str(error))


def find_recordings(directory: Path) -> list[Path]:
    """The recordings of a run or of a part of it, the one that `directory` itself is, or those of the latest run in a
    work dir, which the user is told. Raises UsageError or NotARunError when there is none."""
    found = recordings_of(directory)
    if found:
        return found
    runs = runs_in(directory)
    if not runs:
        raise NotARunError(
            f"{directory} holds no recording: name the directory of a run "
            f"(with performances/<model>/<data set>{SUFFIX}), of one recording (with {REQUESTS}), or a work dir"
        )
    if len(runs) > 1:
        say(f"{directory} has {len(runs)} runs; the latest, {runs[-1].name}, is taken")
    return recordings_of(runs[-1])


def recordings_of(directory: Path) -> list[Path]:
    """As `find_recordings`, but of this directory alone; empty where it has none."""
    if not directory.is_dir():
        raise UsageError(f"{directory} is no directory: name that of a run or of one of its recordings")
    if part_paths(directory)[0].is_file():
        # Resolved, because "." has no name to give to the report.
        return [directory.resolve()]
    for place in _PLACES:
        found = [path for path in sorted(directory.glob(place)) if path.is_dir()]
        if found:
            return found
    return []


def runs_in(directory: Path) -> list[Path]:
    """The runs in a work dir that have a recording, the latest last."""
    return [path for path in sorted(directory.iterdir()) if (path / "performances").is_dir() and recordings_of(path)]


def only_one(paths: list[Path], directory: Path, output: Path | None) -> None:
    """Raises UsageError where one output file is to hold what several recordings have."""
    if output is not None and len(paths) > 1:
        raise UsageError(f"{directory} has {len(paths)} recordings: leave --output out, or name one of them")


def recorded(recording: Recording) -> Shown:
    """What the run itself was reported with; the usual where its header does not say."""
    config = recording.header.get("config")
    issues = Issues("the header of the recording")
    shown = build_summarizer(config.get("summarizer", {}) if isinstance(config, dict) else {}, issues)
    issues.check()
    return shown
