"""The tables of a report as HTML; everything that comes from outside is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from fastbench.metrics import COMMON_METRICS, Metrics, Number, Parameter, ServiceMetrics, Table
from fastbench.metrics.samples import percent_of, samples_needed, section
from fastbench.registry import METRICS
from fastbench.report.cells import MISSING, cell, marked, printable
from fastbench.report.console import MESSAGE_CHARS, failure_rows, failures_title, footnotes, parameter_cells
from fastbench.report.service_tables import service_rows
from fastbench.report.statements import NONE, STAGE_COLUMNS, in_good_order, service, stage_note, stage_rows
from fastbench.report.trust_table import trust_rows

_MEASUREMENT = {"VALID": "Measurement valid", "INVALID": "Measurement not to be trusted"}


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, kind: str = "") -> str:
    """A table of texts. kind: its class."""
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in headers)
    body = "".join(
        f"<tr><th scope=row>{escape(first)}</th>{''.join(f'<td>{escape(text)}</td>' for text in rest)}</tr>"
        for first, *rest in rows
    )
    return f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def verdict(metrics: Metrics) -> str:
    """The two statements, on the measurement and on the service, and the reasons for INVALID."""
    reasons = "".join(f"<li>{escape(sentence)}</li>" for sentence in metrics.verdict.sentences)
    word = metrics.verdict.word
    listed = f"<ul class=reasons>{reasons}</ul>" if reasons else ""
    state = "kept" if in_good_order(metrics.kept_up) else "overloaded"
    told = escape(service(metrics))
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


def headlines(metrics: Metrics) -> str:
    """The few numbers that one looks for first."""
    return f'<div class="cards">{"".join(_cards(metrics))}</div>'


def _cards(metrics: Metrics) -> Iterator[str]:
    for row in (*metrics.parameters, *metrics.further):
        # A run may be reported without these columns.
        names = [name for name in METRICS.get(row.name).headlines if name in row.values]
        if names:
            rest = [" ".join((name, *_figure(row, name))) for name in names[1:]]
            yield _card(f"{row.name}, {names[0]}", *_figure(row, names[0]), rest)
    headlines = {metric.name for metric in COMMON_METRICS if metric.headline}
    for common in metrics.common:
        if common.name in headlines:
            yield _card(common.name, short(common.value), common.unit, [])


def _figure(row: Parameter, name: str) -> tuple[str, str]:
    """A statistic for a glance and its unit, with the mark of what the client's stalls leave uncertain; no number where
    there are too few samples for it."""
    if name in row.marked:
        return NONE, f"needs {samples_needed(percent_of(name) or 0)} requests"
    return short(row.values[name]), marked(row.unit, False, name in row.unsure)


def stages_table(metrics: Metrics) -> str:
    """The stages of a load whose rate changes."""
    note = f"<p class=note>{escape(stage_note(metrics))}</p>" if stage_note(metrics) else ""
    return table(STAGE_COLUMNS, stage_rows(metrics), kind="numbers") + note


def _card(name: str, value: str, unit: str, rest: Sequence[str]) -> str:
    small = f"<small>{escape(', '.join(rest))}</small>" if rest else ""
    return f"<div class=card><span>{escape(name)}</span><b>{escape(value)} <i>{escape(unit)}</i></b>{small}</div>"


def short(value: Number) -> str:
    """About three digits, for a glance."""
    if value is None:
        return MISSING
    digits = max(0, 3 - len(str(int(abs(value)))))
    return f"{value:,.{digits}f}"


def parameters_table(metrics: Metrics) -> str:
    """AISBench's table of parameters, and the further one."""
    tables = {Table.PERFORMANCE: metrics.parameters, Table.FURTHER: metrics.further}
    return "".join(_parameters(metrics, place.value, rows) for place, rows in tables.items() if rows)


def _parameters(metrics: Metrics, name: str, rows: Sequence[Parameter]) -> str:
    cells = ([row.name, metrics.stage, *parameter_cells(row, metrics.stats), str(row.n)] for row in rows)
    return table((name, "Stage", *metrics.stats, "N"), cells, kind="numbers")


def common_table(metrics: Metrics) -> str:
    """The table "Common Metric"."""
    rows = ([row.name, metrics.stage, cell(row.value, row.unit)] for row in metrics.common)
    return table(("Common Metric", "Stage", "Value"), rows, kind="numbers")


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
    return "".join(f"<p class=note>{escape(note)}</p>" for note in footnotes(metrics))
