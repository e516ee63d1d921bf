"""Runs on disk: finding recordings, their report settings, merging shards."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from fastbench.config import Issues, Shown, build_summarizer
from fastbench.errors import NotARunError, RecordingError, UsageError
from fastbench.recording import (
    REQUESTS,
    PartFile,
    Recording,
    check_parts,
    merge,
    part_files,
    part_paths,
)

Where = str | os.PathLike[str]

SUFFIX = "_recording"
OF_PERFORMANCES = f"*/*{SUFFIX}"
# Below a run, below its performances, below one model.
_PLACES = (f"performances/{OF_PERFORMANCES}", OF_PERFORMANCES, f"*{SUFFIX}")


def open(path: Where) -> Recording:
    """The recording that `path` is, or the only one of the run or work dir that it is.

    Raises UsageError where there are several, NotARunError where there is none, RecordingError for one that cannot be
    read.
    """
    found = all_recordings(Path(path))
    if len(found) > 1:
        raise UsageError(f"{path} has {len(found)} recordings: name one of them, such as {found[0]}")
    return Recording.open(found[0])


def all_recordings(directory: Path) -> list[Path]:
    """The recordings of a run or of a part of it, the one that `directory` itself is, or those of all runs in a work
    dir. Raises UsageError or NotARunError when there is none."""
    found = recordings_of(directory) or [path for run in runs_in(directory) for path in recordings_of(run)]
    if not found:
        raise no_recording(directory)
    return found


def no_recording(directory: Path) -> NotARunError:
    """The error about a directory without one."""
    return NotARunError(
        f"{directory} holds no recording: name the directory of a run "
        f"(with performances/<model>/<data set>{SUFFIX}), of one recording (with {REQUESTS}), or a work dir"
    )


def recordings_of(directory: Path) -> list[Path]:
    """The recordings of this directory only, as a run, a part of one, or a recording; may be empty."""
    if not directory.is_dir():
        raise UsageError(
            f"{directory} is not a directory: name a run, one of its recordings, or the work dir of several; "
            f"`fastbench perf … -w {quote(str(directory))}` makes one"
        )
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
    return [path for path in sorted(directory.iterdir()) if _is_run(path)]


def _is_run(path: Path) -> bool:
    """Whether there is a run with a recording; not where it was taken away meanwhile, as what ends in /proc is."""
    try:
        return (path / "performances").is_dir() and bool(recordings_of(path))
    except (FileNotFoundError, ProcessLookupError):
        return False
    except UsageError:
        if path.is_dir():
            raise
        return False


class OfRun(NamedTuple):
    """Recordings of one run. performances: their common directory. whole: whether the run has no others."""

    performances: Path
    paths: list[Path]
    whole: bool


def by_run(paths: Iterable[Path]) -> Iterator[OfRun]:
    """Recordings by the run that they are of, in their order."""
    of_runs: dict[Path, list[Path]] = {}
    for path in paths:
        of_runs.setdefault(path.resolve().parent.parent, []).append(path)
    for performances, own in of_runs.items():
        known = {path for path in performances.glob(OF_PERFORMANCES) if path.is_dir()}
        yield OfRun(performances, own, known <= {path.resolve() for path in own})


def name_of(path: Path) -> str:
    """The name of a recording's report: that of its data set."""
    return path.name.removesuffix(SUFFIX)


def recorded(recording: Recording) -> Shown:
    """The report settings of the run, from its header; defaults where it has none."""
    config = recording.header.get("config")
    issues = Issues("the header of the recording")
    shown = build_summarizer(config.get("summarizer", {}) if isinstance(config, dict) else {}, issues)
    issues.check()
    return shown


class Found(NamedTuple):
    """Recordings found in a directory. remark: for the user, how they were found."""

    paths: list[Path]
    remark: str | None = None


def latest_recordings(directory: Path) -> Found:
    """The recordings of a run or of a part of it, the one that `directory` itself is, or those of the latest run in a
    work dir. Raises UsageError or NotARunError when there is none."""
    found = recordings_of(directory)
    if found:
        return Found(found)
    runs = runs_in(directory)
    if not runs:
        raise no_recording(directory)
    remark = f"{directory} has {len(runs)} runs; the latest, {runs[-1].name}, is used"
    return Found(recordings_of(runs[-1]), remark if len(runs) > 1 else None)


class Merged(NamedTuple):
    """The merged recording. missing: the shards that count as lost, in a sentence; None = it is whole."""

    path: Path
    missing: str | None


def merge_shares(directories: Iterable[Path], output: Path | None, *, partial: bool) -> list[Merged]:
    """All recordings in the directories, those of each task made one, in the new run `output`; None = in the usual
    work dir.

    partial: whether shares may be missing. Raises UsageError, before anything is written, for recordings that are not
    the shares of one plan.
    """
    tasks: dict[tuple[str, str], list[PartFile]] = {}
    for directory in directories:
        for recording in all_recordings(directory):
            pieces = part_files(recording)
            tasks.setdefault(_task_of(pieces[0]), []).extend(pieces)
    missing = [_missing(pieces, partial=partial) for pieces in tasks.values()]
    target = _new_run(output)
    merged = [
        Merged(target / "performances" / model / f"{dataset}{SUFFIX}", lost)
        for (model, dataset), lost in zip(tasks, missing, strict=True)
    ]
    for pieces, whole in zip(tasks.values(), merged, strict=True):
        merge(pieces, whole.path)
    return merged


def _missing(pieces: list[PartFile], *, partial: bool) -> str | None:
    missing = check_parts(pieces)
    if not missing:
        return None
    what = f"{'share' if len(missing) == 1 else 'shares'} {', '.join(map(str, missing))} of {pieces[0].of}"
    if not partial:
        raise UsageError(f"{what} missing: name them too, or give --partial to count their requests as lost")
    return f"{what} missing: their requests count as lost"


def _task_of(piece: PartFile) -> tuple[str, str]:
    task = piece.header.get("task", {})
    model, dataset = str(task.get("model")), str(task.get("dataset"))
    for name in (model, dataset):
        if Path(name).name != name:
            raise RecordingError(f"{piece.path} has the name {name!r} in its header, which cannot name a file")
    return model, dataset


def _new_run(output: Path | None) -> Path:
    if output is None:
        # Imported late: to report a recording needs neither the settings of a run nor its directory.
        from fastbench.config import RunSettings
        from fastbench.run import RunDirectory

        return RunDirectory.create(RunSettings().work_dir).path
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"--output {output} exists and is not empty: name a new directory")
    return output
