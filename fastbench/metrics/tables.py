"""The tables "Performance Parameters" and "Further Parameters": a row for each metric."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from fastbench.errors import ConfigError
from fastbench.metrics.metric import Metric, Table
from fastbench.metrics.model import Parameter
from fastbench.metrics.own import OWN_METRICS, plugged, plugged_names
from fastbench.metrics.samples.bounds import unsure
from fastbench.metrics.samples.selection import Selection
from fastbench.metrics.samples.statistics import statistics, too_few
from fastbench.registry import METRICS


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
    notes = [f"A row is left out: {fault}." for fault in METRICS.claims()]
    for name in plugged_names():
        try:
            metric = plugged(name)
            rows += _rows([metric], selection, stats)
        except ConfigError as error:
            notes.append(f"A row is left out: {error}.")
        else:
            good.append(metric)
    return Further(tuple(row for row in rows if row.n), tuple(good), tuple(notes))


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
    )
