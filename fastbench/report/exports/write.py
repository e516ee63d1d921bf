"""A recording → one exported file."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from fastbench.metrics.samples import token_times
from fastbench.recording import Recording
from fastbench.report.exports import hlog, parquet
from fastbench.report.exports.columns import Columns, listed, request_columns
from fastbench.report.files import replacing

FORMATS = ("csv", "jsonl", "parquet", "hlog")

_Write = Callable[[Recording, BinaryIO], None]
_WriteRows = Callable[[Iterator[Columns], BinaryIO], None]
T = TypeVar("T")
_encoder = msgspec.json.Encoder()


def requests_csv(pieces: Iterator[Columns]) -> Iterator[bytes]:
    """A head, then a line for each request; what is not known is empty."""
    is_first = True
    for columns in pieces:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if is_first:
            writer.writerow(columns)
            is_first = False
        writer.writerows(_rows(columns))
        yield text.getvalue().encode()


def requests_jsonl(pieces: Iterator[Columns]) -> Iterator[bytes]:
    """An object for each request; what is not known is null."""
    for columns in pieces:
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
    return zip(*(listed(column) for column in columns.values()), strict=True)


def export(recording: Recording, path: Path, form: str, *, tokens: bool, more: Columns | None = None) -> None:
    """Writes the measured requests, or their token times, to `path`, a few at a time.

    The file appears when it is whole. form: one of `FORMATS`; hlog holds histograms by second, and those of ITL with
    `tokens`. more: further columns of requests, as `request_columns` takes them. UsageError without the package that
    the form needs, RecordingError when the file cannot be written.
    """
    with replacing(path, 0o600) as file:
        if not tokens and form in _OF_ROWS:
            _OF_ROWS[form](request_columns(recording, more), file)
        else:
            _WRITERS[form, tokens](recording, file)


def _in_pieces(pieces: Callable[[T], Iterator[bytes]], source: T, file: BinaryIO) -> None:
    for piece in pieces(source):
        file.write(piece)


_OF_ROWS: dict[str, _WriteRows] = {
    "csv": partial(_in_pieces, requests_csv),
    "jsonl": partial(_in_pieces, requests_jsonl),
    "parquet": parquet.write_requests,
}


_WRITERS: dict[tuple[str, bool], _Write] = {
    ("csv", True): partial(_in_pieces, tokens_csv),
    ("jsonl", True): partial(_in_pieces, tokens_jsonl),
    ("parquet", True): parquet.write_tokens,
    ("hlog", False): partial(_in_pieces, partial(hlog.histogram_log, gaps=False)),
    ("hlog", True): partial(_in_pieces, partial(hlog.histogram_log, gaps=True)),
}
