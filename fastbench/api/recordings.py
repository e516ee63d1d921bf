"""Finished runs on disk: which recordings a directory stands for, and what came of each."""

from __future__ import annotations

import os
from pathlib import Path

from fastbench.aisbench import build_summarizer
from fastbench.config import Issues, Shown
from fastbench.errors import NotARunError, UsageError
from fastbench.recording import REQUESTS, Recording, part_paths

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
    """Those of this directory alone, as a run, a part of one, or a recording; empty where it has none."""
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


def name_of(path: Path) -> str:
    """The name of a recording's report: that of its data set."""
    return path.name.removesuffix(SUFFIX)


def recorded(recording: Recording) -> Shown:
    """What the run itself was reported with; the usual where its header does not say."""
    config = recording.header.get("config")
    issues = Issues("the header of the recording")
    shown = build_summarizer(config.get("summarizer", {}) if isinstance(config, dict) else {}, issues)
    issues.check()
    return shown
