"""What the client can have changed: its part of the load, its start, and the latencies by their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.begun import begun_ns, first_wave, fresh_slots
from fastbench.metrics.model import ClientEffect, Load, Parameter
from fastbench.metrics.selection import Mask, Selection, flagged
from fastbench.metrics.statistics import ArraySamples, percentile
from fastbench.metrics.uncertainty import off_ms
from fastbench.units import NS_PER_MS

SHOWN = ("Median", "P99")


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
        """Those that were sent on a slot which another request had left."""
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


def client_effect(selection: Selection, load: Load, sent: Sends, latencies: Sequence[Parameter]) -> ClientEffect:
    """What stands beside the verdict, and what it is made of. latencies: rows with the statistics in SHOWN."""
    closed = load.kind == "closed"
    share = _slot_share(sent) if closed else None
    whole = selection.window is None and closed and load.arrival == "concurrency"
    ramp, own_ramp = _ramp(sent) if whole else (None, None)
    lateness = percentile(ArraySamples(sent.late_ns), 99)
    rows = [row for row in latencies if row.name in ("TTFT", "ITL") and row.samples]
    return ClientEffect(
        off_ms={row.name: {name: off_ms(row, name) for name in SHOWN} for row in rows},
        bounds={row.name: {name: row.bounds[name] for name in SHOWN} for row in rows if row.bounds},
        load_share=share if closed else _withheld(load),
        slot_share=share,
        ramp_ms=ramp,
        own_ramp_ms=own_ramp,
        first_wave=int(np.count_nonzero(sent.wave)),
        lateness_ms=None if lateness is None else lateness / NS_PER_MS,
    )


def _slot_share(sent: Sends) -> float | None:
    """The part of the slots' time that the client took: none of it before a slot's first request."""
    late, lasted = (int(part_ns[sent.again].sum()) for part_ns in (sent.late_ns, sent.lasted_ns))
    return late / (late + lasted) if late + lasted else None


def _ramp(sent: Sends) -> tuple[float, float] | tuple[None, None]:
    """How long it took until all slots were in flight, and how long it took the client, ms."""
    wave = sent.wave & (sent.sent_ns > 0)
    if not wave.any():
        return None, None
    moments = sent.sent_ns[wave], sent.begun_ns[wave]
    ramp, own = (int(moment.max() - moment.min()) / NS_PER_MS for moment in moments)
    return ramp, own


def _withheld(load: Load) -> float | None:
    """By how much fewer requests a second were sent than asked."""
    if not load.asked_rate or load.sent_rate is None:
        return None
    return max(0.0, 1 - load.sent_rate / load.asked_rate)
