"""The reader of a recording: everything that was recorded, mapped rather than loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.recording.clocks import aligned, shift_ns
from fastbench.recording.counted import with_counted
from fastbench.recording.format import ESCAPE, NOT_FINAL, ROW_DTYPE, part_paths
from fastbench.recording.part import Part
from fastbench.recording.scrapes import Scrape, scrape_of
from fastbench.recording.sharing import Progress, part_of
from fastbench.recording.table import TokenRun
from fastbench.recording.together import footer_of


class Recording:
    """One recording, as far as it is readable, of however many parts.

    header: what was planned. footer: how it ended, None if it did not. health: the client's states, in time order.
    rows: (n,) ROW_DTYPE, part by part in the order in which they finished. damage: what is wrong, a sentence each.
    lost_rows: the requests that the damage cost.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.header = parts[0].header
        self.damage = [sentence for part in parts for sentence in part.damage]
        self.lost_rows = sum(part.lost_rows for part in parts)
        tables = aligned(parts)
        self.rows: NDArray[np.void] = (
            tables[0] if len(parts) == 1 else np.concatenate([*tables, np.empty(0, ROW_DTYPE)])
        )
        self._first_rows = np.cumsum([0, *(table.size for table in tables)])
        for part in parts:
            for record in part.counted:
                self.rows = with_counted(self.rows, record)
        self.health = sorted(
            (state for part in parts for state in part.health), key=lambda state: int(state.get("t_ns", 0))
        )
        footers = [part.footer for part in parts if part.footer is not None]
        self.footer: dict[str, Any] | None = footers[0] if len(parts) == 1 and footers else None
        if len(parts) > 1 and footers:
            self.footer = footer_of(footers)
            self._note_absent()

    @classmethod
    def open(cls, directory: Path, progress: Progress | None = None) -> Recording:
        """Opens the recording in `directory`; RecordingError when nothing readable is there."""
        paths = part_paths(directory)
        steps = np.linspace(0, 1, len(paths) + 1).tolist()
        return cls([Part(path, part_of(progress, *steps[k : k + 2])) for k, path in enumerate(paths)])

    @cached_property
    def messages(self) -> dict[int, bytes]:
        """Row → the reason of its failure, for the rows that have one."""
        return {first + row: text for part, first in self._placed() for row, text in part.table.messages()}

    @property
    def scrapes(self) -> Iterator[Scrape]:
        """What the service's metrics page said, part by part in time order."""
        shifts = [shift_ns(part, self.parts[0]) for part in self.parts]
        return (
            scrape_of(record, shift) for part, shift in zip(self.parts, shifts, strict=True) for record in part.scrapes
        )

    def token_runs(self, mask: NDArray[np.bool_] | None = None) -> Iterator[TokenRun]:
        """The tokens of the rows of a mask, (rows,), of all if None: a few rows at a time, without a copy."""
        chosen = np.ones(len(self.rows), bool) if mask is None else mask
        for part, first in self._placed():
            for run in part.table.runs(chosen[first : first + len(part.table.rows)]):
                yield replace(run, first_row=first + run.first_row, stop_row=first + run.stop_row) if first else run

    def gaps_us(self, row: int) -> NDArray[np.int64]:
        """(events - 1,) int64: a row's gaps in µs, escapes resolved."""
        run = self._run(row)
        gaps = run.gaps.astype(np.int64)
        gaps[gaps == ESCAPE] = run.escapes
        return gaps

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
        """(m,) MARK_DTYPE: the marks of all rows, in row order; `rows["marks"]` of each."""
        return np.concatenate([part.table.marks() for part in self.parts])

    def _placed(self) -> Iterator[tuple[Part, int]]:
        """Each part with the number of its first row."""
        return zip(self.parts, self._first_rows.tolist(), strict=False)

    def _run(self, row: int) -> TokenRun:
        """One row's tokens; IndexError for a row that is not there."""
        if not 0 <= row < len(self.rows):
            raise IndexError(f"the recording has no row {row}")
        at = int(np.searchsorted(self._first_rows, row, side="right")) - 1
        return self.parts[at].table.run(row - int(self._first_rows[at]))

    def _note_absent(self) -> None:
        """Parts without an end, or not there at all: what they had is lost, and the rest stands."""
        shares = {int(share["number"]): int(share["of"]) for part in self.parts if (share := part.header.get("share"))}
        unended = [part.header.get("share", {}).get("number") for part in self.parts if part.footer is None]
        missing = [index for index in range(max(shares.values(), default=0)) if index not in shares]
        planned = self.header.get("load", {}).get("planned")
        self.damage += [f"worker {index} died or was killed" for index in unended]
        self.damage += [f"the part of worker {index} is missing" for index in missing]
        if isinstance(planned, int):
            assert self.footer is not None
            self.footer["planned"] = planned
            if unended or missing:
                final = self.rows["flags"] & NOT_FINAL == 0
                self.lost_rows = max(self.lost_rows, planned - int(np.count_nonzero(final)))
