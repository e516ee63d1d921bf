"""Responses made by hand, and what the core reads from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench._core.call import NOTE_FAILURE, NOTE_FINISH, NOTE_TEXT
from fastbench._core.ring import ESCAPE, FINISHES, FLAGS, GAP_STEP, OUTCOMES, SOURCES, Batch
from fastbench._core.wire import OutputSpec, ReplyReader
from fastbench.dialects.apis.openai import CHAT_RULES, COMPLETIONS_RULES

CHAT = OutputSpec(CHAT_RULES)
COMPLETIONS = OutputSpec(COMPLETIONS_RULES)
DONE = b"data: [DONE]\n\n"
LAST_CHUNK = b"0\r\n\r\n"


def head(content_type: str = "text/event-stream", *fields: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(document: object) -> bytes:
    data = document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode()
    return b"data: " + data + b"\n\n"


def delta(content: str | None = None, finish: str | None = None, index: int = 0, **more: object) -> bytes:
    """One chat event. more: further keys of the choice."""
    part = {} if content is None else {"content": content}
    return event({"choices": [{"index": index, "delta": part, "finish_reason": finish, **more}]})


ROLE = event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
FINISH = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})


def usage(prompt: int, completion: int, **more: object) -> bytes:
    """The usage event without a choice. more: further keys of `usage`."""
    tokens = {"prompt_tokens": prompt, "completion_tokens": completion, **more}
    return event({"choices": [], "usage": tokens})


def stream(*events: bytes, last: bytes = LAST_CHUNK) -> bytes:
    """A chunked 200 with one chunk for each event."""
    return head("text/event-stream", "Transfer-Encoding: chunked") + b"".join(map(chunk, events)) + last


def document(body: bytes, content_type: str = "application/json", status: str = "200 OK") -> bytes:
    return head(content_type, f"Content-Length: {len(body)}", status=status) + body


@dataclass(frozen=True, slots=True)
class Result:
    """One finished request, taken out of its batch."""

    batch: Batch

    @property
    def row(self) -> Any:
        return self.batch.rows[0]

    @property
    def outcome(self) -> str:
        return str(OUTCOMES[self.row["outcome"]])

    @property
    def input(self) -> tuple[int, str]:
        return int(self.row["input_tokens"]), SOURCES[self.row["input_source"]]

    @property
    def output(self) -> tuple[int, str]:
        return int(self.row["output_tokens"]), SOURCES[self.row["output_source"]]

    @property
    def event_tokens(self) -> list[int] | None:
        return self.batch.event_tokens.tolist() if self.row["flags"] & FLAGS["event_tokens"] else None

    @property
    def note(self) -> bytes:
        return next((text for _, kind, text in self.batch.notes if kind == NOTE_FAILURE), b"")

    @property
    def text(self) -> bytes:
        return next((text for _, kind, text in self.batch.notes if kind == NOTE_TEXT), b"")

    @property
    def finish(self) -> str:
        """The finish reason, in the service's own word where it has no code."""
        own = next((text for _, kind, text in self.batch.notes if kind == NOTE_FINISH), b"")
        return own.decode() or str(FINISHES[self.row["finish"]])

    def token_ns(self) -> NDArray[np.int64]:
        """When each output event arrived, as a reader of the recording computes it."""
        gaps = self.batch.gaps.astype(np.int64)
        escaped = gaps == ESCAPE
        gaps += int(self.row["gap_base"]) * GAP_STEP
        gaps[escaped] = self.batch.escapes
        offsets = np.concatenate([[0], np.cumsum(gaps)]) if self.row["events"] else gaps
        return int(self.row["first_token_ns"]) + 1000 * offsets

    def facts(self) -> tuple[object, ...]:
        """All that must not depend on how the bytes were cut."""
        row = self.batch.rows.copy()
        row["shared_events"] = row["burst_events"] = 0
        tokens = self.batch.event_tokens.tobytes()
        return row.tobytes(), self.batch.gaps.tobytes(), tokens, self.batch.notes


def read(
    pieces: bytes | Iterable[bytes],
    spec: OutputSpec = CHAT,
    how: str = "closed",
    asked_stream: bool = True,
    keep_text: bool = False,
) -> Result:
    """Feeds one read for each piece until the response is complete, then ends it."""
    reader = ReplyReader(spec, stream=asked_stream, keep_text=keep_text)
    for piece in [pieces] if isinstance(pieces, bytes) else pieces:
        if not reader.complete:
            reader.feed(piece)
    return Result(reader.end(how))


def read_timed(pieces: Sequence[tuple[bytes, int, int]], spec: OutputSpec = CHAT) -> Result:
    """As `read`, of (bytes, stamp in ns, lateness in ns)."""
    reader = ReplyReader(spec)
    for data, stamp_ns, late_ns in pieces:
        reader.feed(data, stamp_ns, late_ns)
    return Result(reader.end())
