"""Whether the load that was asked for went out, and when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.arrival_test import arrival_test
from fastbench.metrics.begun import attempted_ns
from fastbench.metrics.common import max_concurrency
from fastbench.metrics.model import Load, Quantity
from fastbench.metrics.parameters import e2el_ns
from fastbench.metrics.selection import Rows, Selection, section
from fastbench.metrics.statistics import ArraySamples, statistics
from fastbench.metrics.timeline import InFlight
from fastbench.recording.format import FLAGS
from fastbench.units import NS_PER_MS, NS_PER_S

STATS = ("Average", "Min", "Median", "P90", "P99", "Max")


def load(selection: Selection, dropped: int) -> Load:
    """The load of the stage. dropped: requests never sent because the limit in flight was reached."""
    final, ok, streamed = selection.final, selection.ok, selection.streamed
    asked = section(selection.header, "load")
    rate = asked.get("rate")
    kind = str(asked.get("kind", "closed"))
    sent = final[final["sent_ns"] > 0]
    planned = final[final["intended_ns"] > 0]
    flight = InFlight.of(final)
    begun = planned[planned["turn"] == 0]
    is_open = kind == "open"
    return Load(
        kind=kind,
        arrival=str(asked.get("arrival") or ("constant" if kind == "open" else "concurrency")),
        peak_concurrency=flight.peak,
        steady_concurrency=_steady(flight),
        max_concurrency=max_concurrency(selection),
        configured_rate=float(rate) if isinstance(rate, int | float) else None,
        # Of what the plan has times for: when a conversation goes on, its replies decide.
        asked_rate=_rate(begun["intended_ns"]) if is_open else None,
        sent_rate=_rate(_made(begun) if is_open else sent["sent_ns"]),
        arrival_test=arrival_test(begun, asked) if is_open else None,
        send_lateness=_since_intended(sent, "sent_ns"),
        response_time=_since_intended(ok, "end_ns"),
        service_time=Quantity("ms", ok.size, statistics(ArraySamples(e2el_ns(ok)), STATS, NS_PER_MS)),
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


def _since_intended(rows: Rows, moment: str) -> Quantity:
    rows = rows[rows["intended_ns"] > 0]
    samples = ArraySamples(rows[moment] - rows["intended_ns"])
    return Quantity("ms", samples.size, statistics(samples, STATS, NS_PER_MS))


def _rate(moments_ns: NDArray[np.int64]) -> float | None:
    """req/s: intervals over the time that they span; None for fewer than two moments."""
    span = int(moments_ns.max() - moments_ns.min()) if moments_ns.size > 1 else 0
    return (moments_ns.size - 1) * NS_PER_S / span if span else None
