"""All batches of a recording together: the rows as one array, their tokens as views into the mapped file.

A long run at a low rate has tens of thousands of small blocks, so what is done for each block is done for all of
them at once.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.errors import RecordingError
from fastbench.recording.format import (
    ESCAPE,
    FINISH,
    FINISHES,
    FLAGS,
    GAP_STEP,
    MARK_DTYPE,
    NOTE_DTYPE,
    OUTCOMES,
    REASON,
    SECTIONS,
    SOURCES,
    VERSION,
    Counts,
    Head,
    section_starts,
)
from fastbench.recording.reading.rows import as_rows, row_dtype

_ITEM = dict(SECTIONS)
_CODES = {"outcome": OUTCOMES, "input_source": SOURCES, "output_source": SOURCES, "finish": FINISHES}
"""Fields of a row that stand for names."""


@dataclass(frozen=True, slots=True)
class TokenRun:
    """Neighbouring rows of one block and their tokens, views into the file.

    gaps: uint16, µs less `base_us`, which all of these rows have. escapes: int64, µs, the true gaps. event_tokens:
    uint16, of the rows with counts from the service.
    """

    first_row: int
    stop_row: int
    gaps: NDArray[np.uint16]
    escapes: NDArray[np.int64]
    event_tokens: NDArray[np.uint16]
    base_us: int = 0

    def gaps_us(self) -> NDArray[np.int64]:
        """The true gaps, int64 µs. Raises RecordingError where these are not as many as those say, or below 0."""
        gaps = self.gaps.astype(np.int64)
        escaped = np.flatnonzero(gaps == ESCAPE)
        if escaped.size != self.escapes.size or (self.escapes < 0).any():
            raise RecordingError(f"the recording is inconsistent: the gaps from row {self.first_row} on do not fit")
        gaps += self.base_us
        gaps[escaped] = self.escapes
        return gaps


class Table:
    """The batches under these heads of one version, whose payloads are inside the file and as long as their counts say.

    rows: (n,) ROW_DTYPE. first_rows: (blocks + 1,) int64, where each block starts in them.
    `at[name]`: (n + 1,) int64; row k has the entries `at[name][k] : at[name][k + 1]` of all blocks' section `name`.
    """

    def __init__(self, file: mmap.mmap, heads: Sequence[Head]) -> None:
        self._file = file
        version = _version(heads)
        size = row_dtype(version).itemsize
        self._counts = counts_of(heads)
        self._starts = section_starts(self._counts, size) + _payload_starts(heads)
        with memoryview(file) as data:
            rows = b"".join(
                data[start : start + count * size]
                for start, count in zip(self._section("rows"), self._entries("rows"), strict=True)
            )
        self.rows = as_rows(rows, version)
        self.first_rows = _offsets(self._entries("rows"))
        events, flags = self.rows["events"].astype(np.int64), self.rows["flags"]
        self.at = {
            "gaps": _offsets(np.maximum(events - 1, 0)),
            "escapes": _offsets(self.rows["escapes"]),
            "marks": _offsets(self.rows["marks"]),
            "event_tokens": _offsets(np.where(flags & FLAGS["event_tokens"] != 0, events, 0)),
        }

    def agreeing(self) -> NDArray[np.bool_]:
        """(blocks,): whether a block's sections are as long as its rows say, so that no row's share leaves them."""
        agree = np.ones(len(self._counts), bool)
        for name, names in _CODES.items():
            wrong = np.flatnonzero(self.rows[name] >= len(names))
            agree[np.searchsorted(self.first_rows, wrong, side="right") - 1] = False
        for name, at in self.at.items():
            agree &= np.diff(at[self.first_rows]) == self._entries(name)
        for block in np.flatnonzero(self._entries("notes")).tolist():
            notes = self._notes(block)
            agree[block] &= notes["length"].sum(dtype=np.int64) == self._entries("note_bytes")[block]
            agree[block] &= bool(np.all(notes["row"] < self._entries("rows")[block]))
        return agree

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """(row, reason of its failure) of the rows that have one."""
        return self._texts(REASON)

    def finishes(self) -> Iterator[tuple[int, bytes]]:
        """(row, finish reason) of the rows whose finish reason has no code of its own."""
        return self._texts(FINISH)

    def _texts(self, wanted: int) -> Iterator[tuple[int, bytes]]:
        for block in np.flatnonzero(self._entries("notes")).tolist():
            end = int(self._section("note_bytes")[block])
            for row, kind, length in self._notes(block).tolist():
                start, end = end, end + length
                if kind == wanted:
                    yield int(self.first_rows[block]) + row, self._file[start:end]

    def marks(self) -> NDArray[np.void]:
        """(m,) MARK_DTYPE: the marks of all rows, in row order; a copy."""
        blocks = np.flatnonzero(self._entries("marks")).tolist()
        starts, counts = self._section("marks"), self._entries("marks")
        parts = [np.frombuffer(self._file, MARK_DTYPE, counts[block], starts[block]) for block in blocks]
        return np.concatenate([np.empty(0, MARK_DTYPE), *parts])

    def runs(self, mask: NDArray[np.bool_]) -> Iterator[TokenRun]:
        """The rows of a mask, (rows,), in runs of neighbours that share a block and a base of their gaps."""
        fenced = np.concatenate(([False], mask, [False]))
        is_edge = fenced[1:] != fenced[:-1]
        is_edge[1:-1] |= self.rows["gap_base"][1:] != self.rows["gap_base"][:-1]
        is_edge[self.first_rows] = True
        edges = np.flatnonzero(is_edge)
        starts, stops = edges[:-1][mask[edges[:-1]]], edges[1:][mask[edges[:-1]]]
        return self._runs(starts, stops)

    def run(self, row: int) -> TokenRun:
        """One row's tokens; IndexError for a row that is not there."""
        if not 0 <= row < len(self.rows):
            raise IndexError(f"the recording has no row {row}")
        return next(self._runs(np.array([row]), np.array([row + 1])))

    def _runs(self, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> Iterator[TokenRun]:
        return map(
            TokenRun,
            starts.tolist(),
            stops.tolist(),
            self._views("gaps", "<u2", starts, stops),
            self._views("escapes", "<i8", starts, stops),
            self._views("event_tokens", "<u2", starts, stops),
            (self.rows["gap_base"][starts].astype(np.int64) * GAP_STEP).tolist(),
        )

    def _views(
        self, name: str, dtype: str, starts: NDArray[np.int64], stops: NDArray[np.int64]
    ) -> Iterator[NDArray[Any]]:
        """The entries of each run of rows in a section, without a copy."""
        at, nothing = self.at[name], np.empty(0, dtype)
        blocks = np.searchsorted(self.first_rows, starts, side="right") - 1
        inside = (at[starts] - at[self.first_rows[blocks]]) * _ITEM[name]
        places = (self._section(name)[blocks] + inside).tolist()
        for place, count in zip(places, (at[stops] - at[starts]).tolist(), strict=True):
            yield np.frombuffer(self._file, dtype, count, place) if count else nothing

    def _notes(self, block: int) -> NDArray[np.void]:
        start, count = self._section("notes")[block], self._entries("notes")[block]
        return np.frombuffer(self._file, NOTE_DTYPE, count, start)

    def _section(self, name: str) -> NDArray[np.int64]:
        """(blocks,): where the section starts in the file."""
        return self._starts[:, list(_ITEM).index(name)]

    def _entries(self, name: str) -> NDArray[np.int64]:
        """(blocks,): how many entries the section has."""
        return self._counts[:, Counts._fields.index(name)]


def counts_of(heads: Sequence[Head]) -> NDArray[np.int64]:
    """(blocks, counts) int64: the counts of each head."""
    return np.array([head.counts for head in heads], np.int64).reshape(len(heads), len(Counts._fields))


def _version(heads: Sequence[Head]) -> int:
    return heads[0].version if heads else VERSION


def _payload_starts(heads: Sequence[Head]) -> NDArray[np.int64]:
    return np.array([head.start for head in heads], np.int64).reshape(len(heads), 1)


def read_table(file: mmap.mmap, heads: Sequence[Head]) -> tuple[Table, list[Head]]:
    """The batches under `heads`, and the heads of those that contradict themselves and are left out."""
    # No entry is smaller than a byte; larger counts would leave int64. A file is of one version.
    version = _version(heads)
    possible = [head for head in heads if max(head.counts) <= head.length and head.version == version]
    ends = section_starts(counts_of(possible), row_dtype(version).itemsize)[:, -1]
    fitting = [head for head, end in zip(possible, ends.tolist(), strict=True) if head.length == end]
    table = Table(file, fitting)
    agree = table.agreeing().tolist()
    good = [head for head, is_good in zip(fitting, agree, strict=True) if is_good]
    if len(good) == len(heads):
        return table, []
    kept = {head.sequence for head in good}
    return Table(file, good), [head for head in heads if head.sequence not in kept]


def _offsets(lengths: NDArray[Any]) -> NDArray[np.int64]:
    offsets = np.zeros(lengths.size + 1, dtype=np.int64)
    np.cumsum(lengths, dtype=np.int64, out=offsets[1:])
    return offsets
