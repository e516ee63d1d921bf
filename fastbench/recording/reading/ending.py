"""How a recording of several parts or legs ended, and what is lost in parts without an end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.recording.clocks import Axis, leg_of
from fastbench.recording.format import NOT_FINAL
from fastbench.recording.reading.part import Part

_HIGHEST = ("longest_stall_ns", "peak_in_flight")
"""Counters of which the highest counts, not the sum."""


class Ending(NamedTuple):
    """How a recording ended. footer: None where no part has an end. lost_rows: requests without a row that have no
    other outcome. damage: why, a sentence each."""

    footer: dict[str, Any] | None
    lost_rows: int
    damage: list[str]


def ending_of(parts: Sequence[Part], axis: Axis, rows: NDArray[np.void]) -> Ending:
    """The end of a recording of one leg or several. rows: all of them, as `without_replaced` gives them.

    The next leg sends again what an earlier one left without an outcome, so only the last one's end counts.
    """
    last_leg = max(map(leg_of, parts))
    end = _ending_of_leg([part for part in parts if leg_of(part) == last_leg], axis)
    if last_leg == 0:
        return end
    earlier = [part for part in parts if leg_of(part) < last_leg]
    damage = [*(sentence for part in earlier for sentence in part.damage), *end.damage]
    planned = next(part.header for part in parts if part.header).get("load", {}).get("planned")
    missing = max(0, int(planned or 0) - int(np.count_nonzero(rows["flags"] & NOT_FINAL == 0)))
    lost = min(missing, end.lost_rows + sum(part.lost_rows for part in earlier))
    footer = end.footer
    if footer is not None:
        ended = {name: footer.get(name) for name in ("interrupted", "reason", "finished_ns", "enough")}
        footers = [part.footer for part in earlier if part.footer is not None]
        if not footer.get("enough"):
            ended["planned"] = planned
        footer = {**_added_footer([*footers, footer]), **ended}
    return Ending(footer, lost, damage)


def _ending_of_leg(parts: Sequence[Part], axis: Axis) -> Ending:
    """The end of a recording of these parts; what missing parts and parts without an end had is lost, and the rest
    counts."""
    shares = [part.header.get("share") or {} for part in parts]
    of = max(int(share.get("of", 1)) for share in shares)
    lost = sum(part.lost_rows for part in parts)
    damage = [sentence for part in parts for sentence in part.damage]
    if of == len(parts) == 1:
        return Ending(parts[0].footer, lost, damage)
    numbers = [share.get("number") for share in shares]
    unended = [part for part in parts if part.footer is None]
    missing = [number for number in range(of) if number not in numbers]
    damage += [_death(part) for part in unended]
    damage += [f"the part of worker {number} is missing" for number in missing]
    footers = [part.footer for part in parts if part.footer is not None]
    if not footers:
        return Ending(None, lost, damage)
    footer = _added_footer(footers)
    footer["finished_ns"] = max(
        axis.moment(part, int(part.footer.get("finished_ns") or 0)) for part in parts if part.footer is not None
    )
    planned = next((part.header for part in parts if part.header), {}).get("load", {}).get("planned")
    if planned is None or footer["enough"]:
        # As many as the time allowed: of a dead worker those that it reported.
        footer["planned"] += sum(_final(part) + part.lost_rows for part in unended)
    else:
        footer["planned"] = planned
        if unended or missing:
            lost = max(lost, planned - sum(map(_final, parts)))
    return Ending(footer, lost, damage)


def _final(part: Part) -> int:
    """Rows that are outcomes of measured requests."""
    return int(np.count_nonzero(part.table.rows["flags"] & NOT_FINAL == 0))


def _death(part: Part) -> str:
    number = (part.header.get("share") or {}).get("number", "of an unknown number")
    last = part.health[-1] if part.health else {}
    return (
        f"worker {number} died or was killed, with {last.get('in_flight', 'an unknown number of')} requests in flight"
    )


def _added_footer(footers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One footer for parts that each have one."""
    first = next((footer["reason"] for footer in footers if footer.get("reason")), None)
    return {
        "planned": _sum(footers, "planned"),
        "finished_ns": max(int(footer.get("finished_ns") or 0) for footer in footers),
        "interrupted": any(footer.get("interrupted") for footer in footers),
        "reason": first,
        "enough": next((footer["enough"] for footer in footers if footer.get("enough")), None),
        "dropped": _sum(footers, "dropped"),  # of older recordings
        "client": _added([footer.get("client") or {} for footer in footers]),
        "recording": _added([footer.get("recording") or {} for footer in footers]),
    }


def _sum(footers: Iterable[dict[str, Any]], name: str) -> int:
    return sum(int(footer.get(name) or 0) for footer in footers)


def _added(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Numbers added up, dicts entry by entry; of anything else the first that is there."""
    added: dict[str, Any] = {}
    for name in dict.fromkeys(name for record in records for name in record):
        values = [record[name] for record in records if record.get(name) is not None]
        if not values:
            added[name] = None
        elif all(isinstance(value, dict) for value in values):
            added[name] = _added(values)
        elif all(isinstance(value, int | float) for value in values):
            added[name] = max(values) if name in _HIGHEST else sum(values)
        else:
            added[name] = values[0]
    return added
