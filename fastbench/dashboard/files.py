"""The status files of a run: `status/<model>--<dataset>.json`, one for each task."""

import os
import time
from pathlib import Path

import msgspec

from fastbench.dashboard.snapshot import Snapshot, Status, decode, encode
from fastbench.errors import UsageError

DIRECTORY = "status"
FRESH_S = 10.0
"""How old the status of a process on another machine may be."""


def write(run: Path, name: str, snapshot: Snapshot) -> None:
    """Puts a snapshot into the place of the one before, in one step. Raises OSError."""
    directory = run / DIRECTORY
    directory.mkdir(exist_ok=True)
    path, new = directory / f"{name}.json", directory / f".{name}.new"
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(encode(snapshot))
    new.replace(path)


def last(run: Path, name: str) -> Snapshot | None:
    """What the status file of a task says; None where there is none that can be read."""
    try:
        return decode((run / DIRECTORY / f"{name}.json").read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None


class StatusFiles:
    """Reads the status files of one run, each only when it has changed."""

    def __init__(self, run: Path) -> None:
        """Raises UsageError for a directory that is no run's."""
        self._directory = run / DIRECTORY
        self._known: dict[Path, tuple[int, Snapshot]] = {}
        if not self._directory.is_dir():
            raise UsageError(
                f"{run} has no status files of a run; name the directory of a run, such as "
                "outputs/default/20260131_120000"
            )

    def read(self) -> list[Snapshot]:
        """All tasks in the order of the run; killed is what a process left behind that is gone.

        Raises UsageError for a file that is no status.
        """
        found = {path: self._read(path) for path in self._directory.glob("[!.]*.json")}
        self._known = {path: known for path, known in found.items() if known is not None}
        snapshots = sorted((snapshot for _, snapshot in self._known.values()), key=lambda snapshot: snapshot.place)
        return [_as_it_is(snapshot) for snapshot in snapshots]

    def _read(self, path: Path) -> tuple[int, Snapshot] | None:
        try:
            changed = path.stat().st_mtime_ns
            if path in self._known and self._known[path][0] == changed:
                return self._known[path]
            return changed, decode(path.read_bytes())
        except FileNotFoundError:
            return None  # the run's directory is being removed
        except msgspec.MsgspecError as error:
            raise UsageError(
                f"{path} is no status of a task ({error}): it was written by another version of fastbench, or changed"
            ) from error


def run_is_over(snapshots: list[Snapshot]) -> bool:
    """Whether no task will change any more: all have ended, or nobody is left to carry them out."""
    return all(snapshot.status.final for snapshot in snapshots) or not any(map(_kept, snapshots))


def _as_it_is(snapshot: Snapshot) -> Snapshot:
    left_behind = snapshot.status.active and not _kept(snapshot)
    return msgspec.structs.replace(snapshot, status=Status.KILLED) if left_behind else snapshot


def _kept(snapshot: Snapshot) -> bool:
    """Whether there still is somebody who keeps it up to date."""
    alive = snapshot.owner.alive
    return time.time() - snapshot.updated < FRESH_S if alive is None else alive
