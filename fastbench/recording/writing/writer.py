"""The writer of a recording: takes finished requests; the load never waits for the disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fastbench._core.ring import Batch
from fastbench.errors import RecordingError
from fastbench.recording.format import TEXT, TEXTS, Counts, Kind, part_path
from fastbench.recording.writing.files import AppendFile, Ballast, BlockFile, sync_directory
from fastbench.recording.writing.packing import pack_batches, pack_json, text_lines

BLOCK_BYTES = 4 << 20
"""Waiting batches are written as soon as they are this large."""
BLOCK_SECONDS = 0.25
"""Waiting batches are written after this time however small they are."""
SYNC_SECONDS = 0.6
"""From one to the next; with the time for both, and for writing, what a power cut loses stays below a second."""
QUEUE_BYTES = 64 << 20
"""Batches beyond this are dropped and counted as lost: the disk is slower than the load."""

_NONE = Counts()


class _Record(NamedTuple):
    """A JSON block that waits among the batches."""

    kind: Kind
    content: Mapping[str, Any]


class RecordingWriter:
    """Writes one recording from a thread of its own; `close` alone waits for the disk."""

    def __init__(self, directory: Path, header: Mapping[str, Any], part: int = 0) -> None:
        """Begins a part of a recording; RecordingError when the directory is no use or has that part already."""
        self._texts_path = part_path(directory, TEXTS, part)
        self._texts: AppendFile | None = None
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingError(f"the recording directory {directory} cannot be made: {error.strerror}") from error
        self._file = BlockFile(directory, part)
        try:
            # Twice: what one damaged copy says, the other still does.
            for _ in range(2):
                self._file.append(Kind.HEADER, pack_json(header))
            self._file.sync()
            sync_directory(directory)
        except OSError as error:
            self._file.close()
            raise RecordingError(f"the recording in {directory} cannot be begun: {error.strerror}") from error
        self._ballast = Ballast(directory)
        self._directory = directory
        self._ready = threading.Condition()
        self._queue: list[Batch | _Record] = []
        self._queue_bytes = 0
        self._closing = self._flushing = False
        self._handed = self._recorded = self._durable = self._lost = 0
        self._error: str | None = None
        self._dirty = False
        self._synced_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    @property
    def recorded(self) -> int:
        """Rows whose whole block the kernel has taken: they survive the death of this process."""
        return self._recorded

    @property
    def durable(self) -> int:
        """Rows that survive a power cut."""
        return self._durable

    @property
    def lost(self) -> int:
        """Rows that could not be written."""
        return self._lost

    @property
    def error(self) -> str | None:
        """The first error, None without one."""
        return self._error

    def append(self, batch: Batch) -> None:
        """Hands over finished requests. The batch's arrays must not change afterwards."""
        size = _size(batch)
        with self._ready:
            self._handed += len(batch.rows)
            if self._queue_bytes + size > QUEUE_BYTES and self._queue_bytes:
                self._lose(len(batch.rows), "the disk is slower than the load")
                return
            self._queue.append(batch)
            self._queue_bytes += size
            if self._queue_bytes >= BLOCK_BYTES:
                self._ready.notify()

    def health(self, record: Mapping[str, Any]) -> None:
        """Hands over the client's state since the record before."""
        with self._ready:
            self._queue.append(_Record(Kind.HEALTH, record))

    def scrape(self, record: Mapping[str, Any]) -> None:
        """Hands over a scrape of the service's metrics page, see `scrapes.py`."""
        with self._ready:
            self._queue.append(_Record(Kind.SCRAPE, record))

    def counted(self, record: Mapping[str, Any]) -> None:
        """Hands over token counts that were made after the run, see `rows.py`."""
        self._write(Kind.COUNTED, pack_json(record))

    def checked(self, record: Mapping[str, Any]) -> None:
        """Hands over what came of checking texts after the run, see `rows.py`."""
        self._write(Kind.CHECKED, pack_json(record))

    def flush(self) -> None:
        """Returns when all that was handed over is written, as far as it can be. Not for while load goes on."""
        with self._ready:
            self._flushing = True
            self._ready.notify_all()
            # With a time limit, because the thread may have died.
            while self._flushing and self._thread.is_alive():
                self._ready.wait(BLOCK_SECONDS)

    def close(self, footer: Mapping[str, Any]) -> None:
        """Writes what waits and the footer, and syncs; RecordingError when anything was lost on the way."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join()
        if self._handed > self._recorded + self._lost:
            self._lose(self._handed - self._recorded - self._lost, "the recording thread failed")
        self._ballast.drop()
        state = {"rows": self._recorded, "lost": self._lost, "error": self._error}
        self._write(Kind.FOOTER, pack_json({**footer, "recording": state}))
        self._sync()
        self._file.close()
        if self._texts is not None:
            self._texts.close()
        if self._error is not None:
            raise RecordingError(
                f"the recording in {self._directory} is not whole ({self._error}): {self._lost} of "
                f"{self._lost + self._recorded} requests are lost, the others are readable"
            )

    def _run(self) -> None:
        closing = False
        while not closing:
            with self._ready:
                # Not woken for each batch: the time limit alone, or a full block, or the end.
                if not self._closing and not self._flushing and self._queue_bytes < BLOCK_BYTES:
                    self._ready.wait(BLOCK_SECONDS)
                items, self._queue, self._queue_bytes = self._queue, [], 0
                closing = self._closing
            self._write_items(items)
            with self._ready:
                if self._flushing and not self._queue:
                    self._flushing = False
                    self._ready.notify_all()
            if self._dirty and time.monotonic() - self._synced_at >= SYNC_SECONDS:
                self._sync()

    def _write_items(self, items: list[Batch | _Record]) -> None:
        """Writes what was waiting: batches packed into blocks, each record as one of its own."""
        group: list[Batch] = []
        group_bytes = 0
        for item in items:
            if isinstance(item, _Record):
                self._write(item.kind, pack_json(item.content))
                continue
            size = _size(item)
            if group and group_bytes + size > BLOCK_BYTES:
                self._write_batches(group)
                group, group_bytes = [], 0
            group.append(item)
            group_bytes += size
        if group:
            self._write_batches(group)

    def _write_batches(self, batches: list[Batch]) -> None:
        counts, payload = pack_batches(batches)
        if counts.rows and self._write(Kind.BATCH, payload, counts):
            self._recorded += counts.rows
        self._write_texts(batches)

    def _write(self, kind: Kind, payload: list[bytes | memoryview], counts: Counts = _NONE) -> bool:
        try:
            self._file.append(kind, payload, counts)
        except OSError as error:
            with self._ready:
                self._lose(counts.rows, f"{kind.name.lower()} not written: {error.strerror}")
            return False
        self._dirty = True
        return True

    def _write_texts(self, batches: list[Batch]) -> None:
        if not any(kind == TEXT for batch in batches for _, kind, _ in batch.notes):
            return
        lines = b"".join(line for batch in batches for line in text_lines(batch))
        try:
            if self._texts is None:
                self._texts = AppendFile(self._texts_path)
            self._texts.append([lines])
        except OSError as error:
            with self._ready:
                self._lose(0, f"texts not written: {error.strerror}")

    def _sync(self) -> None:
        recorded = self._recorded
        try:
            self._file.sync()
            if self._texts is not None:
                self._texts.sync()
        except OSError as error:
            with self._ready:
                self._lose(0, f"not synced: {error.strerror}")
        else:
            self._durable = recorded
        self._dirty = False
        self._synced_at = time.monotonic()

    def _lose(self, rows: int, reason: str) -> None:
        """Counts what is lost and keeps the first reason. Called with the lock held, or when the thread has ended."""
        self._lost += rows
        self._error = self._error or reason


def _size(batch: Batch) -> int:
    """Bytes of a batch, near enough to bound the queue and the blocks."""
    arrays = (batch.rows, batch.gaps, batch.escapes, batch.event_tokens, batch.marks)
    return sum(array.nbytes for array in arrays) + sum(len(text) for _, _, text in batch.notes)
