"""Recordings made by hand: requests as plain values, and the arrays and files that they become."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from fastbench._core.ring import FINISHES, FLAGS, MARK_DTYPE, OUTCOMES, ROW_DTYPE, SOURCES, Batch, encode
from fastbench.recording import RecordingWriter

# Bytes from one cut or flip to the next; 29 is coprime to the sizes of heads and rows, so that every field is met.
STRIDE = int(os.environ.get("FASTBENCH_STRIDE", "29"))
MS = 1_000_000
HEADER: dict[str, Any] = {
    "fastbench": "0.1.0",
    "run_id": "00000000000000000000000000000000",
    "created": "2026-11-24T07:34:46+00:00",
    "mono_ns": 1_000_000_000,
    "wall_ns": 1_795_505_686_000_000_000,
    "host": {"cpus": 2},
    "task": {"model": "mock", "dataset": "synthetic"},
    "service": {"url": "http://127.0.0.1:8000", "model": "m", "backend": "openai-chat", "stream": True},
    "load": {"kind": "closed", "concurrency": 4, "rate": None, "arrival": None, "planned": None},
    "stamps": "kernel",
    "config": {},
}
_AS_GIVEN = (
    *("request", "session", "turn", "attempt", "tried_ns", "sent_ns", "end_ns", "message_ns", "connect_ns"),
    *("status", "input_tokens", "shared_events", "cached_tokens"),
)
FOOTER: dict[str, Any] = {
    "planned": None,
    "finished_ns": 9_000_000_000,
    "interrupted": False,
    "reason": None,
    "client": {},
}


@dataclass(frozen=True)
class Request:
    """One row. token_ns are whole µs after the first; output_tokens None = one for each event."""

    request: int
    sent_ns: int = 1_000 * MS
    token_ns: tuple[int, ...] = (1_100 * MS, 1_120 * MS, 1_140 * MS)
    end_ns: int = 1_141 * MS
    intended_ns: int | None = None
    outcome: str = "ok"
    status: int = 200
    flags: tuple[str, ...] = ("stream", "kernel")
    input_tokens: int = 10
    output_tokens: int | None = None
    input_source: str = "usage"
    output_source: str = "usage"
    attempt: int = 0
    session: int = 0
    turn: int = 0
    shared_events: int = 0
    cached_tokens: int = 0
    message: bytes | None = None
    text: bytes | None = None
    marks: tuple[tuple[int, int, int], ...] = ()
    event_tokens: tuple[int, ...] | None = None
    tried_ns: int = 0
    message_ns: int = 0
    connect_ns: int = 0
    finish: str = "none"
    more: tuple[tuple[str, int], ...] = ()
    """Further fields of the row."""


_COLUMNS: dict[str, Callable[[Request], int]] = {
    **{name: attrgetter(name) for name in _AS_GIVEN},
    "intended_ns": lambda one: one.sent_ns if one.intended_ns is None else one.intended_ns,
    "first_token_ns": lambda one: one.token_ns[0] if one.token_ns else 0,
    "last_token_ns": lambda one: one.token_ns[-1] if one.token_ns else 0,
    "events": lambda one: len(one.token_ns),
    "output_tokens": lambda one: len(one.token_ns) if one.output_tokens is None else one.output_tokens,
    "marks": lambda one: len(one.marks),
    "outcome": lambda one: OUTCOMES.index(one.outcome),
    "input_source": lambda one: SOURCES.index(one.input_source),
    "output_source": lambda one: SOURCES.index(one.output_source),
    "flags": lambda one: sum(FLAGS[flag] for flag in one.flags),
    "finish": lambda one: FINISHES.index(one.finish if one.finish in FINISHES else "other"),
}
"""A request's fields, by the columns that they become."""


def batch_of(requests: Sequence[Request]) -> Batch:
    """The batch in which these requests finished, in their order."""
    rows = np.zeros(len(requests), ROW_DTYPE)
    for name, value_of in _COLUMNS.items():
        rows[name] = [value_of(request) for request in requests]
    gaps, escapes, tokens, notes = [], [], [], []
    marks: list[tuple[int, int, int]] = []
    bases, escaped = [], []
    for index, request in enumerate(requests):
        stamps = np.array(request.token_ns, np.int64)
        base, row_gaps, row_escapes = encode(((stamps - stamps[:1]) // 1000).astype(np.uint32))
        bases.append(base)
        escaped.append(row_escapes.size)
        gaps.append(row_gaps)
        escapes.append(row_escapes)
        marks += request.marks
        for name, value in request.more:
            rows[index][name] = value
        if request.event_tokens is not None:
            rows["flags"][index] |= FLAGS["event_tokens"]
            tokens += request.event_tokens
        if request.message is not None:
            notes.append((index, 1, request.message))
        if request.finish not in FINISHES:
            notes.append((index, 3, request.finish.encode()))
        if request.text is not None:
            notes.append((index, 2, request.text))
    rows["gap_base"], rows["escapes"] = bases, escaped
    return Batch(
        rows,
        np.concatenate([np.empty(0, np.uint16), *gaps]),
        np.concatenate([np.empty(0, np.int64), *escapes]),
        np.array(tokens, np.uint16),
        np.array(marks, MARK_DTYPE),
        notes,
    )


def header_of(**changes: dict[str, Any] | str) -> dict[str, Any]:
    """The usual header; an object given for a key is laid over the usual one."""
    merged = dict(HEADER)
    for name, change in changes.items():
        merged[name] = {**HEADER.get(name, {}), **change} if isinstance(change, dict) else change
    return merged


def record(
    directory: Path,
    *batches: Sequence[Request] | Batch,
    header: dict[str, Any] | None = None,
    footer: dict[str, Any] | None = None,
    health: Sequence[dict[str, Any]] = (),
    scrapes: Sequence[dict[str, Any]] = (),
    part: int = 0,
) -> Path:
    """Writes a recording, whose batches the writer may merge; returns its directory."""
    writer = RecordingWriter(directory, HEADER if header is None else header, part)
    for requests in batches:
        writer.append(requests if isinstance(requests, Batch) else batch_of(requests))
    for state in health:
        writer.health(state)
    for scrape in scrapes:
        writer.scrape(scrape)
    writer.close(FOOTER | (footer or {}))
    return directory


def write_blocks(directory: Path, *batches: Sequence[Request], footer: dict[str, Any] | None = None) -> Path:
    """Writes a recording with one block for each batch; no footer if None."""
    from fastbench.recording.format import Kind
    from fastbench.recording.writing.files import BlockFile
    from fastbench.recording.writing.packing import pack_batches, pack_json

    directory.mkdir(parents=True, exist_ok=True)
    file = BlockFile(directory)
    for _ in range(2):
        file.append(Kind.HEADER, pack_json(HEADER))
    for requests in batches:
        counts, payload = pack_batches([batch_of(requests)])
        file.append(Kind.BATCH, payload, counts)
        file.append(Kind.HEALTH, pack_json({"t_ns": 1, "in_flight": 2}))
    if footer is not None:
        file.append(Kind.FOOTER, pack_json(footer))
    file.close()
    return directory
