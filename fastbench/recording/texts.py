"""The file of output texts, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from fastbench._core.ring import Batch
from fastbench.recording.format import TEXT

_decoder = json.JSONDecoder(strict=False)


def text_lines(batch: Batch) -> Iterator[bytes]:
    """The lines of `texts.jsonl` for a batch's output texts."""
    for row, kind, literals in batch.notes:
        if kind == TEXT:
            record = {
                "request": int(batch.rows["request"][row]),
                "attempt": int(batch.rows["attempt"][row]),
                "text": join_literals(literals),
            }
            # ASCII with escapes: the halves of a character that two events shared meet again in one escape.
            yield json.dumps(record).encode() + b"\n"


def join_literals(literals: bytes) -> str:
    """The text of JSON string literals, one after the other; what is no literal is kept as it stands."""
    rest = literals.decode("utf-8", "replace")
    pieces: list[str] = []
    at = 0
    while at < len(rest):
        try:
            piece, end = _decoder.raw_decode(rest, at) if rest[at] == '"' else (rest[at], at + 1)
        except json.JSONDecodeError:
            piece, end = rest[at:], len(rest)
        pieces.append(piece)
        at = end
    return "".join(pieces)
