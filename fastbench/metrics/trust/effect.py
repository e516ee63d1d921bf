"""What the client can have changed: its part of the load, its start, and the latencies by their bounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastbench.metrics.fidelity.sends import Sends
from fastbench.metrics.model import ClientEffect, Load, Parameter
from fastbench.metrics.own import ITL, TTFT
from fastbench.metrics.samples.bounds import off_ms
from fastbench.metrics.samples.selection import Selection
from fastbench.metrics.samples.statistics import ArraySamples, percentile
from fastbench.units import NS_PER_MS

SHOWN = ("Median", "P99")
_ROWS = (TTFT.name, ITL.name)


def client_effect(selection: Selection, load: Load, sent: Sends, latencies: Sequence[Parameter]) -> ClientEffect:
    """What stands beside the verdict, and what it is made of. latencies: rows with the statistics in SHOWN."""
    closed = load.kind == "closed"
    share = _slot_share(sent) if closed else None
    whole = selection.window is None and closed and load.arrival == "concurrency"
    ramp, own_ramp = _ramp(sent) if whole else (None, None)
    lateness = percentile(ArraySamples(sent.late_ns), 99)
    rows = [row for row in latencies if row.name in _ROWS and row.samples]
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
