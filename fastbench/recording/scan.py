"""Walking over the blocks of a file that may be damaged or unfinished."""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from fastbench.errors import RecordingError
from fastbench.recording.format import ALIGN, MAGIC, VERSION, Head, read_head
from fastbench.recording.sharing import Progress, shared_out


@dataclass
class Scan:
    """The whole blocks, in file order; what is wrong with the rest, and how many requests that costs."""

    heads: list[Head] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    lost_rows: int = 0

    def lose(self, rows: int, sentence: str) -> None:
        """Counts lost requests and says why."""
        self.lost_rows += rows
        self.damage.append(f"{sentence}; {rows} requests lost")


def scan(file: mmap.mmap, progress: Progress | None = None) -> Scan:
    """Finds each whole block, checksums included. RecordingError for a file of a later format version."""
    found = Scan()
    heads = _walk(file, found)
    damaged = _damaged(file, heads, progress)
    for head in heads:
        if head.sequence in damaged:
            found.lose(head.counts.rows, f"block {head.sequence} at byte {head.offset} is damaged")
        else:
            found.heads.append(head)
    return found


def _walk(file: mmap.mmap, found: Scan) -> list[Head]:
    """The good heads whose payloads are inside the file; says what lies between and after them."""
    heads: list[Head] = []
    salt: int | None = None
    at = rows = sequence = 0
    with memoryview(file) as data:
        while at < len(data):
            head = _next_head(file, data, at, salt)
            if head is None:
                found.damage.append(f"{len(data) - at} bytes at the end, from byte {at}, hold no whole block")
                break
            if head.version > VERSION:
                raise RecordingError(
                    f"the recording has format version {head.version}, this fastbench reads up to {VERSION}: "
                    "use the fastbench that wrote it, or a later one"
                )
            salt = head.salt
            if head.offset > at:
                found.lose(
                    max(0, head.rows_before - rows),
                    f"{head.sequence - sequence} blocks from byte {at} to byte {head.offset} are damaged",
                )
            if head.end > len(data):
                found.damage.append(
                    f"the last block, at byte {head.offset}, was still being written; the {head.counts.rows} "
                    "requests in it were never recorded"
                )
                break
            heads.append(head)
            at, rows, sequence = head.end, head.rows_before + head.counts.rows, head.sequence + 1
    return heads


def _next_head(file: mmap.mmap, data: memoryview, at: int, salt: int | None) -> Head | None:
    """The first good head at or after `at`; of the recording `salt`, if that is known."""
    while True:
        head = read_head(data, at) if at % ALIGN == 0 else None
        if head is not None and salt in (None, head.salt):
            return head
        at = file.find(MAGIC, at + 1)
        if at < 0:
            return None


def _damaged(file: mmap.mmap, heads: list[Head], progress: Progress | None) -> set[int]:
    """The sequence numbers of the blocks whose payload has another checksum than its head says."""

    def bad(share: Iterator[Head]) -> list[int]:
        # zlib works without the GIL.
        return [head.sequence for head in share if zlib.crc32(data[head.start : head.end]) != head.payload_crc]

    with memoryview(file) as data:
        return set().union(*shared_out(bad, heads, lambda head: head.length, progress=progress))
