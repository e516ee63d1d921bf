"""How each planned request ended, and why those that failed did."""

from __future__ import annotations

import re

import numpy as np
from msgspec.structs import replace

from fastbench.metrics.coverage import coverage
from fastbench.metrics.model import Failure
from fastbench.metrics.selection import OK, Mask, Rows, Selection
from fastbench.recording.format import OUTCOMES

NOT_SENT = "not sent"
LOST = "no outcome (lost from the recording)"
UNFINISHED = "no outcome (run interrupted)"
MAX_REASONS = 20
REASON_CHARS = 60
"""Messages that agree so far are one reason: what follows is often the service's own document."""

_CANCELLED, _DROPPED = OUTCOMES.index("cancelled"), OUTCOMES.index("dropped")
_CHANGING = re.compile(r"[0-9a-fA-F]{8,}|\d+")
"""What differs between two messages of the same reason: ids, numbers, times."""


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
    """Planned requests that have no row, by what became of them; of a window none, as they may belong anywhere."""
    if selection.window is not None:
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
