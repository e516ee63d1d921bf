"""One batch of a recording as views into the mapped file."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.recording.format import (
    ESCAPE,
    FLAGS,
    MARK_DTYPE,
    NOTE_DTYPE,
    REASON,
    ROW_DTYPE,
    Head,
    sections,
)


class BatchBlock:
    """The requests `first_row … stop_row - 1` of a recording; arrays without a copy.

    rows: (n,) ROW_DTYPE. gaps: uint16, µs. escapes: int64, µs. event_tokens: uint16. marks: MARK_DTYPE.
    `*_offsets`: (n + 1,) int64; row k's entries of the section are `offsets[k] : offsets[k + 1]`.
    """

    def __init__(self, file: mmap.mmap, head: Head, first_row: int) -> None:
        counts, at = head.counts, sections(head.counts)

        def view(dtype: Any, count: int, start: int) -> NDArray[Any]:
            return np.frombuffer(file, dtype, count, head.start + start)

        self.first_row = first_row
        self.stop_row = first_row + counts.rows
        self.rows = view(ROW_DTYPE, counts.rows, at.rows)
        self.escapes = view("<i8", counts.escapes, at.escapes)
        self.marks = view(MARK_DTYPE, counts.marks, at.marks)
        self.gaps = view("<u2", counts.gaps, at.gaps)
        self.event_tokens = view("<u2", counts.event_tokens, at.event_tokens)
        self._notes = view(NOTE_DTYPE, counts.notes, at.notes)
        self._note_bytes = view(np.uint8, counts.note_bytes, at.note_bytes)

    @cached_property
    def gap_offsets(self) -> NDArray[np.int64]:
        """Where each row's gaps start."""
        return _offsets(np.maximum(self.rows["events"], 1) - 1)

    @cached_property
    def escape_offsets(self) -> NDArray[np.int64]:
        """Where each row's escapes start."""
        return _offsets(self.rows["escapes"])

    @cached_property
    def mark_offsets(self) -> NDArray[np.int64]:
        """Where each row's marks start."""
        return _offsets(self.rows["marks"])

    @cached_property
    def event_token_offsets(self) -> NDArray[np.int64]:
        """Where each row's token counts start; a row without the flag has none."""
        has_tokens = self.rows["flags"] & FLAGS["event_tokens"] != 0
        return _offsets(np.where(has_tokens, self.rows["events"], 0))

    @classmethod
    def read(cls, file: mmap.mmap, head: Head, first_row: int) -> BatchBlock | None:
        """The block under `head`, whose payload is inside the file; None when it contradicts itself."""
        if sections(head.counts).end != head.length:
            return None
        block = cls(file, head, first_row)
        return block if block._agrees() else None

    def _agrees(self) -> bool:
        """Whether the sections are as long as the rows say, so that no row's share leaves them."""
        return bool(
            self.gap_offsets[-1] == self.gaps.size
            and self.escape_offsets[-1] == self.escapes.size
            and self.mark_offsets[-1] == self.marks.size
            and self.event_token_offsets[-1] == self.event_tokens.size
            and self._notes["length"].sum(dtype=np.int64) == self._note_bytes.size
            and np.all(self._notes["row"] < self.rows.size)
        )

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """(row of the recording, reason of its failure) of the rows that have one."""
        end = 0
        for note in self._notes:
            start, end = end, end + int(note["length"])
            if note["kind"] == REASON:
                yield self.first_row + int(note["row"]), self._note_bytes[start:end].tobytes()

    def gaps_us(self, row: int) -> NDArray[np.int64]:
        """Row `row`'s gaps (in this block), int64, µs, escapes resolved."""
        gaps = self.gaps[self.gap_offsets[row] : self.gap_offsets[row + 1]].astype(np.int64)
        escapes = self.escapes[self.escape_offsets[row] : self.escape_offsets[row + 1]]
        if escapes.size:
            gaps[np.flatnonzero(gaps == ESCAPE)] = escapes
        return gaps


def _offsets(lengths: NDArray[Any]) -> NDArray[np.int64]:
    offsets = np.zeros(lengths.size + 1, dtype=np.int64)
    np.cumsum(lengths, dtype=np.int64, out=offsets[1:])
    return offsets
