"""The client's part of each send, without what the service took to accept it; and which slot it used."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.model import Load
from fastbench.metrics.samples.selection import Mask, Rows, Selection, flagged, section
from fastbench.recording import OUTCOMES

Moments = NDArray[np.int64]
REFUSED = OUTCOMES.index("refused")


def begun_ns(selection: Selection) -> Moments:
    """(final rows,): when the client began to send, ns; 0 if it never tried.

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
    start of the run."""
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


class Sends(NamedTuple):
    """The requests that were tried, of those that the plan has a time for. (n,) each.

    intended_ns, begun_ns: when a request was due, and when the client set about it. fresh: those that took a slot of a
    closed loop for the first time, wave: those of them by which the run began. starved: those that were not prepared in
    time. lasted_ns: how long each was in flight.
    """

    intended_ns: NDArray[np.int64]
    begun_ns: NDArray[np.int64]
    sent_ns: NDArray[np.int64]
    fresh: Mask
    wave: Mask
    starved: Mask
    lasted_ns: NDArray[np.int64]

    @property
    def late_ns(self) -> NDArray[np.int64]:
        """By how much the client itself was late."""
        return np.asarray(np.maximum(self.begun_ns - self.intended_ns, 0), np.int64)

    @property
    def again(self) -> Mask:
        """The requests sent on a slot that another request had left."""
        sent: Mask = ~self.fresh & (self.sent_ns > 0)
        return sent


def sends(selection: Selection, load: Load) -> Sends:
    """Of the stage."""
    rows, begun = selection.final, begun_ns(selection)
    fresh = wave = np.zeros(rows.size, bool)
    if load.kind == "closed":
        fresh = fresh_slots(selection, load.max_concurrency)
        wave = first_wave(selection, fresh, load.max_concurrency)
    tried = (begun > 0) & (rows["intended_ns"] > 0)
    lasted = np.where((rows["sent_ns"] > 0) & (rows["end_ns"] > 0), rows["end_ns"] - rows["sent_ns"], 0)
    return Sends(
        rows["intended_ns"][tried],
        begun[tried],
        rows["sent_ns"][tried],
        fresh[tried],
        wave[tried],
        flagged(rows, "starved")[tried],
        lasted[tried],
    )
