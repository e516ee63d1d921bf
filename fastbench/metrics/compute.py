"""A recording → all numbers of its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fastbench.metrics.arrived import arrived_tokens
from fastbench.metrics.bounds import bounds
from fastbench.metrics.client import client_error
from fastbench.metrics.common import common, length_ns
from fastbench.metrics.coverage import coverage
from fastbench.metrics.effect import SHOWN, client_effect, sends
from fastbench.metrics.further import finish_reasons, further
from fastbench.metrics.gaps import GapSamples, count
from fastbench.metrics.load import load
from fastbench.metrics.model import Metrics
from fastbench.metrics.notes import notes
from fastbench.metrics.outcomes import count_failed, count_not_sent, failures, outcomes
from fastbench.metrics.output import output
from fastbench.metrics.parameters import parameters, shown
from fastbench.metrics.selection import Selection
from fastbench.metrics.service import service_metrics
from fastbench.metrics.service_verdict import run_of, service_verdict
from fastbench.metrics.stages import stages
from fastbench.metrics.statistics import percentile
from fastbench.metrics.uncertainty import JUDGED
from fastbench.metrics.verdict import Judged, verdict
from fastbench.metrics.window import TOTAL, find_window, shown_window
from fastbench.recording.reader import Recording
from fastbench.recording.sharing import Progress
from fastbench.units import NS_PER_MS


def compute(
    recording: Recording, stats: Sequence[str], stage: str = TOTAL, progress: Progress | None = None
) -> Metrics:
    """The numbers of one stage. stats: names of statistics, as the columns of "Performance Parameters".

    stage: total, stable, auto or a window such as 30s:90s. The same recording gives the same numbers to the last
    bit, with however many threads. UsageError for a stage that is not known, or that the recording does not have.
    """
    return compute_with_gaps(recording, stats, stage, progress).metrics


class Computed(NamedTuple):
    """The numbers of a stage, and its token gaps for those who draw them: counting them takes long."""

    metrics: Metrics
    gaps: GapSamples


def compute_with_gaps(
    recording: Recording, stats: Sequence[str], stage: str = TOTAL, progress: Progress | None = None
) -> Computed:
    """As `compute`."""
    whole = Selection(recording)
    window = find_window(whole, stage)
    selection = whole.within(window)
    runs = list(selection.token_runs())
    gaps = count(runs, progress=progress)
    ended = outcomes(selection)
    # What is judged and what is shown are not the same columns.
    every = tuple(dict.fromkeys((*stats, *JUDGED, *SHOWN)))
    uncertain = bounds(selection, gaps, runs, every)
    table = parameters(selection, gaps, every, uncertain)
    sending = load(selection, ended.get("dropped", 0))
    client = client_error(selection, gaps.size, percentile(gaps, 50))
    produced = output(selection, runs, gaps)
    success, planned = int(selection.ok.size), sum(ended.values())
    sent = sends(selection, sending)
    effect = client_effect(selection, sending, sent, table)
    length_ms = length_ns(selection) / NS_PER_MS
    covered, run = coverage(whole), run_of(whole)
    judged = Judged(selection, table, sending, client, effect, sent, covered, planned, success, length_ms)
    arrived = None if window is None else arrived_tokens(whole, window)
    parts = stages(whole, run)
    metrics = Metrics(
        stage=stage,
        window=None if window is None else shown_window(whole, window),
        stats=tuple(stats),
        success=success,
        parameters=tuple(shown(row, stats) for row in table),
        common=common(selection, planned, count_failed(selection), arrived),
        further=further(selection, runs, stats),
        finish_reasons=finish_reasons(selection),
        outcomes=ended,
        failures=failures(selection),
        load=sending,
        client=client,
        effect=effect,
        output=produced,
        service=service_metrics(selection),
        verdict=verdict(judged),
        kept_up=service_verdict(whole, selection, run, covered, parts),
        stages=parts,
        not_sent=count_not_sent(selection),
        notes=notes(selection, sending, produced, client),
    )
    return Computed(metrics, gaps)
