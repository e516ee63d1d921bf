"""Whether the load that was asked for went out, and when."""

from __future__ import annotations

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
