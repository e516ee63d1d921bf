"""Reports of finished runs, computed again from their recordings; for `recalc` and `perf --mode perf_viz`."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

import click

from fastbench.api import OF_PERFORMANCES, SUFFIX, recorded
from fastbench.cli.report.calculation_bar import calculation_bar
from fastbench.cli.report.shown import strict_code
from fastbench.errors import RecordingError, UsageError
from fastbench.metrics import Metrics
from fastbench.recording import Recording, Scrape
from fastbench.report import Published, publish, publish_spec_decode, reading


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
        whole = len(of_run) == len([path for path in run.glob(OF_PERFORMANCES) if path.is_dir()])
        try:
            yield from publish_spec_decode(chain(*of_run.values()), run if whole else None)
        except RecordingError as error:
            faults.append(str(error))
