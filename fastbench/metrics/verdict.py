"""Whether a run's numbers may be used as they stand, by what the client had an effect on: the rules of the definition.

What the service did is never held against the client; raw figures such as stalls or lateness are causes, not effects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.causes import MOST, Cause, limit_reached, of_reading, of_sending
from fastbench.metrics.coverage import Coverage
from fastbench.metrics.effect import Sends
from fastbench.metrics.model import ClientEffect, ClientError, Load, Number, Parameter, Reason, Verdict
from fastbench.metrics.selection import Selection
from fastbench.metrics.uncertainty import JUDGED, LEAST_MS, off_ms
from fastbench.units import NS_PER_MS

SLOT_SHARE = 0.01
TURNAROUND_NS = 100_000
"""What a client needs between two requests at most; replies that take hardly longer do not make it too slow."""
RAMP_SHARE, RAMP_MS = 0.1, 50.0
SHORT_START = 0.01
"""Of the run's time: a start no longer than that changes nothing where replies are shorter than it."""
LATENESS_MS, LATENESS_SHARE = 1.0, 0.01
RATE_SHARE = 0.01
DROPPED_SHARE = 0.001


class Judged(NamedTuple):
    """What the verdict on a stage is made of.

    latencies: rows with the statistics in JUDGED. covered: of the whole run, as nobody knows in which stage a request
    without a row belongs. planned, success: requests of the stage. length_ms: the stage's.
    """

    selection: Selection
    latencies: Sequence[Parameter]
    load: Load
    client: ClientError
    effect: ClientEffect
    sent: Sends
    covered: Coverage
    planned: int
    success: int
    length_ms: float

    def median(self, row: str) -> Number:
        """The median of a latency, ms."""
        return next((found.values["Median"] for found in self.latencies if found.name == row), None)


def verdict(run: Judged) -> Verdict:
    """The verdict with all of its reasons."""
    reasons = tuple(_known(run))
    # Where nothing was measured there is nothing that the client can have changed.
    if run.success:
        reasons += (
            *_latencies(run),
            *_dropped(run),
            *(_open_loop(run) if run.load.kind == "open" else _closed_loop(run)),
        )
    return Verdict(not reasons, reasons)


def _known(run: Judged) -> Iterator[Reason]:
    covered = run.covered
    if not run.success:
        yield Reason(
            "Nothing was measured",
            "no request succeeded" if run.planned else "no request was sent",
            "see what the service answered, under Failed Requests" if run.planned else "see the log of the task",
        )
    if covered.lost:
        yield Reason(
            f"{_requests(covered.lost)} lost from the recording",
            "a part of it is damaged or was never written",
            "see the notes for where, and measure again",
        )
    end = "the run has no end: it was killed, or is still going"
    again = "continue it by perf --reuse, or measure again"
    if covered.unfinished:
        least = "" if covered.exact else "At least "
        have = "1 request has" if covered.unfinished == 1 else f"{covered.unfinished} requests have"
        yield Reason(f"{least}{have} no outcome", end, again)
    elif not covered.ended:
        yield Reason("Requests may have no outcome", end, again)


def _requests(count: int) -> str:
    return "1 request is" if count == 1 else f"{count} requests are"


def _latencies(run: Judged) -> Iterator[Reason]:
    """The one that may be off by most, and the names of the others."""
    found = [(row, name) for row in run.latencies for name in JUDGED if name in row.unsure]
    found.sort(key=lambda one: off_ms(*one) / max(one[0].values[one[1]] or 0, LEAST_MS), reverse=True)
    if not found:
        return
    (row, name), *others = found
    low, high = row.bounds[name]
    also = f", and {', '.join(f'{row.name} {name}' for row, name in others)} may be off too" if others else ""
    yield Reason(
        f"{row.name} {name} may be anything from {low:.4f} to {high:.4f} ms{also}",
        *of_reading(run.selection, run.client),
    )


def _dropped(run: Judged) -> Iterator[Reason]:
    dropped = run.load.dropped
    if dropped > DROPPED_SHARE * run.planned:
        were = "1 request was" if dropped == 1 else f"{dropped} requests were"
        yield Reason(f"{were} dropped", *limit_reached(run.load))


def _closed_loop(run: Judged) -> Iterator[Reason]:
    share, sent = run.effect.slot_share, run.sent
    late = np.where(sent.again, sent.late_ns, 0)
    if share is not None and share > SLOT_SHARE and int(late.sum()) > TURNAROUND_NS * np.count_nonzero(sent.again):
        yield Reason(f"The client left its slots empty for {share:.2%} of their time", *_why_late(run, late))
    ramp, median = run.effect.own_ramp_ms, run.median("E2EL")
    if ramp is None or not median or ramp <= max(RAMP_MS, RAMP_SHARE * median):
        return
    if ramp > median and ramp <= SHORT_START * run.length_ms:
        return
    slots = f"until all {run.effect.first_wave} slots were in flight"
    yield Reason(f"It took {ramp:.1f} ms, {ramp / median:.0%} of the median E2EL, {slots}", *_why_slow(run, ramp))


def _why_slow(run: Judged, ramp_ms: float) -> Cause:
    """Why the start took so long."""
    wave = run.sent.wave
    planned_ms = int(np.ptp(run.sent.intended_ns[wave])) / NS_PER_MS
    if planned_ms >= MOST * ramp_ms:
        return Cause(
            f"slots open one after the other, these within {planned_ms:.1f} ms",
            "use more --workers, which open theirs side by side, or a lower --concurrency",
        )
    return _why_late(run, np.where(wave, run.sent.late_ns, 0))


def _open_loop(run: Judged) -> Iterator[Reason]:
    load, sent, lateness = run.load, run.sent, run.effect.lateness_ms
    limit = max(LATENESS_MS, LATENESS_SHARE * (run.median("TTFT") or 0))
    late = sent.late_ns
    if lateness is not None and lateness > limit:
        beyond = np.where(late > limit * NS_PER_MS, late, 0)
        yield Reason(
            f"Requests were sent late, P99 {lateness:.4f} ms with {limit:.4f} ms allowed", *_why_late(run, beyond)
        )
    if load.asked_rate and load.sent_rate:
        off = load.sent_rate / load.asked_rate - 1
        if abs(off) > RATE_SHARE:
            yield Reason(
                f"Requests were sent at {load.sent_rate:.4f}/s, {off:+.2%} off the {load.asked_rate:.4f}/s asked",
                *(limit_reached(load) if load.dropped else _why_late(run, late)),
            )
    if load.arrival_test is not None and not load.arrival_test.follows:
        yield Reason(f"The sent arrivals do not follow the asked process ({load.arrival})", *_why_late(run, late))


def _why_late(run: Judged, late_ns: NDArray[np.int64]) -> Cause:
    return of_sending(run.sent, late_ns, run.selection, run.load, run.client)
