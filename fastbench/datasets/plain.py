"""Files of plain text: opened, seen to be neither packed nor in another encoding; and the records of tables (CSV)."""

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO, NamedTuple

from fastbench.config import show
from fastbench.config.fields import missing_sentence
from fastbench.errors import DatasetError

# The module's own limit of a cell, 128 KiB, is less than a long prompt; it has one limit for the whole process.
csv.field_size_limit(1 << 30)

BOM = b"\xef\xbb\xbf"
"""What may stand before the first byte of UTF-8."""
TABLES = (".csv", ".tsv")
"""The suffixes of tables."""
_PACKED = (
    (b"\x1f\x8b", "gzip data", "unpack it with gunzip"),
    (b"PK\x03\x04", "a zip archive", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "zstd data", "unpack it with unzstd"),
    (b"BZh", "bzip2 data", "unpack it with bunzip2"),
    (b"\xfd7zXZ", "xz data", "unpack it with unxz"),
    (b"PAR1", "a Parquet file", "write its rows as JSON lines"),
    (b"ARROW1", "an Arrow file", "write its rows as JSON lines"),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the data with `git lfs pull`"),
)
"""How files begin that hold no text as they are: what they are, and the way out."""
_QUOTED = re.compile(r'"[^"]*"')


@contextmanager
def open_data(path: str) -> Iterator[BinaryIO]:
    """The file, open. Raises DatasetError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError as error:
        raise DatasetError(missing_sentence(path)) from error
    except OSError as error:
        raise DatasetError(
            f"{path}: the data set cannot be read: {error.strerror}; name a file that can be read"
        ) from error


@contextmanager
def open_text(path: str) -> Iterator[BinaryIO]:
    """As `open_data`. Raises DatasetError for a file that holds no text, too."""
    with open_data(path) as file:
        begin = file.read(32)
        file.seek(0)
        for start, what, way_out in _PACKED:
            if begin.startswith(start):
                raise DatasetError(f"{path}: the data set is {what}; {way_out}")
        yield file


def utf8_fault(text: bytes) -> str | None:
    """What is wrong with a row that is not UTF-8, with a guess at what it is; None where it is UTF-8."""
    if text.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in text:
        guess = "UTF-16"
    else:
        try:
            text.decode("utf-8")
        except UnicodeDecodeError as error:
            guess = f"Latin-1 or Windows-1252, by byte {error.start + 1}, 0x{text[error.start]:02x}"
        else:
            return None
    name = "UTF-16" if guess == "UTF-16" else "CP1252"
    return f"is not UTF-8; save the file as UTF-8 (it looks like {guess}: `iconv -f {name} -t UTF-8`)"


class Header(NamedTuple):
    """The names of a table's columns, without blanks around them, and what stands between its cells."""

    columns: Sequence[str] = ()
    separator: str = ","

    def cells(self, text: bytes) -> list[str]:
        """Those of a record."""
        return next(csv.reader(io.StringIO(text.decode("utf-8"), newline=""), delimiter=self.separator))


class Record(NamedTuple):
    """A record of a table, which may fill several lines. line: on which it ends; start, end: its bytes in the file."""

    cells: list[str]
    line: int
    start: int
    end: int


def open_records(path: str, file: BinaryIO) -> tuple[Header, Iterator[Record]]:
    """The header of a table, and its records but for those that are empty; no columns = there is nothing.

    What separates cells is a comma; where the header has none, or the file's name ends in .tsv, a tab or a semicolon
    that it has. Raises DatasetError, also later, for what is no table.
    """
    at = skipped = 0

    def lines() -> Iterator[str]:
        nonlocal at
        for number, line in enumerate(file, 1):
            at += len(line)
            try:
                yield line.removeprefix(BOM if number == 1 else b"").decode("utf-8")
            except UnicodeDecodeError as error:
                raise DatasetError(f"{path}, line {number}: this {utf8_fault(line)}") from error

    rest = lines()
    first = ""
    for first in rest:
        if first.strip():
            break
        skipped += 1
    separator = _separator(first, path)
    reader = csv.reader(chain([first], rest), delimiter=separator, strict=True)

    def records() -> Iterator[Record]:
        start = at
        try:
            for cells in reader:
                # A record of several empty cells is an empty row of a sheet.
                if cells and (any(cells) or len(cells) == 1):
                    yield Record(cells, skipped + reader.line_num, start, at)
                start = at
        except csv.Error as error:
            line = skipped + reader.line_num
            raise DatasetError(f"{path}, line {line}: this is not CSV ({error})") from error

    found = records()
    head = next(found, None)
    columns = [] if head is None or not first.strip() else [cell.strip() for cell in head.cells]
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if head is not None and twice is not None:
        raise DatasetError(f"{path}, line {head.line}: the column {show(twice)} is there twice; rename one of them")
    return Header(columns, separator), found


def _separator(first: str, path: str) -> str:
    text = _QUOTED.sub("", first)
    is_of_tabs = os.path.splitext(path)[1].lower() == ".tsv"
    order = "\t,;" if is_of_tabs else ",\t;"
    return next((one for one in order if one in text), ",")
