"""Batches → the payload of one block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fastbench._core.ring import Batch
from fastbench.recording.format import ALIGN, MARK_DTYPE, NOTE_DTYPE, ROW_DTYPE, TEXT, Counts, padded


def pack_json(record: Mapping[str, Any]) -> list[bytes | memoryview]:
    """The payload for one JSON object, filled up with spaces."""
    encoded = msgspec.json.encode(record)
    return [encoded.ljust(padded(len(encoded)))]


def pack_batches(batches: Sequence[Batch]) -> tuple[Counts, list[bytes | memoryview]]:
    """The counts and the payload's parts, in order, for batches that become one block.

    Texts are left out: they have a file of their own.
    """
    rows = _joined([batch.rows for batch in batches], ROW_DTYPE)
    escapes = np.concatenate([batch.escapes for batch in batches]).astype("<i8", copy=False)
    marks = _joined([batch.marks for batch in batches], MARK_DTYPE)
    gaps = np.concatenate([batch.gaps for batch in batches]).astype("<u2", copy=False)
    event_tokens = np.concatenate([batch.event_tokens for batch in batches]).astype("<u2", copy=False)
    index, note_bytes = _pack_notes(batches)
    counts = Counts(rows.size, escapes.size, marks.size, index.size, gaps.size, event_tokens.size, len(note_bytes))
    return counts, list(_aligned([rows, escapes, marks, gaps, event_tokens, index, note_bytes]))


def _joined(parts: Sequence[NDArray[np.void]], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """The parts one after the other; as bytes, because numpy takes 25 us to append records of fields."""
    return np.frombuffer(b"".join([part.tobytes() for part in parts if part.size]), dtype)


def _pack_notes(batches: Sequence[Batch]) -> tuple[NDArray[np.void], bytes]:
    entries: list[tuple[int, int, int]] = []
    texts: list[bytes] = []
    first_row = 0
    for batch in batches:
        for row, kind, text in batch.notes:
            if kind != TEXT:
                entries.append((first_row + row, kind, len(text)))
                texts.append(text)
        first_row += len(batch.rows)
    return np.array(entries, dtype=NOTE_DTYPE), b"".join(texts)


def _aligned(parts: Iterable[bytes | NDArray[Any]]) -> Iterable[bytes | memoryview]:
    """The parts, each followed by the zero bytes that make its length a multiple of 8."""
    for part in parts:
        size = len(part) if isinstance(part, bytes) else part.nbytes
        if size:
            yield part if isinstance(part, bytes) else part.view(np.uint8).data
        if size % ALIGN:
            yield bytes(padded(size) - size)
