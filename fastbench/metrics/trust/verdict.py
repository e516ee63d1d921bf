"""Whether a run's numbers may be used as they stand, by what the client had an effect on: the rules of the definition.

Effects of the service do not count; raw figures such as stalls or lateness are causes, not effects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.fidelity.sends import Sends
from fastbench.metrics.metric import Metric
from fastbench.metrics.model import ClientEffect, ClientError, Load, Number, Parameter, Reason, Verdict
from fastbench.metrics.own import E2EL, TTFT
from fastbench.metrics.samples.bounds import JUDGED, LEAST_MS, off_ms
from fastbench.metrics.samples.selection import Selection
from fastbench.metrics.samples.timeline import InFlight
from fastbench.metrics.server.outcomes import Coverage
from fastbench.metrics.trust.client import Stalls
from fastbench.metrics.trust.cold import CACHED_SHARE, beyond_plan
from fastbench.units import NS_PER_MS
from fastbench.verdict_limits import lateness_limit_ms

SLOT_SHARE = 0.01
TURNAROUND_NS = 100_000
"""The time that a client may need between two requests even if replies are hardly longer."""
RAMP_SHARE, RAMP_MS = 0.1, 50.0
SHORT_START = 0.01
"""Of the run's time: a start no longer than that changes nothing where replies are shorter than it."""
RATE_SHARE = 0.01
DROPPED_SHARE = 0.001
STALL_US = 3_500
"""An iteration of the reactor that takes longer is recorded as a stall."""
MOST = 0.5
"""A cause is named where it explains so much of an effect."""
BUSY = 0.9
"""From this share of its time on the thread that sends and reads has no room left."""
NEARLY = 0.95
"""Of the limit in flight: workers that share it reach theirs one by one."""
_NAMED = 2
"""So many statistics are named beside the worst; of more it is said how many, as each is marked."""
_ROOM = "give the client a processor of its own, or measure from another machine"
_URGENT = (
    "let fastbench's thread run as a real-time one (docs/performance.md), or give the client a processor of its own"
)


class Judged(NamedTuple):
    """The input of the verdict on a stage.

    latencies: rows with the statistics in JUDGED. covered: of the whole run, as a request without a row has no known
    stage. planned, success: requests of the stage. length_ms: the stage's.
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

    def median(self, metric: Metric) -> Number:
        """The median of a latency, ms."""
        return next((row.values["Median"] for row in self.latencies if row.name == metric.name), None)


def verdict(run: Judged) -> Verdict:
    """The verdict with all of its reasons."""
    reasons = tuple(_known(run))
    # Where nothing was measured there is nothing that the client can have changed.
    if run.success:
        reasons += (
            *_latencies(run),
            *_dropped(run),
            *(_open_loop(run) if run.load.kind == "open" else _closed_loop(run)),
            *_cached(run),
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
    again = "resume it with perf --reuse, or measure again"
    if covered.unfinished:
        least = "" if covered.exact else "At least "
        have = "1 request has" if covered.unfinished == 1 else f"{covered.unfinished} requests have"
        yield Reason(f"{least}{have} no outcome", end, again)
    elif not covered.ended:
        yield Reason("Requests may have no outcome", end, again)


def _requests(count: int) -> str:
    return "1 request is" if count == 1 else f"{count} requests are"


def _latencies(run: Judged) -> Iterator[Reason]:
    """The statistic that may be off by most, and the names of the others."""
    found = [(row, name) for row in run.latencies for name in JUDGED if name in row.unsure]
    found.sort(key=lambda one: off_ms(*one) / max(one[0].values[one[1]] or 0, LEAST_MS), reverse=True)
    if not found:
        return
    (row, name), *others = found
    low, high = row.bounds[name]
    also = f", and {_also(others)} may be off too" if others else ""
    yield Reason(
        f"{row.name} {name} may be anything from {low:.4f} to {high:.4f} ms{also}",
        *of_reading(run.selection, run.client),
    )


def _also(others: Sequence[tuple[Parameter, str]]) -> str:
    if len(others) > _NAMED:
        return f"{len(others)} more statistics (~)"
    return ", ".join(f"{row.name} {name}" for row, name in others)


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
    ramp, median = run.effect.own_ramp_ms, run.median(E2EL)
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
    limit = lateness_limit_ms(run.median(TTFT))
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
    if load.arrival_fit is not None and not load.arrival_fit.follows:
        yield Reason(f"The sent arrivals do not follow the requested process ({load.arrival})", *_why_late(run, late))


def _cached(run: Judged) -> Iterator[Reason]:
    share = beyond_plan(run.selection)
    if share is not None and share > CACHED_SHARE:
        yield Reason(
            f"{share:.2%} of the input tokens came from the service's prefix cache, where the plan has new prompts",
            "another client has sent the same ones, or the service counts what it adds to them",
            "reset its cache (--reset-cache auto) and measure it alone, or ask for what they share (--shared-prefix)",
        )


def _why_late(run: Judged, late_ns: NDArray[np.int64]) -> Cause:
    return of_sending(run.sent, late_ns, run.selection, run.load, run.client)


class Cause(NamedTuple):
    """A cause and its remedy: clauses without a capital or a full stop."""

    why: str
    remedy: str


def limit_reached(load: Load) -> Cause:
    """The limit in flight was reached."""
    most = "" if load.max_concurrency is None else f" of {load.max_concurrency}"
    return Cause(f"the limit{most} in flight was reached", "raise --concurrency or lower --rate")


def of_reading(selection: Selection, client: ClientError) -> Cause:
    """Why the client read several events at once."""
    marks = selection.marks()
    blur = marks["count"].astype(np.float64) * marks["bound_us"]
    if client.stalls and blur[marks["bound_us"] > STALL_US].sum() >= MOST * blur.sum():
        return _stalled(client)
    return _slow(client, "read")


def of_sending(sent: Sends, late_ns: NDArray[np.int64], selection: Selection, load: Load, client: ClientError) -> Cause:
    """Why requests went out late. late_ns: (n,), by how much each counts."""
    total = max(1, int(late_ns.sum()))

    def explains(part_ns: NDArray[np.int64]) -> bool:
        return int(part_ns.sum()) >= MOST * total

    if load.kind == "open" and explains(np.where(_at_limit(sent, selection, load), late_ns, 0)):
        return limit_reached(load)
    if client.stalls and explains(np.minimum(late_ns, Stalls.of(selection).within(sent.intended_ns, sent.begun_ns))):
        return _stalled(client)
    if explains(np.where(sent.starved, late_ns, 0)):
        return _starved(client)
    return _slow(client, "sent")


def _at_limit(sent: Sends, selection: Selection, load: Load) -> NDArray[np.bool_]:
    """(n,): which were due when the limit in flight was reached."""
    if load.max_concurrency is None:
        return np.zeros(sent.intended_ns.size, bool)
    flight = InFlight.of(selection.final)
    begun, ended = (np.searchsorted(moments, sent.intended_ns, side="right") for moments in flight)
    full: NDArray[np.bool_] = begun - ended >= NEARLY * load.max_concurrency
    if selection.final["session"].any():
        # A conversation keeps its place between its turns.
        full |= load.peak_concurrency >= NEARLY * load.max_concurrency
    return full


def _stalled(client: ClientError) -> Cause:
    times = "once" if client.stalls == 1 else f"{client.stalls} times"
    longest = "" if client.stalls == 1 else f", the longest {client.stall_longest_ms:.1f} ms"
    why = f"the client was stopped or had no processor {times}, {client.stall_total_ms:.1f} ms in all{longest}"
    return Cause(why, _processor(client))


def _starved(client: ClientError) -> Cause:
    requests = "1 request was" if client.starved == 1 else f"{client.starved} requests were"
    return Cause(
        f"{requests} not prepared when due",
        "use more --workers, or prompts that are made faster: shorter ones, or finished ones from a --dataset file",
    )


def _slow(client: ClientError, what: str) -> Cause:
    """The thread itself was late, without a recorded stall or starvation."""
    busy = client.busy_share
    if busy is not None and busy >= BUSY:
        return Cause(
            f"the thread that sends and reads was busy for {busy:.0%} of the time",
            "use more --workers, or a lower load",
        )
    why = f"the client's thread did not get a processor in time, and {what} late"
    return Cause(why, _processor(client))


def _processor(client: ClientError) -> str:
    """The remedy for a late thread: real-time priority, unless it had it."""
    share = client.real_time_share
    return _URGENT if share is not None and share < MOST else _ROOM
