"""The report on the terminal: verdict, AISBench's two tables, trust, the service's metrics, failures, footnotes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from fastbench.metrics import Metrics, Parameter, Table
from fastbench.metrics.samples import CONFIDENCE, percent_of, samples_needed, too_few
from fastbench.report.cells import MISSING, QUANTITY_STATS, cell, marked, printable
from fastbench.report.checks.rows import ASSERTION_COLUMNS, SLO_COLUMNS, assertion_rows, promise_lines, slo_rows
from fastbench.report.class_tables import CLASS, class_slo_columns, class_slo_rows, common_rows, parameter_rows
from fastbench.report.dialect_tables import RATE_COLUMNS, latency_columns, latency_rows, rate_rows, rule_lines
from fastbench.report.service_tables import service_rows
from fastbench.report.statements import STAGE_COLUMNS, cut_off, measurement, service_statement, stage_note, stage_rows
from fastbench.report.trust_table import quantities, trust_rows

MESSAGE_CHARS = 160
UNSURE = "The client read too late to know this exactly"


def render(metrics: Metrics, task: str) -> str:
    """The whole text. task: "<model>/<dataset>" as it stands above the tables."""
    return "\n".join(_parts(metrics, task)) + "\n"


def _parts(metrics: Metrics, task: str) -> Iterator[str]:
    yield f"Performance Results of task: {printable(task, MESSAGE_CHARS)}: {metrics.verdict.word}"
    yield from (f"  {line}" for line in measurement(metrics))
    yield f"  {service_statement(metrics)}"
    yield from (f"  {line}" for line in promise_lines(metrics))
    if metrics.stages:
        yield _table(STAGE_COLUMNS, stage_rows(metrics), "fancy_outline")
        yield from filter(None, [stage_note(metrics)])
    yield _parameters(Table.PERFORMANCE, metrics.parameters, metrics)
    yield _table(
        ("Common Metric", "Stage", "Value"),
        ([row.name, metrics.stage, cell(row.value, row.unit)] for row in metrics.common),
    )
    if metrics.slos:
        yield _table(SLO_COLUMNS, slo_rows(metrics), "fancy_outline")
    if metrics.assertions:
        yield _table(ASSERTION_COLUMNS, assertion_rows(metrics), "fancy_outline")
    if metrics.further:
        yield _parameters(Table.FURTHER, metrics.further, metrics)
    if metrics.by_tool:
        yield from _by_tool(metrics)
    if metrics.classes:
        yield from _by_class(metrics)
    yield _table(("Trust", "Value"), trust_rows(metrics), "fancy_outline")
    if metrics.service is not None:
        yield _table(("Service Metric", "Value"), service_rows(metrics.service), "fancy_outline")
    if metrics.failures:
        yield _table(
            (failures_title(metrics), "HTTP Status", "Count", "First Message"),
            failure_rows(metrics),
            "fancy_outline",
        )
    yield from footnotes(metrics)


def _by_tool(metrics: Metrics) -> Iterator[str]:
    latencies = latency_rows(metrics)
    if latencies:
        yield _table(latency_columns(metrics.stats), latencies, "fancy_outline")
    yield _table(RATE_COLUMNS, rate_rows(metrics), "fancy_outline")
    yield from rule_lines(metrics)


def _by_class(metrics: Metrics) -> Iterator[str]:
    for place in (Table.PERFORMANCE, Table.FURTHER):
        cells = [
            [row.name, name, metrics.stage, *parameter_cells(row, metrics.stats), str(row.n)]
            for name, row in parameter_rows(metrics.classes, place)
        ]
        if cells:
            yield _table((place.value, CLASS, "Stage", *metrics.stats, "N"), cells)
    common = ([row.name, name, metrics.stage, cell(row.value, row.unit)] for name, row in common_rows(metrics.classes))
    yield _table(("Common Metric", CLASS, "Stage", "Value"), common)
    if metrics.slos:
        yield _table(class_slo_columns(), class_slo_rows(metrics.classes), "fancy_outline")


def _parameters(place: Table, rows: Sequence[Parameter], metrics: Metrics) -> str:
    cells = ([row.name, metrics.stage, *parameter_cells(row, metrics.stats), str(row.n)] for row in rows)
    return _table((place.value, "Stage", *metrics.stats, "N"), cells)


def parameter_cells(row: Parameter, stats: Sequence[str]) -> list[str]:
    """The statistics of a row as written; * marks those of too few samples, ~ those that are too uncertain."""
    return [marked(cell(row.values[name], row.unit), name in row.marked, name in row.unsure) for name in stats]


def failures_title(metrics: Metrics) -> str:
    """What the table of failures holds."""
    return "Failed, Cut Off or Not Sent" if metrics.not_sent or cut_off(metrics) else "Failed Requests"


def failure_rows(metrics: Metrics) -> list[list[str]]:
    """A line for each reason why requests failed or were not sent."""
    return [
        [row.outcome, str(row.status or MISSING), str(row.count), printable(row.message, MESSAGE_CHARS)]
        for row in metrics.failures
    ]


def footnotes(metrics: Metrics) -> Iterator[str]:
    """What the tables' marks mean, then the notes."""
    yield from mark_footnote(metrics)
    for note in metrics.notes:
        yield printable(note, 2 * MESSAGE_CHARS)


def mark_footnote(*reports: Metrics) -> Iterator[str]:
    """What the marks in the tables of these reports mean; nothing where there is none."""
    names: list[str] = []
    for metrics in reports:
        names += (name for row in (*metrics.parameters, *metrics.further) for name in row.marked)
        names += (name for measured in quantities(metrics) for name in too_few(QUANTITY_STATS, measured.samples))
    if names:
        percents = sorted((percent_of(name) or 0, name) for name in set(names))
        needs = ", ".join(f"{name} {samples_needed(percent)}" for percent, name in percents)
        yield f"* Too few samples for this percentile at {CONFIDENCE:.0%} confidence; needed: {needs}."
    found = [f"{row.name} {name}" for metrics in reports for row in metrics.parameters for name in row.unsure]
    if len(reports) > 1 and found:
        yield f"~ {UNSURE}; the run's own report has the bounds: {', '.join(dict.fromkeys(found))}."
    elif found:
        yield f"~ {UNSURE}: {'; '.join(_bounds(reports[0]))}."


def _bounds(metrics: Metrics) -> Iterator[str]:
    for row in metrics.parameters:
        for name in row.unsure:
            low, high = (cell(value, row.unit) for value in row.bounds[name])
            yield f"{row.name} {name} is between {low} and {high}"


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]], form: str = "fancy_grid") -> str:
    return str(tabulate(list(rows), headers, tablefmt=form, disable_numparse=True))
