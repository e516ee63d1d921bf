"""Whether the load that was asked for went out, when, and how evenly."""

from __future__ import annotations

import itertools
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.fidelity.arrival_fit import arrival_fit
from fastbench.metrics.fidelity.sends import attempted_ns
from fastbench.metrics.metric import Metric
from fastbench.metrics.model import Load, Quantity
from fastbench.metrics.own import E2EL, RESPONSE_TIME
from fastbench.metrics.samples.selection import Rows, Selection
from fastbench.metrics.samples.statistics import ArraySamples, statistics
from fastbench.metrics.samples.timeline import InFlight
from fastbench.recording import FLAGS
from fastbench.units import NS_PER_MS, NS_PER_S

STATS = ("Average", "Min", "Median", "P90", "P99", "Max")


def load(selection: Selection, dropped: int) -> Load:
    """The load of the stage. dropped: requests never sent because the limit in flight was reached."""
    final, streamed = selection.final, selection.streamed
    asked = selection.asked
    sent = final[final["sent_ns"] > 0]
    planned = final[final["intended_ns"] > 0]
    flight = InFlight.of(final)
    begun = planned[planned["turn"] == 0]
    return Load(
        kind=asked.kind,
        arrival=asked.arrival,
        peak_concurrency=flight.peak,
        steady_concurrency=_steady(flight),
        max_concurrency=asked.limit,
        configured_rate=asked.rate,
        # Of what the plan has times for: when a conversation goes on, its replies decide.
        asked_rate=_rate(begun["intended_ns"]) if asked.is_open else None,
        sent_rate=_rate(_made(begun) if asked.is_open else sent["sent_ns"]),
        arrival_fit=arrival_fit(begun, asked) if asked.is_open else None,
        send_lateness=_since_intended(sent, "sent_ns"),
        response_time=_quantity(RESPONSE_TIME, selection),
        service_time=_quantity(E2EL, selection),
        ttft_from_intended=_since_intended(streamed, "first_token_ns"),
        dropped=dropped,
        resent_requests=int(np.count_nonzero(final["flags"] & FLAGS["resent"])),
        retried_requests=int(np.count_nonzero(final["attempt"])),
        failed_attempts=selection.failed_attempts,
    )


def _made(rows: Rows) -> NDArray[np.int64]:
    """When each was sent, or tried: that the service refused it is not the load's fault."""
    moments = attempted_ns(rows)
    return moments[moments > 0]


def _steady(flight: InFlight) -> float | None:
    """The mean number in flight after the ramp, before the drain."""
    numbers = flight.at_starts()
    if not numbers.size:
        return None
    return flight.mean(int(flight.starts[np.argmax(numbers)]), int(flight.starts[-1]))


def _quantity(metric: Metric, selection: Selection) -> Quantity:
    samples = metric.samples_of(selection)
    return Quantity(metric.unit, samples.size, statistics(samples, STATS, metric.scale))


def _since_intended(rows: Rows, moment: str) -> Quantity:
    rows = rows[rows["intended_ns"] > 0]
    samples = ArraySamples(rows[moment] - rows["intended_ns"])
    return Quantity("ms", samples.size, statistics(samples, STATS, NS_PER_MS))


def _rate(moments_ns: NDArray[np.int64]) -> float | None:
    """req/s: intervals over the time that they span; None for fewer than two moments."""
    span = int(moments_ns.max() - moments_ns.min()) if moments_ns.size > 1 else 0
    return (moments_ns.size - 1) * NS_PER_S / span if span else None


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
