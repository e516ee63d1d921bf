"""A recording → all numbers of its report, with the rows of its two tables of parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from fastbench.errors import FastbenchError, UsageError
from fastbench.metrics.classes import OfClass, classes_of
from fastbench.metrics.common import Totals, arrived_tokens, common, length_ns
from fastbench.metrics.fidelity.load import load
from fastbench.metrics.fidelity.sends import sends
from fastbench.metrics.metric import Metric, Table
from fastbench.metrics.model import ClassNumbers, Metrics, Number, Parameter
from fastbench.metrics.own import OWN_METRICS
from fastbench.metrics.plugged import CANNOT, all_plugged
from fastbench.metrics.samples.bounds import JUDGED, unsure
from fastbench.metrics.samples.selection import Selection
from fastbench.metrics.samples.statistics import statistics, too_few
from fastbench.metrics.samples.window import TOTAL, find_window, shown_window
from fastbench.metrics.server.outcomes import (
    count_failed,
    count_not_sent,
    coverage,
    failures,
    finish_reasons,
    outcomes,
    structured_output,
)
from fastbench.metrics.server.scraped import service_metrics
from fastbench.metrics.server.service_verdict import run_of, service_verdict, stages
from fastbench.metrics.trust.client import SHOWN, client_effect, client_error
from fastbench.metrics.trust.notes import notes, output
from fastbench.metrics.trust.verdict import Judged, verdict
from fastbench.recording import ProgressCallback, Recording
from fastbench.registry import METRICS
from fastbench.units import NS_PER_MS

GLANCE = ("Min", "Median", "P90", "P99", "Max")
"""The statistics of a summary."""


def parameters(selection: Selection, stats: Sequence[str]) -> tuple[Parameter, ...]:
    """The rows of AISBench's table, in its order; those of token times only for streams."""
    return tuple(_rows((metric for metric in OWN_METRICS if metric.table is Table.PERFORMANCE), selection, stats))


class Further(NamedTuple):
    """The rows of the further table. plugged: packages' metrics, as far as they could be computed; notes: why others
    could not."""

    rows: tuple[Parameter, ...]
    plugged: tuple[Metric, ...]
    notes: tuple[str, ...]


def further(selection: Selection, stats: Sequence[str]) -> Further:
    """The rows that the stage has samples for. A package's metric that cannot be computed is left out with a note: a
    report is worth more than one row of it."""
    rows = list(_rows((metric for metric in OWN_METRICS if metric.table is Table.FURTHER), selection, stats))
    good: list[Metric] = []
    metrics, found = all_plugged()
    faults = list(found)
    for metric in metrics:
        try:
            with METRICS.blaming(metric.name, CANNOT):
                more = _rows([metric], selection, stats)
                if more and metric.each is not None:
                    # Intervals and exports are of it: what is wrong with it costs the row.
                    metric.each(selection)
                rows += more
        except FastbenchError as error:
            faults.append(str(error))
        else:
            good.append(metric)
    notes = tuple(f"A row is left out: {fault}." for fault in faults)
    return Further(tuple(row for row in rows if row.n), tuple(good), notes)


def _rows(metrics: Iterator[Metric] | Sequence[Metric], selection: Selection, stats: Sequence[str]) -> list[Parameter]:
    return [parameter(metric, selection, stats) for metric in metrics if metric.fits(selection)]


def parameter(metric: Metric, selection: Selection, stats: Sequence[str]) -> Parameter:
    """The row of a metric."""
    samples = metric.samples_of(selection)
    # Of requests: the gaps of one stream depend on each other, and many of them are no more than one sample.
    n = metric.requests_of(selection, samples)
    row = Parameter(
        metric.name,
        metric.unit,
        statistics(samples, stats, metric.scale),
        n,
        samples.size,
        too_few(stats, n),
        bounds={} if metric.bounds is None else metric.bounds(selection, stats),
    )
    return replace(row, unsure=unsure(row))


def shown(row: Parameter, stats: Sequence[str]) -> Parameter:
    """A row with some of its statistics."""
    return replace(
        row,
        values={name: row.values[name] for name in stats},
        marked=tuple(name for name in row.marked if name in stats),
        bounds={name: row.bounds[name] for name in stats if name in row.bounds},
        unsure=tuple(name for name in stats if name in row.unsure),
        intervals={name: row.intervals[name] for name in stats if name in row.intervals},
    )


def compute(
    recording: Recording,
    stats: Sequence[str],
    stage: str = TOTAL,
    progress: ProgressCallback | None = None,
    *,
    window: str | None = None,
) -> Metrics:
    """The numbers of one stage. stats: names of statistics, as the columns of "Performance Parameters".

    stage: total, stable, auto; window: in its place a stretch of time such as 30s:90s, which a stage may also be. The
    same recording gives the same numbers to the last bit, with however many threads. UsageError for a stage that is not
    known, or that the recording does not have, and for both a stage and a window.
    """
    if window is not None and stage != TOTAL:
        raise UsageError(f"the stage {stage} and the window {window} exclude each other: name one of them")
    return compute_for_page(recording, stats, window or stage, progress).metrics


class Computed(NamedTuple):
    """The numbers of a stage, and what they are of, for those who draw it: counting gaps takes long. plugged: the
    metrics of packages that could be computed. rows: AISBench's with the statistics in `GLANCE`, whatever those are
    that a report shows. by_class: the requests behind `metrics.classes`, in their order."""

    metrics: Metrics
    selection: Selection
    plugged: tuple[Metric, ...]
    rows: tuple[Parameter, ...]
    by_class: tuple[OfClass, ...] = ()

    def row(self, metric: Metric) -> Parameter | None:
        """That of a metric; None where no streams were asked for and it is of streams."""
        return next((row for row in self.rows if row.name == metric.name), None)

    def figure(self, name: str) -> Number:
        """The value of a row of the table "Common Metric"; None where there is no such row, or nothing in it."""
        return next((row.value for row in self.metrics.common if row.name == name), None)


def compute_for_page(
    recording: Recording, stats: Sequence[str], stage: str = TOTAL, progress: ProgressCallback | None = None
) -> Computed:
    """As `compute`."""
    whole = Selection(recording, progress=progress)
    window = find_window(whole, stage)
    selection = whole.within(window)
    ended = outcomes(selection)
    # What is judged and what is shown are not the same columns.
    table = parameters(selection, tuple(dict.fromkeys((*stats, *JUDGED, *SHOWN, *GLANCE))))
    more = further(selection, stats)
    sending = load(selection, ended.get("dropped", 0))
    client, produced = client_error(selection), output(selection)
    success, planned = int(selection.ok.size), sum(ended.values())
    sent = sends(selection, sending)
    effect = client_effect(selection, sending, sent, table)
    length_ms = length_ns(selection) / NS_PER_MS
    covered, run = coverage(whole), run_of(whole)
    judged = Judged(selection, table, sending, client, effect, sent, covered, planned, success, length_ms)
    arrived = None if window is None else arrived_tokens(whole, window)
    parts = stages(whole, run)
    by_class = tuple(classes_of(selection, window))
    metrics = Metrics(
        stage=stage,
        window=None if window is None else shown_window(whole, window),
        stats=tuple(stats),
        success=success,
        parameters=tuple(shown(row, stats) for row in table),
        common=common(Totals(selection, planned, count_failed(selection), arrived)),
        further=more.rows,
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
        structured=structured_output(selection),
        not_sent=count_not_sent(selection),
        notes=(*notes(selection, sending, produced, client), *whole.asked.faults, *more.notes),
        classes=tuple(_of_class(one, stats) for one in by_class),
    )
    return Computed(metrics, selection, more.plugged, tuple(shown(row, GLANCE) for row in table), by_class)


def _of_class(one: OfClass, stats: Sequence[str]) -> ClassNumbers:
    selection = one.selection
    ended = outcomes(selection)
    window = selection.window
    arrived = None if window is None else arrived_tokens(selection.stage.of_class(one.number, None), window)
    return ClassNumbers(
        name=one.name,
        outcomes=ended,
        success=int(selection.ok.size),
        parameters=parameters(selection, stats),
        common=common(Totals(selection, sum(ended.values()), count_failed(selection), arrived)),
        further=further(selection, stats).rows,
        not_sent=count_not_sent(selection),
        structured=structured_output(selection),
    )
