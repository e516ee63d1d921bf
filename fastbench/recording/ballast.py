"""Room that is kept free for a run's end."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

SIZE = 256 << 10
"""Bytes: a footer and the files of a report."""


class Ballast:
    """A nameless file that takes room until it is dropped, so that a full disk still takes the footer and the report.

    It ends with the process, whatever ends it.
    """

    def __init__(self, directory: Path) -> None:
        """Takes the room; none where the file system has none to give, which costs nothing but the promise."""
        path = directory / f".ballast.{secrets.token_hex(4)}"
        self._fd: int | None = None
        # Who cannot write here hears it of the recording itself.
        with contextlib.suppress(OSError):
            self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            path.unlink()
            os.posix_fallocate(self._fd, 0, SIZE)

    def drop(self) -> None:
        """Gives the room back; does nothing the second time."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)
