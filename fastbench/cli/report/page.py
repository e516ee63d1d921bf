"""Report pages from recordings."""

from collections.abc import Sequence
from pathlib import Path

import click

from fastbench.api import SUFFIX, recorded
from fastbench.cli.report.recordings import find_recordings, only_one
from fastbench.cli.report.shown import strict_code
from fastbench.metrics import Metrics, compute_for_page
from fastbench.recording import Recording
from fastbench.report import PAGE, STATS, Compared, comparison, replace, task_of, write_page

COMPARISON = Path("comparison.html")


def rebuild(directory: Path, output: Path | None, stage: str | None, *, strict: bool) -> int:
    """The page of each recording in `directory`, at `output` if there is one alone; returns the exit code.

    stage: None = that with which the run was reported.
    """
    paths = find_recordings(directory)
    only_one(paths, directory, output)
    reported: list[Metrics] = []
    for path in paths:
        recording = Recording.open(path)
        shown = recorded(recording)
        name = path.name.removesuffix(SUFFIX)
        computed = compute_for_page(recording, shown.stats, stage or shown.stage)
        reported.append(computed.metrics)
        target = output or path.with_name(f"{name}{PAGE}")
        _say(write_page(recording, computed, target, task_of(recording, name)))
    return strict_code(0, reported, strict=strict)


def compare(directories: Sequence[Path], output: Path | None, stage: str | None, *, strict: bool) -> int:
    """One page about all recordings in the directories, in their order; returns the exit code."""
    paths = [path for directory in directories for path in find_recordings(directory)]
    names = short_names(paths)
    target = output or COMPARISON
    runs = [_compared(*each, stage) for each in zip(names, paths, strict=True)]
    replace(target, comparison(runs))
    _say(target)
    return strict_code(0, [run.metrics for run in runs], strict=strict)


def _compared(name: str, path: Path, stage: str | None) -> Compared:
    recording = Recording.open(path)
    return Compared(name, recording, compute_for_page(recording, STATS, stage or recorded(recording).stage))


def short_names(paths: Sequence[Path]) -> list[str]:
    """For each recording run, model and data set, without what they all share; all three where nothing is left."""
    places = [_place(path) for path in paths]
    differing = [part for part in range(3) if len({place[part] for place in places}) > 1] or [0, 1, 2]
    return ["/".join(place[part] for part in differing) for place in places]


def _place(path: Path) -> tuple[str, str, str]:
    """(run, model, data set) by where a recording lies."""
    parents = path.resolve().parents
    run = parents[2] if parents[1].name == "performances" else parents[1]
    return run.name, parents[0].name, path.name.removesuffix(SUFFIX)


def _say(path: Path) -> None:
    click.echo(f"{path} written ({path.stat().st_size / 1e6:.1f} MB).")
