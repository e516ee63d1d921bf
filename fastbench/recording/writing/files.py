"""The files of a recording while they are written: they only grow, by whole blocks, each numbered and checksummed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

from fastbench.errors import RecordingError
from fastbench.recording.format import REQUESTS, VERSION, Counts, Head, Kind, part_path

_NONE = Counts()
_CREATE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
BALLAST_BYTES = 256 << 10
"""Bytes: a footer and the files of a report."""


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


class BlockFile:
    """`requests.fbr`, or the file of another part, open for its one writer."""

    def __init__(self, directory: Path, part: int = 0) -> None:
        """Creates the file and takes its lock; RecordingError when the directory has such a part already."""
        path = part_path(directory, REQUESTS, part)
        try:
            self._file = AppendFile(path)
        except FileExistsError:
            raise RecordingError(_taken(path)) from None
        except OSError as error:
            raise RecordingError(f"the recording {path} cannot be created: {error.strerror}") from error
        fcntl.flock(self._file.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.sync = self._file.sync
        self.close = self._file.close
        self._salt = int.from_bytes(os.urandom(8), "little")
        self._sequence = 0
        self._rows_before = 0

    def append(self, kind: Kind, payload: Sequence[bytes | memoryview], counts: Counts = _NONE) -> None:
        """Hands one block to the kernel; an OSError leaves the file without it."""
        length = checksum = 0
        for part in payload:
            length += len(part)
            checksum = zlib.crc32(part, checksum)
        head = Head(
            version=VERSION,
            kind=kind,
            sequence=self._sequence,
            offset=self._file.size,
            salt=self._salt,
            rows_before=self._rows_before,
            counts=counts,
            length=length,
            payload_crc=checksum,
        )
        self._file.append([head.pack(), *payload])
        self._sequence += 1
        self._rows_before += counts.rows


class Ballast:
    """A nameless file that takes room until it is dropped, so that a full disk still takes the footer and the report.

    It ends with the process, whatever ends it.
    """

    def __init__(self, directory: Path) -> None:
        """Takes the room; none where the file system has none to give, which costs nothing but the promise."""
        path = directory / f".ballast.{os.urandom(4).hex()}"
        self._fd: int | None = None
        # The recording itself reports a directory that cannot be written.
        with contextlib.suppress(OSError):
            self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            path.unlink()
            os.posix_fallocate(self._fd, 0, BALLAST_BYTES)

    def drop(self) -> None:
        """Gives the room back; does nothing the second time."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def sync_directory(directory: Path) -> None:
    """Returns when the directory's entries survive a power cut."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def has_writer(path: Path) -> bool:
    """Whether a process is still writing the file."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _taken(path: Path) -> str:
    """The error for `path`, which exists: another process writes it, or it is an old recording."""
    if path.is_symlink():
        return f"the recording {path} is a symbolic link: give this run a directory of its own"
    if has_writer(path):
        return f"the recording {path} is being written by another process: give this run a directory of its own"
    return f"the directory {path.parent} holds a recording already: give this run a directory of its own"
