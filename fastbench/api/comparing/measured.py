"""What a slice has shown, and which of its numbers the client has blurred."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastbench.answers.comparison import Origin, RunSummary, summarize
from fastbench.api.judging import NOTHING_MORE
from fastbench.api.limits import NO_CONNECTION
from fastbench.errors import UsageError
from fastbench.metrics import Metrics, Rows, compute_for_page
from fastbench.metrics.samples import TOTAL
from fastbench.recording import FLAGS, NOT_FINAL, OUTCOMES, Recording
from fastbench.units import NS_PER_MS, NS_PER_S

_JUDGED = ("Average", "Median", "P90")
"""The statistics by which a measurement is called INVALID."""
_SAME = {"Median": "P50"}
_OK = OUTCOMES.index("ok")


class Measured(NamedTuple):
    """A slice. fault: why none of its numbers counts, "" = they do. unsure: (name, statistic) of those latencies that
    the client may have changed by too much."""

    summary: RunSummary
    fault: str
    unsure: frozenset[tuple[str, str]]

    @property
    def e2el_ns(self) -> float:
        """The median."""
        found = self.summary.distributions.get("E2EL")
        return 0.0 if found is None else found.points["P50"] * NS_PER_MS


def measured(recording: Recording, name: str, source: str, stats: Sequence[str], stage: str) -> Measured:
    """What a slice has shown. name: of its recording; source: its service; stage: where the slice has no such, all of
    it counts."""
    names = tuple(dict.fromkeys((*stats, *_JUDGED)))
    try:
        computed = compute_for_page(recording, names, stage)
    except UsageError:  # all slots were never in use twice
        computed = compute_for_page(recording, names, TOTAL)
    summary = summarize(computed, Origin(name, source), stats, NOTHING_MORE.of(recording).slos)
    unsure = {(row.name, name) for row in computed.metrics.parameters for name in row.unsure}
    return Measured(
        summary,
        summary.fault or _fault(computed.metrics, unsure),
        frozenset((name, _SAME.get(statistic, statistic)) for name, statistic in unsure),
    )


def _fault(metrics: Metrics, unsure: set[tuple[str, str]]) -> str:
    """What is INVALID about more than single latencies."""
    of_one = tuple(f"{name} {statistic} may be anything" for name, statistic in unsure)
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
