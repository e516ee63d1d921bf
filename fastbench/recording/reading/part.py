"""One file of a recording: what one worker wrote, as far as it is readable. It may be damaged, or unfinished."""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from fastbench.errors import RecordingError
from fastbench.recording.format import ALIGN, MAGIC, VERSION, Head, Kind, part_paths, read_head
from fastbench.recording.reading.table import read_table
from fastbench.recording.records import read_record

Piece = TypeVar("Piece")
Result = TypeVar("Result")
ProgressCallback = Callable[[float], None]
"""Called now and then with the part of a calculation that is done, from 0 to 1, by the calling thread."""

THREADS_FROM = 4 << 20
"""Fewer bytes than this are done faster than threads start."""
_TOLD_EVERY_S = 0.1


def in_threads(
    work: Callable[[Iterator[Piece]], Result],
    pieces: Sequence[Piece],
    size_of: Callable[[Piece], int],
    *,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> list[Result]:
    """The results of `work` on each thread's share of the pieces; it must work without the GIL to gain anything.

    size_of: a piece's size in bytes. threads: None = as many as this process has cores, one where there is little to
    do. Raises what `work` raises.
    """
    total = sum(map(size_of, pieces))
    if threads is None:
        threads = len(os.sched_getaffinity(0)) if total >= THREADS_FROM else 1
    done = [0] * threads

    def share(number: int) -> Iterator[Piece]:
        for piece in pieces[number::threads]:
            yield piece
            done[number] += size_of(piece)

    if threads == 1 and (progress is None or total < THREADS_FROM):
        return [work(share(0))]
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(work, share(number)) for number in range(threads)]
        while wait(running, _TOLD_EVERY_S, FIRST_EXCEPTION).not_done and progress is not None:
            progress(sum(done) / max(total, 1))
        if progress is not None:
            progress(1.0)
        return [future.result() for future in running]


def progress_between(progress: ProgressCallback | None, start: float, stop: float) -> ProgressCallback | None:
    """A progress whose 0 … 1 is `start` … `stop` of another one."""
    if progress is None:
        return None
    return lambda share: progress(start + (stop - start) * share)


class Part:
    """A mapped file.

    version: of its format. header, footer ({} and None where they are missing), health, counted, checked, scrapes:
    the JSON blocks. table: the batches. damage: what is wrong, a sentence each. lost_rows: the requests that the
    damage cost.
    """

    def __init__(self, path: Path, progress: ProgressCallback | None = None) -> None:
        """Opens the file and checks each block; RecordingError when nothing readable is there."""
        file = _mapped(path)
        found = _scan(file, progress)
        if not found.heads:
            raise RecordingError(f"{path} holds no readable block: it is damaged, or not a recording")
        self.version = found.heads[0].version
        self.damage = found.damage
        records: dict[int, list[dict[str, Any]]] = {kind: [] for kind in Kind}
        for head in found.heads:
            if head.kind in records and head.kind != Kind.BATCH:
                place = f"block {head.sequence} at byte {head.offset}"
                try:
                    records[head.kind].append(read_record(file[head.start : head.end], head.kind))
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    self.damage.append(f"{place} holds no {Kind(head.kind).name.lower()} ({error})")
        headers, footers = records[Kind.HEADER], records[Kind.FOOTER]
        self.header: dict[str, Any] = headers[0] if headers else {}
        self.footer: dict[str, Any] | None = footers[-1] if footers else None
        self.health, self.counted, self.scrapes = (records[kind] for kind in (Kind.HEALTH, Kind.COUNTED, Kind.SCRAPE))
        self.checked = records[Kind.CHECKED]
        self.table, wrong = read_table(file, [head for head in found.heads if head.kind == Kind.BATCH])
        for head in wrong:
            found.lose(head.counts.rows, f"block {head.sequence} at byte {head.offset} is inconsistent")
        self.lost_rows = found.lost_rows
        state = (self.footer or {}).get("recording") or {}
        if state.get("error"):
            self.lost_rows += state.get("lost", 0)
            self.damage.append(f"not all was written ({state['error']}); {state.get('lost', 0)} requests lost")


def header_of(directory: Path) -> dict[str, Any]:
    """The header of the recording in `directory`, without reading the rest; {} where that is not readable.
    RecordingError where there is no recording."""
    file = _mapped(part_paths(directory)[0])
    head = read_head(memoryview(file), 0)
    if head is None or head.kind != Kind.HEADER or zlib.crc32(file[head.start : head.end]) != head.payload_crc:
        return {}
    try:
        return read_record(file[head.start : head.end], head.kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _mapped(path: Path) -> mmap.mmap:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise RecordingError(
            f"{path.parent} holds no recording that can be read ({path.name}: {error.strerror}): "
            "name the directory of a run or of one of its recordings"
        ) from error
    try:
        if os.fstat(fd).st_size == 0:
            raise RecordingError(f"the recording {path} is empty: its run ended before the load began")
        return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(fd)


@dataclass
class _Scan:
    """The whole blocks, in file order; what is wrong with the rest, and how many requests that costs."""

    heads: list[Head] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    lost_rows: int = 0

    def lose(self, rows: int, sentence: str) -> None:
        """Counts lost requests and says why."""
        self.lost_rows += rows
        self.damage.append(f"{sentence}; {rows} requests lost")


def _scan(file: mmap.mmap, progress: ProgressCallback | None = None) -> _Scan:
    """Finds each whole block, checksums included. RecordingError for a file of a later format version."""
    found = _Scan()
    heads = _walk(file, found)
    damaged = _damaged(file, heads, progress)
    for head in heads:
        if head.sequence in damaged:
            found.lose(head.counts.rows, f"block {head.sequence} at byte {head.offset} is damaged")
        else:
            found.heads.append(head)
    return found


def _walk(file: mmap.mmap, found: _Scan) -> list[Head]:
    """The good heads whose payloads are inside the file; notes what lies between and after them."""
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


def _damaged(file: mmap.mmap, heads: list[Head], progress: ProgressCallback | None) -> set[int]:
    """The sequence numbers of the blocks whose payload has another checksum than its head says."""

    def bad(share: Iterator[Head]) -> list[int]:
        # zlib works without the GIL.
        return [head.sequence for head in share if zlib.crc32(data[head.start : head.end]) != head.payload_crc]

    with memoryview(file) as data:
        return set().union(*in_threads(bad, heads, lambda head: head.length, progress=progress))
