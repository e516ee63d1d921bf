"""When the client did its part of a send, whatever the service took to let it go out; and whose slot it used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.selection import Mask, Rows, Selection, section
from fastbench.recording.format import OUTCOMES

Moments = NDArray[np.int64]
REFUSED = OUTCOMES.index("refused")


def begun_ns(selection: Selection) -> Moments:
    """(final rows,): when the client set about sending, ns; 0 for what it never tried.

    A connection that the service accepts late or refuses is the service's doing: where the request waited for one, the
    moment is that at which the client had asked for it. Over TLS encrypting is the client's own work, and counts.
    """
    rows = selection.final
    tried = rows["tried_ns"]
    sent = rows["sent_ns"] - rows["connect_ns"]
    if not section(selection.header, "service").get("tls"):
        sent = np.where(tried > 0, tried, sent)
    return np.asarray(np.where(rows["sent_ns"] > 0, sent, attempted_ns(rows)), np.int64)


def attempted_ns(rows: Rows) -> Moments:
    """(rows,): when each was sent, or tried where it was refused; 0 for what was not tried."""
    # Recordings from before attempts had a moment: one that was refused was made, and nothing says that it was late.
    refused = np.where(rows["outcome"] == REFUSED, rows["intended_ns"], 0)
    tried = np.where(rows["tried_ns"] > 0, rows["tried_ns"], refused)
    return np.asarray(np.where(rows["sent_ns"] > 0, rows["sent_ns"], tried), np.int64)


def fresh_slots(selection: Selection, limit: int | None) -> Mask:
    """(final rows,): which requests of a closed loop took a slot that none had used before, at most `limit` for each
    time that the run began or was continued."""
    rows = selection.final
    fresh: Mask = (rows["turn"] == 0) & (rows["intended_ns"] > 0)
    if selection.recording.axis.hosts == 1:
        # A slot is free when a message ended, to the nanosecond. Older recordings have but the reply's end.
        every = selection.rows
        fresh &= ~np.isin(rows["intended_ns"], np.concatenate((every["message_ns"], every["end_ns"])))
        return fresh
    return _earliest(rows, fresh, limit)


def first_wave(selection: Selection, fresh: Mask, limit: int | None) -> Mask:
    """(final rows,): those of them by which the run began."""
    rows = selection.final
    resumed = [int(part.header.get("resumes_ns") or 0) for part in selection.recording.parts]
    before = min((moment for moment in resumed if moment > 0), default=np.iinfo(np.int64).max)
    return _earliest(rows, fresh & (rows["intended_ns"] < before), limit)


def _earliest(rows: Rows, among: Mask, limit: int | None) -> Mask:
    found = np.flatnonzero(among)
    if limit is not None:
        found = found[np.argsort(rows["intended_ns"][found], kind="stable")[:limit]]
    earliest = np.zeros(rows.size, bool)
    earliest[found] = True
    return earliest
