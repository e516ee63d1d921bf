"""A recording → one exported file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from fastbench.recording.reader import Recording
from fastbench.report.export import hlog, parquet, text
from fastbench.report.files import replacing

FORMATS = ("csv", "jsonl", "parquet", "hlog")

_Write = Callable[[Recording, BinaryIO], None]


def export(recording: Recording, path: Path, form: str, *, tokens: bool) -> None:
    """Writes the measured requests, or their token times, to `path`, a few at a time.

    The file appears when it is whole. form: one of `FORMATS`; hlog holds histograms by second, and those of ITL with
    `tokens`. UsageError without the package that the form needs, RecordingError when the file cannot be written.
    """
    with replacing(path, 0o600) as file:
        _WRITERS[form, tokens](recording, file)


def _in_pieces(pieces: Callable[[Recording], Iterator[bytes]], recording: Recording, file: BinaryIO) -> None:
    for piece in pieces(recording):
        file.write(piece)


_WRITERS: dict[tuple[str, bool], _Write] = {
    ("csv", False): partial(_in_pieces, text.requests_csv),
    ("csv", True): partial(_in_pieces, text.tokens_csv),
    ("jsonl", False): partial(_in_pieces, text.requests_jsonl),
    ("jsonl", True): partial(_in_pieces, text.tokens_jsonl),
    ("parquet", False): parquet.write_requests,
    ("parquet", True): parquet.write_tokens,
    ("hlog", False): partial(_in_pieces, partial(hlog.histogram_log, gaps=False)),
    ("hlog", True): partial(_in_pieces, partial(hlog.histogram_log, gaps=True)),
}
