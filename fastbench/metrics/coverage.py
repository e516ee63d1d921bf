"""What became of the planned requests of which a recording has no row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastbench.metrics.selection import Selection, section
from fastbench.recording.format import FLAGS, OUTCOMES
from fastbench.recording.legs import leg_of
from fastbench.recording.part import Part
from fastbench.recording.reader import Recording


class Coverage(NamedTuple):
    """Requests without a row, by what became of them.

    lost: their rows are damaged or were never written; unfinished: the run was interrupted before they ended. ended:
    whether the run has an end. exact: whether `unfinished` is all of them; else it is what is known at least.
    """

    dropped: int
    cancelled: int
    lost: int
    unfinished: int
    ended: bool
    exact: bool


def coverage(whole: Selection) -> Coverage:
    """Of the whole run.

    A request without a row was dropped if the footer says so, and cancelled if the run came to its end; else it has no
    outcome. Where the plan has no number, those in flight last are what is known to be without one.
    """
    recording = whole.recording
    footer = recording.footer
    planned = _planned(whole)
    lost = min(max(0, planned - whole.final.size), recording.lost_rows) if planned else recording.lost_rows
    rest = max(0, planned - whole.final.size - lost)
    recorded_drops = int((whole.final["outcome"] == OUTCOMES.index("dropped")).sum())
    dropped = min(rest, max(0, _count(footer or {}, "dropped") - recorded_drops))
    rest -= dropped
    cancelled = rest if footer is not None else 0
    if _count(section(whole.header, "load"), "planned"):
        return Coverage(dropped, cancelled, lost, rest - cancelled, ended=footer is not None, exact=True)
    open_parts = _without_end(recording)
    unfinished = max(0, sum(map(_in_flight, open_parts)) - lost)
    return Coverage(dropped, cancelled, lost, unfinished, ended=not open_parts, exact=not open_parts)


def _planned(whole: Selection) -> int:
    """The number of measured requests that were to be sent; 0 if neither end of the run knew it."""
    return _count(whole.recording.footer or {}, "planned") or _count(section(whole.header, "load"), "planned")


def _without_end(recording: Recording) -> list[Part]:
    """The parts whose writer was killed; what an earlier leg left open, the next one asked for again."""
    last = max(map(leg_of, recording.parts))
    return [part for part in recording.parts if leg_of(part) == last and part.footer is None]


def _in_flight(part: Part) -> int:
    """Requests that were in flight at the part's last word and have no row."""
    if not part.health:
        return 0
    word, rows = part.health[-1], part.table.rows
    moment = int(word.get("t_ns", 0))
    recorded = (rows["flags"] & FLAGS["superseded"] == 0) & (rows["sent_ns"] > 0)
    recorded &= (rows["sent_ns"] <= moment) & (rows["end_ns"] > moment)
    return max(0, int(word.get("in_flight", 0)) - int(np.count_nonzero(recorded)))


def _count(record: dict[str, object], name: str) -> int:
    value = record.get(name)
    return value if isinstance(value, int) else 0
