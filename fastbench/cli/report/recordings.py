"""Which recordings a command is about."""

from pathlib import Path

from fastbench.api import no_recording, recordings_of, runs_in
from fastbench.cli.say import say
from fastbench.errors import UsageError


def find_recordings(directory: Path) -> list[Path]:
    """The recordings of a run or of a part of it, the one that `directory` itself is, or those of the latest run in a
    work dir, which the user is told. Raises UsageError or NotARunError when there is none."""
    found = recordings_of(directory)
    if found:
        return found
    runs = runs_in(directory)
    if not runs:
        raise no_recording(directory)
    if len(runs) > 1:
        say(f"{directory} has {len(runs)} runs; the latest, {runs[-1].name}, is taken")
    return recordings_of(runs[-1])


def only_one(paths: list[Path], directory: Path, output: Path | None) -> None:
    """Raises UsageError where one output file is to hold what several recordings have."""
    if output is not None and len(paths) > 1:
        raise UsageError(f"{directory} has {len(paths)} recordings: leave --output out, or name one of them")
