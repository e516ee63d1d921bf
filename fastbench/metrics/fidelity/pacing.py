"""How evenly requests begin: the intervals between their starts, and those that stand out."""

from __future__ import annotations

import itertools
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.samples.selection import Rows, Selection
from fastbench.metrics.samples.timeline import InFlight
from fastbench.units import NS_PER_MS, NS_PER_S

SHORT_NS = NS_PER_MS
"""An interval below it is an anomaly, unless more than half of what was asked for is as short."""
OFF_SHARE = 0.5
"""So is one that differs from what was asked for by more than this share of it."""
_POINTS = ((1_000, 20), (10_000, 50), (100_000, 100))
_MOST_POINTS = 200

Moments = NDArray[np.int64]
Floats = NDArray[np.float64]


class Kind(IntEnum):
    """What an interval is."""

    NORMAL = 0
    SHORT = 1
    BURST = 2


class Starts(NamedTuple):
    """When requests began, or the clients of a load that adds them one by one: rising, ns. planned, sent: (n,)."""

    planned: Moments
    sent: Moments


def starts_of(selection: Selection) -> Starts:
    """As a run was planned and as it went; a conversation begins with its first turn."""
    rows = selection.final[(selection.final["turn"] == 0) & (selection.final["intended_ns"] > 0)]
    if selection.asked.adds_clients:
        rows = _first_of_clients(rows)
    sent = rows["sent_ns"]
    return Starts(np.sort(rows["intended_ns"]), np.sort(sent[sent > 0]))


def _first_of_clients(rows: Rows) -> Rows:
    """A client's next request is due when its last one ended: one that makes more be under way than ever before is a
    new client's."""
    begun = rows[rows["end_ns"] > 0]
    begun = begun[np.argsort(begun["intended_ns"], kind="stable")]
    under_way = InFlight(begun["intended_ns"], np.sort(begun["end_ns"])).at_starts()
    return begun[np.diff(np.maximum.accumulate(under_way), prepend=0) > 0]


def kinds(starts_ns: Moments, rates: Floats, burstiness: float) -> NDArray[np.uint8]:
    """(n - 1,) of `Kind`: what each interval is. rates: (n,), asked for at each start, per second.

    Without scatter (burstiness 0) only what is short stands out.
    """
    asked = NS_PER_S / rates[1:]
    intervals = np.diff(starts_ns)
    found = np.full(intervals.size, Kind.NORMAL, np.uint8)
    if burstiness:
        found[np.abs(intervals - asked) > OFF_SHARE * asked] = Kind.BURST
    found[intervals < np.minimum(SHORT_NS, asked / 2)] = Kind.SHORT
    return found


def smoothed(starts_ns: Moments) -> tuple[Floats, int]:
    """The rate after each interval, (n - 1,) per second, and over how many points it is smoothed.

    The inverse of the intervals' exponentially weighted mean with weight 2 / (points + 1), because the mean of the
    inverse intervals is no rate.
    """
    points = next((points for most, points in _POINTS if starts_ns.size <= most), _MOST_POINTS)
    weight = 2 / (points + 1)
    means = itertools.accumulate(np.diff(starts_ns).tolist(), lambda mean, value: mean + weight * (value - mean))
    intervals = np.fromiter(means, np.float64, max(starts_ns.size - 1, 0))
    return NS_PER_S / np.maximum(intervals, 1.0), points
