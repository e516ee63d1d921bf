"""A recording → all numbers of its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fastbench.metrics.arrived import arrived_tokens
from fastbench.metrics.client import client_error
from fastbench.metrics.common import common
from fastbench.metrics.coverage import coverage
from fastbench.metrics.further import finish_reasons, further
from fastbench.metrics.gaps import GapSamples, count
from fastbench.metrics.load import load
from fastbench.metrics.model import Metrics
from fastbench.metrics.notes import notes
from fastbench.metrics.outcomes import failures, outcomes
from fastbench.metrics.output import output
from fastbench.metrics.parameters import parameters, ttft_ns
from fastbench.metrics.selection import Selection
from fastbench.metrics.service import service_metrics
from fastbench.metrics.statistics import ArraySamples, percentile
from fastbench.metrics.verdict import verdict
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
    ttft_median = percentile(ArraySamples(ttft_ns(selection.streamed)), 50)
    sending = load(selection, ended.get("dropped", 0))
    client = client_error(selection, gaps.size, percentile(gaps, 50))
    produced = output(selection, runs, gaps)
    success = int(selection.ok.size)
    metrics = Metrics(
        stage=stage,
        window=None if window is None else shown_window(whole, window),
        stats=tuple(stats),
        success=success,
        parameters=parameters(selection, gaps, stats),
        common=common(selection, sum(ended.values()), None if window is None else arrived_tokens(whole, window)),
        further=further(selection, runs, stats),
        finish_reasons=finish_reasons(selection),
        outcomes=ended,
        failures=failures(selection),
        load=sending,
        client=client,
        output=produced,
        service=service_metrics(selection),
        verdict=verdict(
            success,
            coverage(whole),
            None if ttft_median is None else ttft_median / NS_PER_MS,
            sending,
            client,
        ),
        notes=notes(selection, sending, produced, client),
    )
    return Computed(metrics, gaps)
