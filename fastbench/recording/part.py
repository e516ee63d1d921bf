"""One file of a recording: what one worker wrote, as far as it is readable."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import msgspec

from fastbench.errors import RecordingError
from fastbench.recording.format import Kind
from fastbench.recording.scan import scan
from fastbench.recording.shapes import read_record
from fastbench.recording.sharing import Progress
from fastbench.recording.table import read_table


class Part:
    """A mapped file.

    header, footer ({} and None where they are missing), health, counted, scrapes: the JSON blocks. table: the batches.
    damage: what is wrong, a sentence each. lost_rows: the requests that the damage cost.
    """

    def __init__(self, path: Path, progress: Progress | None = None) -> None:
        """Opens the file and checks each block; RecordingError when nothing readable is there."""
        file = _mapped(path)
        found = scan(file, progress)
        if not found.heads:
            raise RecordingError(f"{path} holds no readable block: it is damaged, or no recording")
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
        self.table, wrong = read_table(file, [head for head in found.heads if head.kind == Kind.BATCH])
        for head in wrong:
            found.lose(head.counts.rows, f"block {head.sequence} at byte {head.offset} contradicts itself")
        self.lost_rows = found.lost_rows
        state = (self.footer or {}).get("recording") or {}
        if state.get("error"):
            self.lost_rows += state.get("lost", 0)
            self.damage.append(f"not all was written ({state['error']}); {state.get('lost', 0)} requests lost")


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
            raise RecordingError(f"the recording {path} is empty: its run ended before it began")
        return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(fd)
