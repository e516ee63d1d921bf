"""Places in a plan that several processes take from one another's sight."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_NUMBER = struct.Struct("<q")


class SharedQueue:
    """The places 0 … total - 1, each taken once. total: None = without end.

    Its number lies in a file, under a lock that ends with the process that holds it: a worker that is killed holds up
    nobody. Pickled, it is the same queue in another process.
    """

    def __init__(self, path: Path, total: int | None) -> None:
        self._path = path
        self._total = total
        # A file object, so that the last one to know the queue closes it.
        self._file = path.open("r+b", buffering=0)
        self._memory = mmap.mmap(self._file.fileno(), _NUMBER.size)

    def __reduce__(self) -> tuple[type[SharedQueue], tuple[Path, int | None]]:
        return SharedQueue, (self._path, self._total)

    @property
    def left(self) -> int:
        """How many nobody has taken by now."""
        (first,) = _NUMBER.unpack_from(self._memory)
        return sys.maxsize if self._total is None else self._total - int(first)

    def take(self, most: int) -> range:
        """The next places, at most so many; empty when none are left."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            (first,) = _NUMBER.unpack_from(self._memory)
            stop = first + most if self._total is None else min(first + most, self._total)
            _NUMBER.pack_into(self._memory, 0, stop)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
        return range(first, stop)


@contextlib.contextmanager
def shared_queue(total: int | None, spare: Path) -> Iterator[SharedQueue]:
    """A new queue, gone at the end of the block. spare: a directory for its file where the system has none that can be
    written to, as in a container whose root is read-only."""
    try:
        place = tempfile.gettempdir()
    except FileNotFoundError:
        place = str(spare)
    with tempfile.NamedTemporaryFile(prefix="fastbench-queue-", dir=place) as file:
        file.write(_NUMBER.pack(0))
        file.flush()
        yield SharedQueue(Path(file.name), total)
