"""Export as csv or as JSON lines."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from typing import Any

import msgspec

from fastbench.metrics.token_times import token_times
from fastbench.recording.reader import Recording
from fastbench.report.export.columns import Columns, request_columns

_encoder = msgspec.json.Encoder()


def requests_csv(recording: Recording) -> Iterator[bytes]:
    """A head, then a line for each request; what is not known is empty."""
    is_first = True
    for columns in request_columns(recording):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if is_first:
            writer.writerow(columns)
            is_first = False
        writer.writerows(_rows(columns))
        yield text.getvalue().encode()


def requests_jsonl(recording: Recording) -> Iterator[bytes]:
    """An object for each request; what is not known is null."""
    for columns in request_columns(recording):
        yield b"".join(_encoder.encode(dict(zip(columns, row, strict=True))) + b"\n" for row in _rows(columns))


def tokens_csv(recording: Recording) -> Iterator[bytes]:
    """A line for each output event: request, its number in the request from 0, moment, tokens in it."""
    yield b"request,event,token_ns,tokens\n"
    for times in token_times(recording):
        for at, request in enumerate(times.requests.tolist()):
            span = slice(*times.offsets[at : at + 2].tolist())
            moments, tokens = times.token_ns[span].tolist(), times.tokens[span].tolist()
            events = zip(itertools.count(), moments, tokens, strict=False)
            yield "".join(f"{request},{event},{ns},{count or ''}\n" for event, ns, count in events).encode()


def tokens_jsonl(recording: Recording) -> Iterator[bytes]:
    """An object for each request, with a list of the moments of its output events; `tokens` where they were told."""
    for times in token_times(recording):
        for at, request in enumerate(times.requests.tolist()):
            span = slice(*times.offsets[at : at + 2].tolist())
            line: dict[str, Any] = {"request": request, "token_ns": times.token_ns[span].tolist()}
            if times.tokens[span].any():
                line["tokens"] = times.tokens[span].tolist()
            yield _encoder.encode(line) + b"\n"


def _rows(columns: Columns) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.listed() for column in columns.values()), strict=True)
