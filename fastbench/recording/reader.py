"""The reader of a recording: everything that was recorded, mapped rather than loaded."""

from __future__ import annotations

import mmap
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fastbench.errors import RecordingError
from fastbench.recording.batchblock import BatchBlock
from fastbench.recording.format import REQUESTS, ROW_DTYPE, Head, Kind
from fastbench.recording.scan import Scan, scan


class Recording:
    """One recording, as far as it is readable.

    header: what was planned. footer: how it ended, None if it did not. health:
    the client's states, in time order.
    blocks: the rows with their gaps, as views into the file. damage: what is wrong, a sentence each.
    lost_rows: the requests that the damage cost.
    """

    def __init__(self, file: mmap.mmap, found: Scan) -> None:
        self._file = file
        self.damage = found.damage
        self.lost_rows = found.lost_rows
        self.health: list[dict[str, Any]] = []
        self.blocks: list[BatchBlock] = []
        self.footer: dict[str, Any] | None = None
        header: dict[str, Any] | None = None
        row_count = 0
        for head in found.heads:
            if head.kind == Kind.BATCH:
                block = BatchBlock.read(file, head, row_count)
                if block is not None:
                    self.blocks.append(block)
                    row_count = block.stop_row
                else:
                    found.lose(head.counts.rows, f"block {head.sequence} contradicts itself")
                    self.lost_rows = found.lost_rows
            elif head.kind == Kind.HEADER:
                header = header or self._json(head)
            elif head.kind == Kind.HEALTH:
                self.health.append(self._json(head))
            elif head.kind == Kind.FOOTER:
                self.footer = self._json(head)
        self.header = header or {}
        self._note_unwritten()

    @classmethod
    def open(cls, directory: Path) -> Recording:
        """Opens the recording in `directory`; RecordingError when nothing readable is there."""
        path = directory / REQUESTS
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise RecordingError(
                f"{directory} holds no recording that can be read ({REQUESTS}: {error.strerror}): "
                "name the directory of a run or of one of its recordings"
            ) from error
        try:
            if os.fstat(fd).st_size == 0:
                raise RecordingError(f"the recording {path} is empty: its run ended before it began")
            file = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(fd)
        found = scan(file)
        if not found.heads:
            raise RecordingError(f"{path} holds no readable block: it is damaged, or no recording")
        return cls(file, found)

    @cached_property
    def rows(self) -> NDArray[np.void]:
        """(n,) ROW_DTYPE: all rows, in the order in which they finished; a copy."""
        return np.concatenate([np.empty(0, ROW_DTYPE), *(block.rows for block in self.blocks)])

    @cached_property
    def messages(self) -> dict[int, bytes]:
        """Row → the reason of its failure, for the rows that have one."""
        return dict(message for block in self.blocks for message in block.messages())

    def token_ns(self, row: int) -> NDArray[np.int64]:
        """(events,) int64: when each output event of a row arrived."""
        block, k = self._locate(row)
        if not block.rows["events"][k]:
            return np.empty(0, np.int64)
        stamps = np.zeros(block.rows["events"][k], np.int64)
        np.cumsum(block.gaps_us(k), out=stamps[1:])
        stamps *= 1000
        stamps += block.rows["first_token_ns"][k]
        return stamps

    def event_tokens(self, row: int) -> NDArray[np.uint16] | None:
        """(events,) uint16: tokens in each output event of a row; None where the service did not say."""
        block, k = self._locate(row)
        start, stop = block.event_token_offsets[k : k + 2]
        return block.event_tokens[start:stop] if stop > start else None

    def marks(self, row: int) -> NDArray[np.void]:
        """(m,) MARK_DTYPE: output events of a row whose stamps are uncertain."""
        block, k = self._locate(row)
        return block.marks[block.mark_offsets[k] : block.mark_offsets[k + 1]]

    def _locate(self, row: int) -> tuple[BatchBlock, int]:
        if not 0 <= row < len(self.rows):
            raise IndexError(f"the recording has no row {row}")
        block = self.blocks[int(np.searchsorted(self._stops, row, side="right"))]
        return block, row - block.first_row

    @cached_property
    def _stops(self) -> NDArray[np.int64]:
        return np.array([block.stop_row for block in self.blocks], dtype=np.int64)

    def _json(self, head: Head) -> dict[str, Any]:
        payload = self._file[head.start : head.end]
        try:
            return msgspec.json.decode(payload, type=dict[str, Any])
        except msgspec.DecodeError as error:
            self.damage.append(f"block {head.sequence} at byte {head.offset} holds no JSON object ({error})")
            return {}

    def _note_unwritten(self) -> None:
        state = (self.footer or {}).get("recording", {})
        if state.get("error"):
            self.lost_rows += state["lost"]
            self.damage.append(f"not all was written ({state['error']}); {state['lost']} requests lost")
