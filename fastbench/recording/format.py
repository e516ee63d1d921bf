"""The bytes of a block: its head, its sections, its checksums. See `docs/recording-format.md`."""

from __future__ import annotations

import os
import re
import struct
import zlib
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench._core.ring import ESCAPE, FINISHES, FLAGS, GAP_STEP, GIVEN_UP, MARK_DTYPE, OUTCOMES, ROW_DTYPE, SOURCES

__all__ = ["ESCAPE", "FINISHES", "FLAGS", "GAP_STEP", "GIVEN_UP", "MARK_DTYPE", "OUTCOMES", "ROW_DTYPE", "SOURCES"]

REQUESTS: Final = "requests.fbr"
TEXTS: Final = "texts.jsonl"
MAGIC: Final = b"\x89FBRblk\n"
VERSION: Final = 3
ALIGN: Final = 8
HEAD: Final = struct.Struct("<8sHHIQQQIIIIQQQQII")
NOTE_DTYPE: Final = np.dtype([("row", "<u4"), ("kind", "<u4"), ("length", "<u4")])
SECTIONS: Final = (
    ("rows", ROW_DTYPE.itemsize),
    ("escapes", 8),
    ("marks", MARK_DTYPE.itemsize),
    ("gaps", 2),
    ("event_tokens", 2),
    ("notes", NOTE_DTYPE.itemsize),
    ("note_bytes", 1),
)
"""The sections of a batch in their order, with the size of an entry in bytes."""
NOT_FINAL: Final = FLAGS["superseded"] | FLAGS["warmup"]
"""Flags of rows that are no outcome of a measured request."""
REASON: Final = 1
"""The kind of a note that gives the reason of a failure."""
TEXT: Final = 2
"""The kind of a note that holds an output's text; it never stands in a block."""
FINISH: Final = 3
"""The kind of a note that holds a finish reason that has no code of its own."""


def part_path(directory: Path, name: str, part: int) -> Path:
    """The file of one part: `requests.fbr` or `texts.jsonl` of part 0, `requests-1.fbr` of part 1, …"""
    path = directory / name
    return path.with_stem(f"{path.stem}-{part}") if part else path


def part_number(path: Path) -> int:
    """The number of the part whose file `requests….fbr` is."""
    _, _, number = path.stem.partition("-")
    return int(number) if number else 0


def part_paths(directory: Path) -> list[Path]:
    """The files of the parts that are there, in their order; that of part 0 where there is none."""
    pattern = re.compile(r"requests-([1-9]\d{0,4})\.fbr")
    names = os.listdir(directory) if directory.is_dir() else []
    numbers = sorted(int(match[1]) for match in map(pattern.fullmatch, names) if match)
    first = [0] if REQUESTS in names or not numbers else []
    return [part_path(directory, REQUESTS, number) for number in first + numbers]


class Kind(IntEnum):
    """Kinds of blocks."""

    HEADER = 1
    BATCH = 2
    HEALTH = 3
    FOOTER = 4
    COUNTED = 5
    SCRAPE = 6
    CHECKED = 7


class Counts(NamedTuple):
    """Entries in each section of a batch; all 0 in other blocks."""

    rows: int = 0
    escapes: int = 0
    marks: int = 0
    notes: int = 0
    gaps: int = 0
    event_tokens: int = 0
    note_bytes: int = 0


class Head(NamedTuple):
    """A block's head. offset and length are in bytes; rows_before counts the rows of all earlier blocks."""

    version: int
    kind: int
    sequence: int
    offset: int
    salt: int
    rows_before: int
    counts: Counts
    length: int
    payload_crc: int

    @property
    def start(self) -> int:
        """Where the payload starts in the file."""
        return self.offset + HEAD.size

    @property
    def end(self) -> int:
        """Where the next block starts in the file."""
        return self.offset + HEAD.size + self.length

    def pack(self) -> bytes:
        """The head's 96 bytes, checksum included."""
        packed = HEAD.pack(MAGIC, *self[:6], *self.counts, self.length, self.payload_crc, 0)[:-4]
        return packed + struct.pack("<I", zlib.crc32(packed))


def padded(length: int) -> int:
    """`length` rounded up to a multiple of 8."""
    return -(-length // ALIGN) * ALIGN


def section_starts(counts: NDArray[np.int64], row_size: int = ROW_DTYPE.itemsize) -> NDArray[np.int64]:
    """Where each of the `SECTIONS` of batches starts and where the last one ends, in bytes of the payload.

    counts: (blocks, counts) int64, as `Counts`. row_size: of a row, in bytes. The result: (blocks, sections + 1) int64.
    """
    starts = np.zeros((len(counts), len(SECTIONS) + 1), np.int64)
    for place, (name, size) in enumerate(SECTIONS):
        length = counts[:, Counts._fields.index(name)] * (row_size if name == "rows" else size)
        starts[:, place + 1] = starts[:, place] + -(-length // ALIGN) * ALIGN
    return starts


def read_head(data: memoryview, offset: int) -> Head | None:
    """The head at `offset` of the file `data`; None unless checksum and position are right."""
    raw = bytes(data[offset : offset + HEAD.size])
    if len(raw) < HEAD.size or not raw.startswith(MAGIC):
        return None
    _, version, kind, sequence, position, salt, rows_before, *counts, length, payload_crc, crc = HEAD.unpack(raw)
    if zlib.crc32(raw[:-4]) != crc or position != offset:
        return None
    return Head(version, kind, sequence, offset, salt, rows_before, Counts(*counts), length, payload_crc)
