"""A run that was interrupted and continued: its legs, each of one part or several, as one run.

The pauses between them are cut out. A leg's header says by `resumes_ns` at which moment of the axis its first intended
time stands: where the plan has it in an open loop, else right behind the last moment recorded before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastbench.recording.clocks import Axis
from fastbench.recording.format import FLAGS, NOT_FINAL
from fastbench.recording.part import Part
from fastbench.recording.together import Accounts, accounts_of, footer_of


def leg_of(part: Part) -> int:
    """The number of the leg that a part belongs to, from 0."""
    return int(part.header.get("leg", 0))


def axis_of(parts: Sequence[Part]) -> Axis:
    """The time axis of a recording of these parts."""
    return Legs(parts) if any(map(leg_of, parts)) else Axis(parts)


class Legs(Axis):
    """The axis of several legs. Each has clocks of its own: the host may have been started anew in between."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._axes = {leg: Axis([part for part in parts if leg_of(part) == leg]) for leg in sorted(map(leg_of, parts))}
        self.hosts = max(axis.hosts for axis in self._axes.values())
        bounds = [axis.bound_ns for axis in self._axes.values() if axis.hosts > 1]
        known = [bound for bound in bounds if bound is not None]
        self.bound_ns = max(known, default=0) if len(known) == len(bounds) else None
        self.by = ", ".join(dict.fromkeys(axis.by for axis in self._axes.values() if axis.hosts > 1))
        self._later = {leg: self._later_by(leg, parts) for leg in self._axes}

    @property
    def still(self) -> bool:
        return False

    def shift(self, part: Part, moments: NDArray[np.int64]) -> NDArray[np.int64]:
        leg = leg_of(part)
        return self._axes[leg].shift(part, moments) + self._later[leg]

    def shift_at_start(self, part: Part) -> int:
        leg = leg_of(part)
        return self._axes[leg].shift_at_start(part) + self._later[leg]

    def _later_by(self, leg: int, parts: Sequence[Part]) -> int:
        """What a leg's moments need to follow on the leg before, ns."""
        resumes_ns = next((part.header.get("resumes_ns") for part in parts if leg_of(part) == leg), None)
        firsts = []
        for part in parts:
            rows = part.table.rows
            intended = rows["intended_ns"][(rows["flags"] & NOT_FINAL == 0) & (rows["intended_ns"] > 0)]
            if leg_of(part) == leg and intended.size:
                firsts.append(self._axes[leg].moment(part, int(intended.min())))
        return int(resumes_ns) - min(firsts) if resumes_ns is not None and firsts else 0


def accounts_of_legs(parts: Sequence[Part], axis: Axis, rows: NDArray[np.void]) -> Accounts:
    """The end of a recording of one leg or several. rows: all of them, as `without_replaced` gives them.

    What an earlier leg left without an outcome was asked for again by the next one, so only the last one's end counts.
    """
    last_leg = max(map(leg_of, parts))
    end = accounts_of([part for part in parts if leg_of(part) == last_leg], axis)
    if last_leg == 0:
        return end
    earlier = [part for part in parts if leg_of(part) < last_leg]
    damage = [*(sentence for part in earlier for sentence in part.damage), *end.damage]
    planned = next(part.header for part in parts if part.header).get("load", {}).get("planned")
    missing = max(0, int(planned or 0) - int(np.count_nonzero(rows["flags"] & NOT_FINAL == 0)))
    lost = min(missing, end.lost_rows + sum(part.lost_rows for part in earlier))
    footer = end.footer
    if footer is not None:
        ended = {name: footer.get(name) for name in ("interrupted", "reason", "finished_ns")}
        footers = [part.footer for part in earlier if part.footer is not None]
        footer = {**footer_of([*footers, footer]), **ended, "planned": planned}
    return Accounts(footer, lost, damage)


def without_replaced(rows: NDArray[np.void], legs: NDArray[np.int64]) -> NDArray[np.void]:
    """`rows`, (n,), in which a request has one final row, that of the last leg: one that the user's stop had cancelled
    was asked for again. legs: (n,), that of each row."""
    final = np.flatnonzero(rows["flags"] & NOT_FINAL == 0)
    order = final[np.lexsort((legs[final], rows["request"][final]))]
    requests = rows["request"][order]
    replaced = order[:-1][requests[:-1] == requests[1:]]
    if replaced.size:
        rows = rows.copy()
        # Both: neither an outcome nor an attempt that failed.
        rows["flags"][replaced] |= FLAGS["superseded"] | FLAGS["warmup"]
    return rows
