"""The bytes of batches: the payload of one block, and the lines of `texts.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fastbench._core.ring import Batch
from fastbench.recording.format import ALIGN, MARK_DTYPE, NOTE_DTYPE, ROW_DTYPE, TEXT, Counts, padded

_TEXT_PARTS = {b"t": "text", b"r": "reasoning", b"x": "tool_calls"}
_decoder = json.JSONDecoder(strict=False)


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


def text_lines(batch: Batch) -> Iterator[bytes]:
    """The lines of `texts.jsonl` for a batch's output texts."""
    for row, kind, pieces in batch.notes:
        if kind == TEXT:
            record = {
                "request": int(batch.rows["request"][row]),
                "attempt": int(batch.rows["attempt"][row]),
                **join_pieces(pieces),
            }
            # ASCII with escapes: the halves of a character that two events shared meet again in one escape.
            yield json.dumps(record).encode() + b"\n"


def join_pieces(pieces: bytes) -> dict[str, str]:
    """The whole texts of an output, by part.

    pieces: a line for each piece as it came: a letter for its part (t, r, x), then its JSON string literal.
    What is no literal is kept as it stands.
    """
    joined = {"text": ""}
    for line in pieces.split(b"\n"):
        part = _TEXT_PARTS.get(line[:1], "text")
        joined[part] = joined.get(part, "") + _unquoted(line[1:].decode("utf-8", "replace"))
    return joined


def _unquoted(literal: str) -> str:
    try:
        text = _decoder.decode(literal)
    except json.JSONDecodeError:
        return literal
    return text if isinstance(text, str) else literal
