"""The file of output texts, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from fastbench._core.ring import Batch
from fastbench.recording.format import TEXT

_PARTS = {b"t": "text", b"r": "reasoning", b"x": "tool_calls"}
_decoder = json.JSONDecoder(strict=False)


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
        part = _PARTS.get(line[:1], "text")
        joined[part] = joined.get(part, "") + _unquoted(line[1:].decode("utf-8", "replace"))
    return joined


def _unquoted(literal: str) -> str:
    try:
        text = _decoder.decode(literal)
    except json.JSONDecodeError:
        return literal
    return text if isinstance(text, str) else literal
