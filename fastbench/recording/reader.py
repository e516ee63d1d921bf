"""The reader of a recording: everything that was recorded, mapped rather than loaded."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fastbench.errors import RecordingError
from fastbench.recording.counted import with_counted
from fastbench.recording.format import ESCAPE, REQUESTS, Head, Kind
from fastbench.recording.scan import Scan, scan
from fastbench.recording.scrapes import Scrape, scrape_of
from fastbench.recording.sharing import Progress
from fastbench.recording.table import TokenRun, read_table


class Recording:
    """One recording, as far as it is readable.

    header: what was planned. footer: how it ended, None if it did not. health: the client's states, in time order.
    rows: (n,) ROW_DTYPE, in the order in which they finished. damage: what is wrong, a sentence each.
    lost_rows: the requests that the damage cost.
    """

    def __init__(self, file: mmap.mmap, found: Scan) -> None:
        self._file = file
        self._found = found
        headers = [self._json(head) for head in found.heads if head.kind == Kind.HEADER]
        footers = [self._json(head) for head in found.heads if head.kind == Kind.FOOTER]
        self.header: dict[str, Any] = headers[0] if headers else {}
        self.footer: dict[str, Any] | None = footers[-1] if footers else None
        self.health = [self._json(head) for head in found.heads if head.kind == Kind.HEALTH]
        self.table, wrong = read_table(file, [head for head in found.heads if head.kind == Kind.BATCH])
        for head in wrong:
            found.lose(head.counts.rows, f"block {head.sequence} at byte {head.offset} contradicts itself")
        self.rows = self.table.rows
        for head in found.heads:
            if head.kind == Kind.COUNTED:
                self.rows = with_counted(self.rows, self._json(head))
        self.damage = found.damage
        self.lost_rows = found.lost_rows
        self._note_unwritten()

    @classmethod
    def open(cls, directory: Path, progress: Progress | None = None) -> Recording:
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
        found = scan(file, progress)
        if not found.heads:
            raise RecordingError(f"{path} holds no readable block: it is damaged, or no recording")
        return cls(file, found)

    @cached_property
    def messages(self) -> dict[int, bytes]:
        """Row → the reason of its failure, for the rows that have one."""
        return dict(self.table.messages())

    @property
    def scrapes(self) -> Iterator[Scrape]:
        """What the service's metrics page said, in time order. Decoded on the way: a long run has many."""
        return (scrape_of(self._json(head)) for head in self._found.heads if head.kind == Kind.SCRAPE)

    def token_runs(self, mask: NDArray[np.bool_] | None = None) -> Iterator[TokenRun]:
        """The tokens of the rows of a mask, (rows,), of all if None: a few rows at a time, without a copy."""
        return self.table.runs(np.ones(len(self.rows), bool) if mask is None else mask)

    def gaps_us(self, row: int) -> NDArray[np.int64]:
        """(events - 1,) int64: a row's gaps in µs, escapes resolved."""
        run = self.table.run(row)
        gaps = run.gaps.astype(np.int64)
        gaps[gaps == ESCAPE] = run.escapes
        return gaps

    def token_ns(self, row: int) -> NDArray[np.int64]:
        """(events,) int64: when each output event of a row arrived."""
        stamps = np.zeros(self.rows["events"][row], np.int64)
        np.cumsum(self.gaps_us(row), out=stamps[1:])
        stamps *= 1000
        stamps += self.rows["first_token_ns"][row]
        return stamps

    def event_tokens(self, row: int) -> NDArray[np.uint16] | None:
        """(events,) uint16: tokens in each output event of a row; None where the service did not say."""
        tokens = self.table.run(row).event_tokens
        return tokens if tokens.size else None

    def marks(self, row: int) -> NDArray[np.void]:
        """(m,) MARK_DTYPE: output events of a row whose stamps are uncertain."""
        at = self.table.at["marks"]
        return self.all_marks[at[row] : at[row + 1]]

    @cached_property
    def all_marks(self) -> NDArray[np.void]:
        """(m,) MARK_DTYPE: the marks of all rows, in row order; `rows["marks"]` of each."""
        return self.table.marks()

    def _json(self, head: Head) -> dict[str, Any]:
        payload = self._file[head.start : head.end]
        try:
            return msgspec.json.decode(payload, type=dict[str, Any])
        except msgspec.DecodeError as error:
            self._found.damage.append(f"block {head.sequence} at byte {head.offset} holds no JSON object ({error})")
            return {}

    def _note_unwritten(self) -> None:
        state = (self.footer or {}).get("recording", {})
        if state.get("error"):
            self.lost_rows += state.get("lost", 0)
            self.damage.append(f"not all was written ({state['error']}); {state.get('lost', 0)} requests lost")
