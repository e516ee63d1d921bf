"""Room kept back on the disk for a run's end."""

import os
from pathlib import Path

import pytest

from fastbench.recording.writing import files
from fastbench.recording.writing.files import BALLAST_BYTES, Ballast


def test_room_is_taken_and_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files has its size on the disk and no name in the directory; dropped, its descriptor is closed."""
    sizes: list[int] = []
    closed: list[int] = []
    close = os.close

    def noting_close(fd: int) -> None:
        sizes.append(os.fstat(fd).st_blocks * 512)
        closed.append(fd)
        close(fd)

    kept = Ballast(tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(os, "close", noting_close)
    kept.drop()
    kept.drop()
    assert len(closed) == 1
    assert sizes[0] >= BALLAST_BYTES


def test_no_room_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none to take, or the directory cannot be written, nothing is taken and nothing raised."""

    def full(fd: int, offset: int, length: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "posix_fallocate", full)
    Ballast(tmp_path).drop()
    Ballast(tmp_path / "nowhere").drop()
