"""The tables of a report as HTML; everything that comes from outside is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, NamedTuple

from fastbench.metrics import COMMON_METRICS, SMOOTHNESS, Common, Metric, Metrics, Parameter, ServiceMetrics, Table
from fastbench.metrics.samples import section
from fastbench.registry import METRICS
from fastbench.report.cells import cell, marked, plus_minus, printable, shortened
from fastbench.report.checks.rows import ASSERTION_COLUMNS, SLO_COLUMNS, assertion_rows, slo_rows
from fastbench.report.class_tables import CLASS, class_slo_columns, class_slo_rows, common_rows, parameter_rows
from fastbench.report.console import MESSAGE_CHARS, failure_rows, failures_title, footnotes
from fastbench.report.page.head import anchor
from fastbench.report.service_tables import service_rows
from fastbench.report.statements import (
    STAGE_COLUMNS,
    in_good_order,
    service_statement,
    smoothness,
    stage_note,
    stage_rows,
)
from fastbench.report.trust_table import trust_rows
from fastbench.units import quantity

_FIRST = ("Median", "P90", "P99")
_MEASUREMENT = {"VALID": "Measurement valid", "INVALID": "Measurement INVALID: not to be trusted"}


class Cell(NamedTuple):
    """A figure for a glance, and as exact as it is known, which shows at a hover. sure: how sure it is."""

    text: str
    exact: str
    sure: str = ""


def table(headers: Sequence[str], rows: Iterable[Sequence[str | Cell]], *, kind: str = "") -> str:
    """A table of texts. kind: its class. What a metric's name means shows at a hover."""
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in headers)
    body = "".join(f"<tr><th scope=row>{_named(first)}</th>{''.join(map(_cell, rest))}</tr>" for first, *rest in rows)
    return f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: str | Cell) -> str:
    if isinstance(value, Cell):
        sure = f" <small>{escape(value.sure)}</small>" if value.sure else ""
        return f'<td title="{escape(value.exact)}">{escape(value.text)}{sure}</td>'
    return f"<td>{escape(value)}</td>"


def _named(name: str | Cell) -> str:
    return f'<abbr title="{escape(name.exact)}">{escape(name.text)}</abbr>' if isinstance(name, Cell) else escape(name)


def verdict_html(metrics: Metrics) -> str:
    """The two statements, on the measurement and on the service, and the reasons for INVALID."""
    reasons = "".join(f"<li>{escape(sentence)}</li>" for sentence in metrics.verdict.sentences)
    word = metrics.verdict.word
    listed = f"<ul class=reasons>{reasons}</ul>" if reasons else ""
    state = "kept" if in_good_order(metrics.kept_up) else "overloaded"
    told = escape(service_statement(metrics))
    return (
        f'<p class="verdict {word.lower()}" id=verdict title="{word}">{_MEASUREMENT[word]}</p>{listed}'
        f'<p class="verdict {state}" id=service-verdict>{told}</p>'
    )


def about_run(header: dict[str, Any]) -> str:
    """Who was asked for what, and when, on one line."""
    service, load = section(header, "service"), section(header, "load")
    limits = [f"{name} {load[name]}" for name in ("concurrency", "rate") if load.get(name)]
    asked = ", ".join([str(load[name]) for name in ("kind", "arrival") if load.get(name)] + limits)
    told = [service.get("url"), service.get("model"), service.get("backend"), asked, header.get("created")]
    return printable(" · ".join(str(part) for part in told if part), MESSAGE_CHARS)


def stages_table(metrics: Metrics) -> str:
    """The stages of a load whose rate changes."""
    note = f"<p class=note>{escape(stage_note(metrics))}</p>" if stage_note(metrics) else ""
    return table(STAGE_COLUMNS, stage_rows(metrics), kind="numbers") + note


def parameters_table(metrics: Metrics) -> str:
    """AISBench's table of parameters, and the further one; the percentiles that one looks for first, ahead."""
    tables = {Table.PERFORMANCE: metrics.parameters, Table.FURTHER: metrics.further}
    shown = "".join(_parameters(metrics, place.value, rows) for place, rows in tables.items() if rows)
    return f"{shown}{_how_sure(metrics)}"


def _how_sure(metrics: Metrics) -> str:
    """What ± is, or why there is none."""
    rows = [row for row in metrics.parameters if row.unit and row.samples]
    blocks = [row.blocks for row in rows if row.blocks]
    if blocks:
        return (
            "<p class=note>±: half of the 95 % interval, by blocks of time, as requests of one run depend on each other"
            "; none where there are too few requests for it.</p>"
        )
    return "<p class=note>The run is too short to tell how sure these figures are.</p>" if rows else ""


def _parameters(metrics: Metrics, name: str, rows: Sequence[Parameter]) -> str:
    stats = _ordered(metrics.stats)
    cells: Iterator[list[str | Cell]] = (
        [Cell(row.name, _meaning(row.name)), *(_figure(row, one) for one in stats), f"{row.n:,}"] for row in rows
    )
    return table((_staged(name, metrics), *stats, "N"), cells, kind="numbers")


def _ordered(stats: Sequence[str]) -> list[str]:
    return [*(one for one in _FIRST if one in stats), *(one for one in stats if one not in _FIRST)]


def class_tables(metrics: Metrics) -> str:
    """The SLOs and all numbers of each class of requests."""
    stats = _ordered(metrics.stats)
    slos = table(class_slo_columns(), class_slo_rows(metrics.classes), kind="words") if metrics.slos else ""
    tables = []
    for place in (Table.PERFORMANCE, Table.FURTHER):
        cells: list[list[str | Cell]] = [
            [Cell(row.name, _meaning(row.name)), name, *(_figure(row, one) for one in stats), f"{row.n:,}"]
            for name, row in parameter_rows(metrics.classes, place)
        ]
        tables += [table((_staged(place.value, metrics), CLASS, *stats, "N"), cells, kind="numbers")] if cells else []
    formulas = {metric.name: metric.formula for metric in COMMON_METRICS}
    common: Iterator[list[str | Cell]] = (
        [Cell(row.name, formulas.get(row.name, row.name)), name, Cell(_common(row), cell(row.value, row.unit))]
        for name, row in common_rows(metrics.classes)
    )
    tables.append(table((_staged("Common Metric", metrics), CLASS, "Value"), common, kind="numbers"))
    return f"{slos}{''.join(tables)}<p class=note>Rates are over the time of all classes, so they add up.</p>"


def _staged(name: str, metrics: Metrics) -> str:
    """A table's name; with the stage that it is of, where that is not the whole run."""
    return name if metrics.window is None else f"{name}, stage {metrics.stage}"


def _figure(row: Parameter, name: str) -> Cell:
    marks = marked("", name in row.marked, name in row.unsure)
    low, high = (cell(value, row.unit) for value in row.intervals.get(name, (None, None)))
    exact = f"{cell(row.values[name], row.unit)}{marks}"
    told = f"{exact}; 95 %: {low} to {high}" if name in row.intervals else exact
    return Cell(f"{quantity(row.values[name], row.unit)}{marks}", told, plus_minus(row, name))


def _meaning(name: str) -> str:
    if name in SMOOTHNESS:
        return ": ".join(SMOOTHNESS[name])
    metric: Metric = METRICS.get(name)
    return f"{metric.about}: {metric.formula}"


def common_table(metrics: Metrics) -> str:
    """The table "Common Metric"."""
    formulas = {metric.name: metric.formula for metric in COMMON_METRICS}
    rows = (
        [
            Cell(row.name, formulas.get(row.name, row.name)),
            Cell(_common(row), cell(row.value, row.unit)),
        ]
        for row in metrics.common
    )
    return table((_staged("Common Metric", metrics), "Value"), rows, kind="numbers")


def _common(row: Common) -> str:
    """Counts are exact."""
    return f"{row.value:,}" if isinstance(row.value, int) and not row.unit else quantity(row.value, row.unit)


def terms(metrics: Metrics) -> str:
    """What each number of the page means."""
    names = [row.name for row in (*metrics.parameters, *metrics.further)]
    shown: list[Metric] = [METRICS.get(name) for name in names if name not in SMOOTHNESS]
    told = [(metric.name, metric.about, metric.formula) for metric in shown]
    told += [(name, *SMOOTHNESS[name]) for name in names if name in SMOOTHNESS]
    values = {row.name for row in metrics.common}
    told += [(metric.name, "", metric.formula) for metric in COMMON_METRICS if metric.name in values]
    rows = "".join(
        f'<dt id="{anchor(name)}">{escape(name)}</dt><dd>{escape(about)} <code>{escape(formula)}</code></dd>'
        for name, about, formula in told
    )
    return f"<dl class=terms>{rows}</dl>"


def promises(metrics: Metrics) -> str:
    """SLOs and assertions, and how a reader feels the streams; nothing where none was asked for."""
    found = [
        table(SLO_COLUMNS, slo_rows(metrics), kind="words") if metrics.slos else "",
        table(ASSERTION_COLUMNS, assertion_rows(metrics), kind="words") if metrics.assertions else "",
        *(f"<p>{escape(told)}</p>" for told in smoothness(metrics)),
    ]
    return "".join(found)


def trust_table(metrics: Metrics) -> str:
    """How far the numbers can be believed."""
    return table(("Trust", "Value"), trust_rows(metrics), kind="words")


def service_table(service: ServiceMetrics) -> str:
    """The server's own metrics."""
    return table(("Service Metric", "Value"), service_rows(service), kind="words")


def failures_table(metrics: Metrics) -> str:
    """The requests that failed or were not sent, by reason; nothing where all succeeded."""
    if not metrics.failures:
        return ""
    return table(
        (failures_title(metrics), "HTTP Status", "Count", "First Message"), failure_rows(metrics), kind="words"
    )


def footnotes_list(metrics: Metrics) -> str:
    """What the marks mean, and the notes."""
    return "".join(f"<p class=note>{escape(shortened(note))}</p>" for note in footnotes(metrics))
