"""How each planned request ended, and why requests failed."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from fastbench.metrics.model import Failure, StructuredOutput
from fastbench.metrics.samples.selection import OK, Mask, Rows, Selection
from fastbench.recording import FINISHES, FLAGS, OUTCOMES, Part, Recording, leg_of

NOT_SENT = "not sent"
LOST = "no outcome (lost from the recording)"
UNFINISHED = "no outcome (run interrupted)"
MAX_REASONS = 20
REASON_CHARS = 60
"""Messages that agree so far are one reason: what follows is often the service's own document."""

_CANCELLED, _DROPPED = OUTCOMES.index("cancelled"), OUTCOMES.index("dropped")
_CHANGING = re.compile(r"[0-9a-fA-F]{8,}|\d+")
"""The parts that differ between messages of the same reason: ids, numbers, times."""


_WITHOUT_ROW = {
    "dropped": "no slot was free when it was due",
    "cancelled": "the run ended before it was sent",
    LOST: "its row in the recording is damaged or was never written",
    UNFINISHED: "the run was interrupted before it ended",
}


_SHOWN = {"dropped": NOT_SENT, "cancelled": NOT_SENT}


def is_not_sent(rows: Rows) -> Mask:
    """(rows,): which requests never went out. One whose connection was refused did not either, but failed."""
    mask: Mask = (rows["sent_ns"] == 0) & ((rows["outcome"] == _DROPPED) | (rows["outcome"] == _CANCELLED))
    return mask


def is_failed(rows: Rows) -> Mask:
    """(rows,): which failed; one that the client cut off did not, nor one that it never sent."""
    mask: Mask = (rows["outcome"] != OK) & (rows["outcome"] != _CANCELLED) & (rows["outcome"] != _DROPPED)
    return mask


def count_not_sent(selection: Selection) -> int:
    """How many requests never went out, with and without a row."""
    without = without_row(selection)
    rows = int(np.count_nonzero(is_not_sent(selection.final)))
    return rows + without.get("dropped", 0) + without.get("cancelled", 0)


def structured_output(selection: Selection) -> StructuredOutput | None:
    """How many replies are of the structure that was asked for; None where none was checked."""
    found = selection.recording.structured
    checked = selection.ok_mask & found.known
    if not checked.any():
        return None
    wrong = Counter(found.faults.get(row, "") for row in np.flatnonzero(checked & ~found.valid).tolist())
    return StructuredOutput(
        int(np.count_nonzero(checked)), int(np.count_nonzero(checked & found.valid)), dict(wrong.most_common())
    )


def count_failed(selection: Selection) -> int:
    """How many requests failed; what was never sent, cut off or lost did not."""
    return int(np.count_nonzero(is_failed(selection.final)))


def outcomes(selection: Selection) -> dict[str, int]:
    """Requests by outcome, in the outcomes' own order; the sum is the number planned, or that begun in the window."""
    counts = np.bincount(selection.final["outcome"], minlength=len(OUTCOMES)).tolist()
    found = dict(zip(OUTCOMES, counts, strict=True))
    for name, count in without_row(selection).items():
        found[name] = found.get(name, 0) + count
    return {name: count for name, count in found.items() if count or name == "ok"}


def without_row(selection: Selection) -> dict[str, int]:
    """Planned requests without a row, by outcome; none for a window or a class, as they may belong anywhere."""
    if selection.window is not None or selection.class_number is not None:
        return {}
    found = coverage(selection)
    return {"dropped": found.dropped, "cancelled": found.cancelled, LOST: found.lost, UNFINISHED: found.unfinished}


def failures(selection: Selection) -> tuple[Failure, ...]:
    """The requests that did not end well by reason, the most frequent first; at most 20 reasons, the rest as one."""
    groups: dict[tuple[str, int, str], list[int]] = {}
    failed = np.flatnonzero(selection.final_mask & ~selection.ok_mask)
    messages = selection.recording.messages
    rows = selection.rows[failed]
    names = np.where(is_not_sent(rows), NOT_SENT, np.array(OUTCOMES)[rows["outcome"]])
    for index, outcome, status in zip(failed.tolist(), names.tolist(), rows["status"].tolist(), strict=True):
        message = messages.get(index, b"").decode("utf-8", "replace")
        reason = _CHANGING.sub("#", message)[:REASON_CHARS]
        groups.setdefault((outcome, status, reason), []).append(index)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    shown = [
        Failure(outcome, status, len(indices), _first_message(selection, indices))
        for (outcome, status, _), indices in ranked[:MAX_REASONS]
    ]
    rest = sum(len(indices) for _, indices in ranked[MAX_REASONS:])
    if rest:
        shown.append(Failure("others", 0, rest, f"{len(ranked) - MAX_REASONS} further reasons"))
    without = [
        Failure(_SHOWN.get(name, name), 0, count, _WITHOUT_ROW[name])
        for name, count in without_row(selection).items()
        if count
    ]
    return tuple(_with_alike(shown, without))


def _with_alike(shown: list[Failure], without: list[Failure]) -> list[Failure]:
    """Both, those that ended alike together: of the same requests some have a row and some were never made."""
    counts = {(one.outcome, one.message): one.count for one in without}
    together = [replace(one, count=one.count + counts.pop((one.outcome, one.message), 0)) for one in shown]
    return together + [one for one in without if (one.outcome, one.message) in counts]


def _first_message(selection: Selection, indices: list[int]) -> str:
    """The message of the lowest request number: the order of finishing is chance."""
    first = min(indices, key=lambda index: int(selection.rows["request"][index]))
    return selection.recording.messages.get(first, b"").decode("utf-8", "replace")


class Coverage(NamedTuple):
    """Requests without a row, by outcome. lost:

    their rows are damaged or were never written; unfinished: the run was interrupted before they ended. ended: whether
    the run has an end. exact: whether `unfinished` is all of them; else it is what is known at least.
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
    if whole.asked.planned:
        return Coverage(dropped, cancelled, lost, rest - cancelled, ended=footer is not None, exact=True)
    open_parts = _without_end(recording)
    unfinished = max(0, sum(map(_in_flight, open_parts)) - lost)
    return Coverage(dropped, cancelled, lost, unfinished, ended=not open_parts, exact=not open_parts)


def _planned(whole: Selection) -> int:
    """The number of measured requests that were to be sent; 0 if neither end of the run knew it."""
    return _count(whole.recording.footer or {}, "planned") or whole.asked.planned or 0


def _without_end(recording: Recording) -> list[Part]:
    """The parts whose writer was killed; what an earlier leg left open, the next one asked for again."""
    last = max(map(leg_of, recording.parts))
    return [part for part in recording.parts if leg_of(part) == last and part.footer is None]


def _in_flight(part: Part) -> int:
    """Requests that were in flight at the part's last health record and have no row."""
    if not part.health:
        return 0
    last, rows = part.health[-1], part.table.rows
    moment = int(last.get("t_ns", 0))
    recorded = (rows["flags"] & FLAGS["superseded"] == 0) & (rows["sent_ns"] > 0)
    recorded &= (rows["sent_ns"] <= moment) & (rows["end_ns"] > moment)
    return max(0, int(last.get("in_flight", 0)) - int(np.count_nonzero(recorded)))


def _count(record: dict[str, object], name: str) -> int:
    value = record.get(name)
    return value if isinstance(value, int) else 0


def finish_reasons(selection: Selection) -> dict[str, int]:
    """Requests that have one by finish reason, the most frequent first; failed ones too."""
    chosen = np.flatnonzero(selection.final_mask & (selection.rows["finish"] > 0))
    own = selection.recording.finishes
    counts: dict[str, int] = {}
    codes, amounts = np.unique(selection.rows["finish"][chosen], return_counts=True)
    for code, amount in zip(codes.tolist(), amounts.tolist(), strict=True):
        counts[FINISHES[code]] = amount
    if own:
        counts.pop("other", None)
        for index in chosen[selection.rows["finish"][chosen] == FINISHES.index("other")].tolist():
            word = own.get(index, "other")
            counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
