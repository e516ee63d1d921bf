"""Baselines in a directory of a repository: `fastbench baseline save|list|rm`, and `baseline:NAME` as a side."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import fastbench
from fastbench.answers.baselines import Baseline, decode_baseline, encode_baseline, same_workload
from fastbench.answers.comparison import RunSummary
from fastbench.errors import RecordingError, UsageError
from fastbench.report import replace

DIRECTORY = "baselines"
"""Where they are, in the current directory, unless another one is named."""
PREFIX = "baseline:"
SUFFIX = ".json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


class Saved(NamedTuple):
    """A file of a directory of baselines. fault: why it is none, instead of the baseline."""

    path: Path
    size: int
    baseline: Baseline | None = None
    fault: str = ""


def is_baseline(given: object) -> bool:
    """Whether a side of a comparison is named as a baseline."""
    return isinstance(given, str) and given.startswith(PREFIX)


def baseline_path(given: str) -> Path:
    """The file that `baseline:NAME` stands for, or `baseline:dir/NAME.json`. UsageError where there is none."""
    name = given.removeprefix(PREFIX)
    path = Path(name) if name.endswith(SUFFIX) or os.sep in name else Path(DIRECTORY, name + SUFFIX)
    if path.is_file():
        return path.resolve()
    names = ", ".join(one.stem for one in sorted(path.parent.glob(f"*{SUFFIX}")))
    there = f"there are {names}" if names else "there is none yet"
    raise UsageError(
        f"{given} is no baseline in {path.parent}: {there}; save it by fastbench baseline save {path.stem} RUN"
    )


def read_baseline(path: Path) -> Baseline:
    """RecordingError for a file that is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    return decode_baseline(content, str(path))


def write_baseline(
    name: str, runs: Sequence[RunSummary], directory: str | os.PathLike[str], *, force: bool, anyway: bool
) -> Path:
    """Writes the runs as the baseline `name`; returns its file. force: whether one of that name may be there. anyway:
    whether runs may be INVALID, not whole, or without a success. Raises UsageError, RecordingError when it cannot be
    written."""
    path = _place(name, directory)
    if path.exists() and not force:
        raise UsageError(f"{path} is there already: take another name, or --force to replace it")
    if not same_workload(runs):
        words = " / ".join(dict.fromkeys(run.workload.words for run in runs))
        raise UsageError(
            f"a baseline is of one workload, and these recordings have several ({words}): name one of them"
        )
    fault = next(filter(None, map(_fault, runs)), None)
    if fault and not anyway:
        raise UsageError(f"{fault}, so that no run would be comparable with it: measure again, or take --anyway")
    saved = datetime.now(UTC).isoformat(timespec="seconds")
    content = encode_baseline(Baseline(name=name, saved=saved, fastbench=fastbench.__version__, runs=tuple(runs)))
    replace(path, content)
    return path


def _place(name: str, directory: str | os.PathLike[str]) -> Path:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a baseline: take letters, digits and any of . _ + -, such as main")
    return Path(directory, name + SUFFIX)


def _fault(run: RunSummary) -> str:
    if run.fault:
        return f"{run.source} is not whole: {run.fault}"
    if not run.ok:
        return f"{run.source} has no successful request"
    return "" if run.valid else f"the measurement {run.source} is INVALID"


def saved_baselines(directory: str | os.PathLike[str] = DIRECTORY) -> list[Saved]:
    """Those in a directory, by name; none where there is no directory."""
    return list(_saved(Path(directory)))


def _saved(directory: Path) -> Iterator[Saved]:
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        try:
            yield Saved(path, path.stat().st_size, read_baseline(path))
        except (RecordingError, OSError) as error:
            yield Saved(path, path.stat().st_size, fault=str(error))


def remove_baseline(name: str, directory: str | os.PathLike[str] = DIRECTORY) -> Path:
    """Removes one; returns the file that it was. UsageError where there is none."""
    path = _place(name, directory)
    try:
        path.unlink()
    except FileNotFoundError as error:
        raise UsageError(f"there is no baseline {name} in {directory}") from error
    return path
