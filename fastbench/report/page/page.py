"""A recording and its numbers → its report page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from fastbench.errors import UsageError
from fastbench.metrics import Computed, Metrics, Rows, Selection
from fastbench.metrics.samples import STABLE, Window, find_window, shown_window
from fastbench.recording import Recording
from fastbench.report.console import failures_title
from fastbench.report.page import sections
from fastbench.report.page.curves import curves_of
from fastbench.report.page.document import THEME_BUTTON, Figure, document, figure
from fastbench.report.page.over_time import client_series, rates, service_panels
from fastbench.report.page.requests import request_columns, sent_rows

_SCRIPTS = ("timeline.js", "density.js", "curves.js", "series.js", "single.js")
_TIMELINE_NOTE = (
    "Scroll or drag to zoom, double-click to see all. Where lines are closer than the screen's pixels, each row "
    "shows the medians of its requests, and behind them from the first start to the last end."
)


def page(recording: Recording, computed: Computed, task: str) -> bytes:
    """The page of one stage of a recording: its sections, and charts of the whole run.

    computed: of that stage. task: "<model>/<dataset>", as it stands above the sections.
    """
    whole = Selection(recording)
    rows = sent_rows(whole)
    data = _data(whole, rows, computed, task) if rows.size else {}
    return document(f"{task} · fastbench", "".join(_body(whole, computed.metrics, task, data)), data, _SCRIPTS)


def _data(whole: Selection, rows: Rows, computed: Computed, task: str) -> dict[str, Any]:
    """What the scripts draw. rows: those that were sent."""
    metrics = computed.metrics
    window = find_window(whole, metrics.stage)
    return {
        "streams": whole.is_stream,
        "window": _window(whole, window or _stable(whole)),
        "requests": request_columns(whole),
        "runs": [{"name": task, "curves": curves_of(computed.selection, computed.plugged)}],
        "rates": rates(whole, rows, metrics.output.tokens_per_event),
        "client": client_series(whole.recording.health, int(rows["sent_ns"].min())),
        "service": service_panels(whole.recording),
    }


def _window(whole: Selection, window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    shown = shown_window(whole, window)
    return {"name": window.name, "begin": shown.begin_s, "end": shown.end_s, "method": shown.method}


def _stable(whole: Selection) -> Window | None:
    """The stable stage of a run that is reported as a whole; None where it has none."""
    try:
        return find_window(whole, STABLE)
    except UsageError:
        return None


def _body(whole: Selection, metrics: Metrics, task: str, data: dict[str, Any]) -> Iterator[str]:
    about = f"<h1>{escape(task)}</h1><p class=meta>{escape(sections.about_run(whole.header))}</p>"
    yield f"<header><div>{about}{sections.verdict(metrics)}</div>{THEME_BUTTON}</header>"
    yield sections.headlines(metrics)
    if metrics.stages:
        yield f"<section><h2>Stages of the load</h2>{sections.stages_table(metrics)}</section>"
    if data:
        note = _TIMELINE_NOTE if whole.is_stream else ""
        title = "Request timeline and concurrency" if whole.is_stream else "Concurrency"
        yield figure(Figure("timeline", title, f"{note} {_window_note(data)}".strip(), 620 if whole.is_stream else 320))
    yield f"<section><h2>Performance Parameters</h2>{sections.parameters_table(metrics)}"
    yield f"{sections.footnotes_list(metrics)}</section>"
    yield f"<div class=pair><section><h2>Trust</h2>{sections.trust_table(metrics)}</section>"
    yield f"<section><h2>Common Metric</h2>{sections.common_table(metrics)}</section></div>"
    if metrics.service is not None:
        yield f"<section><h2>Service Metric</h2>{sections.service_table(metrics.service)}</section>"
    if metrics.failures:
        yield f"<section><h2>{failures_title(metrics)}</h2>{sections.failures_table(metrics)}</section>"
    if data:
        yield from map(figure, _figures(whole, data))


def _figures(whole: Selection, data: dict[str, Any]) -> Iterator[Figure]:
    if data["runs"][0]["curves"]:
        note = "Dotted: too few samples beyond it at 99 % confidence."
        yield Figure("curves", "Percentiles", note, 520 if whole.is_stream else 320)
    yield Figure("rates", "Throughput over time", "", 420)
    names = ("TTFT", "E2EL", "TPOT") if whole.is_stream else ("E2EL",)
    yield Figure("latency", "Latency over time", "Each request at the moment when it was sent.", 380, names)
    if whole.is_stream:
        yield Figure("input", "TTFT against input length", "", 380)
    if data["service"]:
        title = "The service's own metrics"
        yield Figure("service", title, "As its metrics page told them.", 60 + 170 * len(data["service"]))
    if data["client"]:
        yield Figure("client", "Client error over time", "How late the client noticed what had arrived.", 360)


def _window_note(data: dict[str, Any]) -> str:
    window = data["window"]
    return f"Shaded: {window['name']}, {window['method']}." if window else ""
