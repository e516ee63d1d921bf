"""Shares of a plan → one run directory with its report."""

from collections.abc import Sequence
from pathlib import Path

from fastbench.api import SUFFIX, recordings_of, runs_in
from fastbench.cli.interrupt import leave_in_order
from fastbench.cli.report.again import report_again
from fastbench.cli.report.recordings import find_recordings
from fastbench.cli.say import say
from fastbench.config import RunSettings
from fastbench.errors import RecordingError, UsageError
from fastbench.recording import PartFile, Recording, check_parts, merge, part_files
from fastbench.run import RunDirectory

Task = tuple[str, str]


def merge_shares(directories: Sequence[Path], output: Path | None, *, partial: bool, plot: bool) -> int:
    """Merges all recordings in the directories, those of each task into one, and reports them.

    partial: whether shares may be missing. Returns the exit code: 1 where nothing succeeded, or a share is not whole.
    Raises UsageError, before anything is written, for recordings that are not the shares of one plan.
    """
    leave_in_order()
    tasks: dict[Task, list[PartFile]] = {}
    for directory in directories:
        for recording in find_runs(directory):
            pieces = part_files(recording)
            tasks.setdefault(_task(pieces[0]), []).extend(pieces)
    for pieces in tasks.values():
        _check(pieces, partial=partial)
    target = _new_run(output)
    merged = [target / "performances" / model / f"{dataset}{SUFFIX}" for model, dataset in tasks]
    for pieces, directory in zip(tasks.values(), merged, strict=True):
        merge(pieces, directory)
    code = report_again(merged, None, plot=plot)
    return max(code, *(_damaged(directory) for directory in merged))


def find_runs(directory: Path) -> list[Path]:
    """The recordings of the runs in a directory: of itself, or of those that lie in it as in a work_dir."""
    runs = [] if recordings_of(directory) else runs_in(directory)
    return [recording for run in runs for recording in recordings_of(run)] or find_recordings(directory)


def _check(pieces: list[PartFile], *, partial: bool) -> None:
    missing = check_parts(pieces)
    if not missing:
        return
    what = f"{'share' if len(missing) == 1 else 'shares'} {', '.join(map(str, missing))} of {pieces[0].of}"
    if not partial:
        raise UsageError(f"{what} missing: name the rest too, or give --partial to count their requests as lost")
    say(f"{what} missing: their requests count as lost")


def _task(piece: PartFile) -> Task:
    task = piece.header.get("task", {})
    model, dataset = str(task.get("model")), str(task.get("dataset"))
    for name in (model, dataset):
        if Path(name).name != name:
            raise RecordingError(f"{piece.path} has the name {name!r} in its header, which cannot name a file")
    return model, dataset


def _new_run(output: Path | None) -> Path:
    if output is None:
        return RunDirectory.create(RunSettings().work_dir).path
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"--output {output} is there already, and not an empty directory: name a new one")
    return output


def _damaged(directory: Path) -> int:
    recording = Recording.open(directory)
    return int(bool(recording.damage or recording.lost_rows))
