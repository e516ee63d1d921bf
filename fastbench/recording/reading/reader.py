"""The reader of a recording: everything that was recorded, mapped rather than loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastbench.errors import RecordingError
from fastbench.recording.clocks import axis_of, leg_of
from fastbench.recording.format import ROW_DTYPE, part_paths
from fastbench.recording.reading.ending import ending_of
from fastbench.recording.reading.part import Part, ProgressCallback, progress_between
from fastbench.recording.reading.rows import Structured, sends_ids, structured_of, with_counted, without_replaced
from fastbench.recording.reading.table import TokenRun
from fastbench.recording.scrapes import Scrape, scrape_of


class Recording:
    """One recording, as far as it is readable, of however many parts.

    version: of its format, the oldest of its parts. header: what was planned. footer: how it ended, None if it did not.
    health: the client's states, in time order. rows: (n,) ROW_DTYPE, read-only, in the order in which they finished.
    damage: what is wrong, a sentence each. lost_rows: the requests that the damage cost. axis: the clock that all
    moments stand on. legs: 1, and how often an interrupted run was resumed.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.version = min(part.version for part in parts)
        self.header = next((part.header for part in parts if part.header), {})
        self.axis = axis_of(parts)
        self.legs = 1 + max(map(leg_of, parts))
        tables = [self.axis.rows(part) for part in parts]
        self.rows: NDArray[np.void] = (
            tables[0] if len(parts) == 1 else np.concatenate([*tables, np.empty(0, ROW_DTYPE)])
        )
        self._first_rows = np.cumsum([0, *(table.size for table in tables)])
        for part in parts:
            for record in part.counted:
                self.rows = with_counted(self.rows, record)
        self.health = sorted(
            (state for part in parts for state in self.axis.health(part)),
            key=lambda state: int(state.get("t_ns", 0)),
        )
        if self.legs > 1:
            of_parts = [np.full(table.size, leg_of(part)) for part, table in zip(parts, tables, strict=True)]
            self.rows = without_replaced(self.rows, np.concatenate(of_parts))
        # All numbers are of these: what one of them, a package's say, writes into them would falsify the others.
        self.rows.flags.writeable = False
        self.footer, self.lost_rows, self.damage = ending_of(parts, self.axis, self.rows)

    @classmethod
    def open(cls, directory: Path, progress: ProgressCallback | None = None) -> Recording:
        """Opens the recording in `directory`; RecordingError when nothing readable is there.

        Of several parts those that can be read are taken, and the others are damage.
        """
        paths = part_paths(directory)
        steps = np.linspace(0, 1, len(paths) + 1).tolist()
        parts: list[Part] = []
        # Their sentences, not the errors: kept by this frame they would keep it, and with it every file mapped here.
        unreadable: list[str] = []
        for number, path in enumerate(paths):
            try:
                parts.append(Part(path, progress_between(progress, *steps[number : number + 2])))
            except RecordingError as error:
                unreadable.append(str(error))
        if not parts:
            raise RecordingError(unreadable[0])
        recording = cls(parts)
        recording.damage += unreadable
        return recording

    @cached_property
    def structured(self) -> Structured:
        """Which replies are of the structure that was asked for, as it was checked after the run."""
        return structured_of(self.rows, [record for part in self.parts for record in part.checked])

    @cached_property
    def messages(self) -> dict[int, bytes]:
        """Row → the reason of its failure, for the rows that have one."""
        return {first + row: text for part, first in self._placed() for row, text in part.table.messages()}

    @property
    def scrapes(self) -> Iterator[Scrape]:
        """Scrapes of the service's metrics page, part by part in time order."""
        starts = [self.axis.shift_at_start(part) for part in self.parts]
        return (
            scrape_of(record, shift) for part, shift in zip(self.parts, starts, strict=True) for record in part.scrapes
        )

    @cached_property
    def finishes(self) -> dict[int, str]:
        """Row → its finish reason in the service's words, for the rows whose reason has no code of its own."""
        words = ((first + row, text) for part, first in self._placed() for row, text in part.table.finishes())
        return {row: text.decode("utf-8", "replace") for row, text in words}

    def run_ids(self, numbers: NDArray[np.int64]) -> list[str | None]:
        """The id of the run that each of these rows is of; None where its requests carried none. numbers: (n,)."""
        of_parts = [str(part.header.get("run_id", "")) if sends_ids(part.header) else None for part in self.parts]
        at = np.searchsorted(self._first_rows, numbers, side="right") - 1
        return [of_parts[place] for place in at.tolist()]

    def token_runs(self, mask: NDArray[np.bool_] | None = None) -> Iterator[TokenRun]:
        """The tokens of the rows of a mask, (rows,), of all if None: a few rows at a time, without a copy."""
        chosen = np.ones(len(self.rows), bool) if mask is None else mask
        for part, first in self._placed():
            for run in part.table.runs(chosen[first : first + len(part.table.rows)]):
                yield replace(run, first_row=first + run.first_row, stop_row=first + run.stop_row) if first else run

    def gaps_us(self, row: int) -> NDArray[np.int64]:
        """(events - 1,) int64: a row's gaps in µs, escapes resolved."""
        return self._run(row).gaps_us()

    def token_ns(self, row: int) -> NDArray[np.int64]:
        """(events,) int64: when each output event of a row arrived."""
        stamps = np.zeros(self.rows["events"][row], np.int64)
        np.cumsum(self.gaps_us(row), out=stamps[1:])
        stamps *= 1000
        stamps += self.rows["first_token_ns"][row]
        return stamps

    def event_tokens(self, row: int) -> NDArray[np.uint16] | None:
        """(events,) uint16: tokens in each output event of a row; None where the service did not say."""
        tokens = self._run(row).event_tokens
        return tokens if tokens.size else None

    def marks(self, row: int) -> NDArray[np.void]:
        """(m,) MARK_DTYPE: output events of a row whose stamps are uncertain."""
        start = int(self.rows["marks"][:row].sum(dtype=np.int64))
        return self.all_marks[start : start + int(self.rows["marks"][row])]

    @cached_property
    def all_marks(self) -> NDArray[np.void]:
        """(m,) MARK_DTYPE: the marks of all rows, in row order; `rows["marks"]` of each. Read-only."""
        marks: NDArray[np.void] = np.concatenate([part.table.marks() for part in self.parts])
        marks.flags.writeable = False
        return marks

    def _placed(self) -> Iterator[tuple[Part, int]]:
        """Each part with the number of its first row."""
        return zip(self.parts, self._first_rows.tolist(), strict=False)

    def _run(self, row: int) -> TokenRun:
        """One row's tokens; IndexError for a row that is not there."""
        if not 0 <= row < len(self.rows):
            raise IndexError(f"the recording has no row {row}")
        at = int(np.searchsorted(self._first_rows, row, side="right")) - 1
        return self.parts[at].table.run(row - int(self._first_rows[at]))
