"""A private file that only grows, by whole appends."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_CREATE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class AppendFile:
    """A new file that its owner alone can read. `append` hands all of its bytes to the kernel, or none."""

    def __init__(self, path: Path) -> None:
        """Creates the file; FileExistsError when there is one."""
        self.fd = os.open(path, _CREATE, 0o600)
        self.size = 0

    def append(self, parts: Sequence[bytes | memoryview]) -> None:
        """Writes the parts one after the other; an OSError leaves the file as it was."""
        views = [memoryview(part).cast("B") for part in parts]
        end = self.size + sum(len(view) for view in views)
        try:
            while views:
                written = os.writev(self.fd, views)
                while views and written >= len(views[0]):
                    written -= len(views.pop(0))
                if views:
                    views[0] = views[0][written:]
        except OSError:
            os.ftruncate(self.fd, self.size)
            os.lseek(self.fd, self.size, os.SEEK_SET)
            raise
        self.size = end

    def sync(self) -> None:
        """Returns when everything appended so far survives a power cut."""
        os.fdatasync(self.fd)

    def close(self) -> None:
        """Gives up the descriptor and with it any lock."""
        os.close(self.fd)
