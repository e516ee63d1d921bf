"""What a slice has shown, and which of its numbers the client has blurred."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from fastbench.answers.comparison import DECILES, NO_BLUR, Origin, RunSummary, summarize
from fastbench.answers.statistics import Interval
from fastbench.api.judging import NOTHING_MORE
from fastbench.api.limits import NO_CONNECTION
from fastbench.errors import UsageError
from fastbench.metrics import Metrics, Rows, compute_for_page
from fastbench.metrics.samples import TOTAL
from fastbench.recording import FLAGS, NOT_FINAL, OUTCOMES, Recording
from fastbench.units import NS_PER_MS, NS_PER_S

_JUDGED = ("Average", "Median", "P90")
"""The statistics by which a measurement is called INVALID."""
_OK = OUTCOMES.index("ok")


class Measured(NamedTuple):
    """A slice. fault: why none of its numbers counts, "" = they do. blurs: by (name, statistic) of a latency, by how
    much its logarithm may be off since the client read late."""

    summary: RunSummary
    fault: str
    blurs: dict[tuple[str, str], Interval]

    @property
    def e2el_ns(self) -> float:
        """The median."""
        found = self.summary.distributions.get("E2EL")
        return 0.0 if found is None else found.points["P50"] * NS_PER_MS


def measured(recording: Recording, name: str, source: str, stats: Sequence[str], stage: str) -> Measured:
    """What a slice has shown. name: of its recording; source: its service; stage: where the slice has no such, all of
    it counts."""
    names = tuple(dict.fromkeys((*stats, *DECILES, *_JUDGED)))
    try:
        computed = compute_for_page(recording, names, stage)
    except UsageError:  # all slots were never in use twice
        computed = compute_for_page(recording, names, TOTAL)
    summary = summarize(computed, Origin(name, source), stats, NOTHING_MORE.of(recording).slos)
    return Measured(summary, summary.fault or _fault(computed.metrics), dict(_blurs(computed.metrics)))


def _blurs(metrics: Metrics) -> Iterator[tuple[tuple[str, str], Interval]]:
    for row in metrics.parameters:
        for statistic, (low, high) in row.bounds.items():
            value = row.values.get(statistic)
            if value and low < high:
                below, above = (math.log(end / value) if end > 0 else -math.inf for end in (low, high))
                yield (row.name, statistic), Interval(min(below, 0.0), max(above, 0.0))


def blurs_of(pairs: Sequence[tuple[Measured, Measured]]) -> dict[tuple[str, str], list[Interval]]:
    """By how much ln(B / A) of each pair may be off, by (name, statistic)."""
    keys = dict.fromkeys(key for pair in pairs for side in pair for key in side.blurs)
    found: dict[tuple[str, str], list[Interval]] = {key: [] for key in keys}
    for key, blurs in found.items():
        for a, b in ((a.blurs.get(key, NO_BLUR), b.blurs.get(key, NO_BLUR)) for a, b in pairs):
            blurs.append(Interval(b.low - a.high, b.high - a.low))
    return found


def _fault(metrics: Metrics) -> str:
    """What is INVALID about more than single latencies."""
    of_one = tuple(f"{row.name} {statistic} may be anything" for row in metrics.parameters for statistic in row.unsure)
    return next(
        (reason.sentence for reason in metrics.verdict.reasons if not (of_one and reason.effect.startswith(of_one))), ""
    )


def sending_s(recording: Recording) -> float:
    """From the first request of a slice that was sent to the last one, s."""
    sent = _rows(recording)["sent_ns"]
    sent = sent[sent > 0]
    return float(np.ptp(sent)) / NS_PER_S if sent.size else 0.0


def gone(recording: Recording) -> str:
    """Why a service seems to be gone by one slice, a clause; "" = it is there."""
    outcomes = _rows(recording)["outcome"]
    refused = int(np.isin(outcomes, NO_CONNECTION).sum())
    if refused * 2 > outcomes.size:
        return f"{refused} of {outcomes.size} requests found no connection"
    return "" if (outcomes == _OK).any() else f"none of {outcomes.size} requests succeeded"


def _rows(recording: Recording) -> Rows:
    """Measured requests with their outcomes."""
    rows = recording.rows
    measured_rows: Rows = rows[rows["flags"] & (NOT_FINAL | FLAGS["warmup"]) == 0]
    return measured_rows
