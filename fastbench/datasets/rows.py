"""Files of rows: JSON lines, a JSON array, or CSV. Only where each row stands is kept in memory: 16 bytes a row."""

import mmap
import os
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from textwrap import shorten
from typing import Any, BinaryIO, NamedTuple

import orjson

from fastbench.config import show
from fastbench.datasets.plain import BOM, TABLES, Header, open_data, open_records, open_text, utf8_fault
from fastbench.errors import DatasetError

Row = dict[str, Any]
Read = Callable[[int], Row]

_SHOWN = 120
_MAPPED = 16 << 20
_CHUNK = 1 << 20
_MAX_DIGITS = 20
# A whole string, or a character that opens or closes an item. A string cut by the file's end stays unmatched.
_JSON_PIECE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


class RowError(ValueError):
    """What is wrong with a row; follows "the row" in messages."""


def columns_of(row: Row) -> str:
    """The names of a row's fields in one short line."""
    return shorten(", ".join(row), _SHOWN, placeholder=" …") or "nothing"


def whole_number(value: object) -> int | None:
    """A whole number that is written as one or as its digits, also with .0 behind it, as tables with gaps have them;
    None for anything else."""
    if isinstance(value, str):
        text = value.strip().removesuffix(".0")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < _MAX_DIGITS else None
    if type(value) is float and value.is_integer():
        return int(value)
    return value if type(value) is int else None


class _Spans(NamedTuple):
    starts: "array[int]"
    ends: "array[int]"

    def add(self, start: int, end: int) -> None:
        self.starts.append(start)
        self.ends.append(end)


class RowFile:
    """The rows of one file, each readable by its position from 0. Holds no open file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._header: Header | None = None
        self._is_array = False
        spans = _Spans(array("q"), array("q"))
        suffix = os.path.splitext(path)[1].lower()
        with open_text(self.path) as file:
            if suffix in TABLES:
                self._header, records = open_records(path, file)
                for record in records:
                    spans.add(record.start, record.end)
            elif suffix != ".jsonl" and _first_byte(file) == b"[":
                self._is_array = True
                self._index_array(file, spans)
            else:
                _index_lines(file, spans)
        self._spans = spans

    def __len__(self) -> int:
        return len(self._spans.starts)

    @property
    def is_csv(self) -> bool:
        """Whether every field is text."""
        return self._header is not None

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """A function from position to row, while the file is open. It raises DatasetError for a broken row."""
        with self.reading_texts() as text:

            def read(position: int) -> Row:
                try:
                    return self.parse(text(position))
                except RowError as error:
                    raise self.broken(position, error) from error

            yield read

    @contextmanager
    def reading_texts(self) -> Iterator[Callable[[int], bytes]]:
        """A function from position to the bytes of the row, while the file is open."""
        starts, ends = self._spans
        with open_data(self.path) as file:

            def text(position: int) -> bytes:
                start = starts[position]
                file.seek(start)
                return file.read(ends[position] - start)

            yield text

    def mentions(self, *words: bytes) -> bool:
        """Whether one of these stands anywhere in the file."""
        if not len(self):
            return False
        with open_data(self.path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            return any(view.find(word) >= 0 for word in words)

    def broken(self, position: int, what: object) -> DatasetError:
        """The error for a row, with its place in the file."""
        way_out = "" if "save the file" in str(what) else "; correct or remove it"
        return DatasetError(f"{self.place(position)}: the row {what}{way_out}")

    def place(self, position: int) -> str:
        """The file, and where the row stands in it."""
        return f"{self.path}, " + (f"item {position + 1}" if self._is_array else f"line {self._line(position)}")

    def _line(self, position: int) -> int:
        left = self._spans.starts[position]
        line = 1
        with open_data(self.path) as file:
            while left > 0:
                part = file.read(min(left, _CHUNK))
                line += part.count(b"\n")
                left -= len(part) or left
        return line

    def parse(self, text: bytes) -> Row:
        """The row whose bytes these are. Raises RowError."""
        if self._header is not None:
            columns, cells = self._header.columns, self._header.cells(text)
            if len(cells) != len(columns):
                raise RowError(f"has {len(cells)} cells, where the header has {len(columns)}")
            return dict(zip(columns, cells, strict=True))
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            if (fault := utf8_fault(text)) is not None:
                raise RowError(fault) from error
            hint = "; a row is one line" if error.msg.startswith("unexpected end") else ""
            raise RowError(f"is not JSON ({error.msg}, column {error.colno}){hint}") from error
        if isinstance(row, list) and row and isinstance(row[0], dict):
            raise RowError(
                f"is an array of {len(row)} rows; name the file .json to have them read, or write one a line"
            )
        if not isinstance(row, dict):
            raise RowError(f'is {show(row)}, not an object such as {{"prompt": "text"}}')
        return row

    def _index_array(self, file: BinaryIO, spans: _Spans) -> None:
        """Finds the items of the outermost array, without making objects of them."""
        depth = start = stop = dropped = 0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            for piece in _JSON_PIECE.finditer(view):
                kind = view[piece.start()]
                if depth < 2:
                    self._check_between(view[stop : piece.start()], len(spans.starts), depth)
                    stop = piece.end()
                if kind in b"[{":
                    depth += 1
                    if depth == 2:
                        start = piece.start()
                elif kind in b"]}":
                    depth -= 1
                    if depth == 1:
                        spans.add(start, piece.end())
                        stop = piece.end()
                    if piece.end() - dropped > _MAPPED:
                        # What was read would count as this process's memory.
                        length = (piece.end() - dropped) // mmap.PAGESIZE * mmap.PAGESIZE
                        view.madvise(mmap.MADV_DONTNEED, dropped, length)
                        dropped += length
                    if depth == 0:
                        self._check_between(view[stop : stop + _CHUNK], len(spans.starts), depth)
                        break
                elif depth == 1:
                    spans.add(piece.start(), piece.end())
        if depth:
            raise DatasetError(f"{self.path}: the JSON array has no end; the file was cut or is not JSON")

    def _check_between(self, text: bytes, items: int, depth: int) -> None:
        """Raises DatasetError for what stands between the items of an array, or behind it, and is no item."""
        if found := text.removeprefix(BOM).strip(b" \t\r\n," if depth else b" \t\r\n"):
            where = f"after item {items} of the array" if depth else "behind the end of the array"
            shown = show(found[:_MAX_DIGITS].decode("utf-8", "replace"))
            raise DatasetError(f"{self.path}: {where} stands {shown}, which is no object; remove it")


def open_rows(path: str) -> RowFile:
    """The rows of the file at `path`. A run opens its data sets several times: the same file is indexed once."""
    try:
        state = os.stat(path)
    except OSError:
        return RowFile(path)  # which says what is wrong
    return _indexed(path, state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=8)
def _indexed(path: str, *_: int) -> RowFile:
    return RowFile(path)


def walk(rows: RowFile, positions: Sequence[int] | None = None) -> Iterator[tuple[int, Row]]:
    """(position, row) of these positions; None = of all, in the file's order."""
    with rows.reading() as read:
        for position in range(len(rows)) if positions is None else positions:
            yield position, read(position)


def _first_byte(file: BinaryIO) -> bytes:
    """The first byte that is neither a mark nor white space; the file is at its start again."""
    first = b""
    # Not by lines: the whole file may be one.
    while not first and (part := file.read(_CHUNK)):
        first = part.removeprefix(BOM).lstrip()[:1]
    file.seek(0)
    return first


def _index_lines(file: BinaryIO, spans: _Spans) -> None:
    at = 0
    for line in file:
        start, at = at, at + len(line)
        # Files that were put together have a mark where each begins.
        mark = len(BOM) if line.startswith(BOM) else 0
        if line[mark:].strip():
            spans.add(start + mark, at)
