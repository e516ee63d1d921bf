"""Export as parquet; pyarrow is imported only here, and only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from fastbench.errors import UsageError
from fastbench.installing import install
from fastbench.metrics.samples import NO_TIMES, TokenTimes, token_times
from fastbench.recording import Recording
from fastbench.report.exports.columns import Columns, listed, request_columns

_TEXTS = ("request_id", "outcome", "finish_reason", "input_source", "output_source", "structured_fault", "message")


def requests_table(recording: Recording, more: Columns | None = None) -> Any:
    """The measured requests as a `pyarrow.Table`; what is not known is null. more: as `request_columns`. UsageError
    without pyarrow."""
    arrow = _arrow("to_arrow()")
    return arrow.concat_tables([_requests(arrow, columns) for columns in request_columns(recording, more)])


def write_requests(pieces: Iterator[Columns], file: BinaryIO) -> None:
    """A row for each request; what is not known is null. UsageError without pyarrow."""
    arrow = _arrow()
    _write(arrow, file, (_requests(arrow, columns) for columns in pieces))


def write_tokens(recording: Recording, file: BinaryIO) -> None:
    """A row for each request, with a list of the moments of its output events, and of the tokens in each.

    UsageError without pyarrow.
    """
    arrow = _arrow()
    pieces = token_times(recording)
    _write(arrow, file, (_tokens(arrow, times) for times in chain([next(pieces, NO_TIMES)], pieces)))


def _arrow(what: str = "--format parquet") -> Any:
    try:
        import pyarrow  # type: ignore[import-untyped]  # it has no types
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise UsageError(f"{what} needs the package pyarrow: {install('parquet')}, or take csv or jsonl") from error
    return pyarrow


def _requests(arrow: Any, columns: Columns) -> Any:
    def array(name: str) -> Any:
        column = columns[name]
        if name in _TEXTS:
            return arrow.array(listed(column), arrow.string())
        return arrow.array(column.values, mask=~column.known)

    return arrow.table({name: array(name) for name in columns})


def _tokens(arrow: Any, times: TokenTimes) -> Any:
    offsets = arrow.array(times.offsets, arrow.int32())
    return arrow.table(
        {
            "request": arrow.array(times.requests),
            "token_ns": arrow.ListArray.from_arrays(offsets, arrow.array(times.token_ns)),
            "tokens": arrow.ListArray.from_arrays(offsets, arrow.array(times.tokens, mask=times.tokens == 0)),
        }
    )


def _write(arrow: Any, file: BinaryIO, tables: Iterator[Any]) -> None:
    """One after the other, so that memory does not grow with the recording. There is one at least."""
    first = next(tables)
    with arrow.parquet.ParquetWriter(file, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)
