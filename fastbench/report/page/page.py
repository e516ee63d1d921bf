"""A recording and its numbers → its report page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import msgspec
import numpy as np

from fastbench.errors import UsageError
from fastbench.metrics import Computed, Metrics, Rows, Selection
from fastbench.metrics.samples import OK, STABLE, Window, find_window, shown_window
from fastbench.metrics.server import OVERLOADED
from fastbench.recording import Recording
from fastbench.report.answer import Answer
from fastbench.report.console import failures_title
from fastbench.report.page import findings, head, sections
from fastbench.report.page.curves import CURVES_NOTE, curves_of
from fastbench.report.page.document import Figure, document, figure, titled
from fastbench.report.page.findings import Drawn
from fastbench.report.page.over_time import client_series, counts_of, service_panels
from fastbench.report.page.requests import request_columns, sent_rows
from fastbench.report.page.svg import Flown, Marks, Over, flight_strip, keep_up, over_time
from fastbench.report.sentence import counted
from fastbench.units import quantity

_SCRIPTS = ("timeline.js", "overview.js", "density.js", "curves.js", "series.js", "fold.js", "single.js")
_LENGTHS_VARY = 0.2
_TIMELINE_NOTE = (
    "One line per request: orange while it waits for the first token, blue while it decodes. Scroll or drag to zoom, "
    "double-click to see the whole run. Where there are more requests than rows of pixels, a row stands for several: "
    "its solid part has their medians, its pale part goes from their first start to their last end."
)


def page(recording: Recording, computed: Computed, answer: Answer) -> bytes:
    """The page of one stage of a recording: its sections, and charts of the whole run.

    computed, answer: of that stage.
    """
    whole, task = Selection(recording), answer.subject.task
    rows = sent_rows(whole)
    drawn = _drawn(whole, rows, computed.metrics) if rows.size else None
    data = {"markdown": head.markdown(answer, _version(whole))}
    if drawn is not None:
        data |= _data(whole, drawn, computed, task)
    told = [answer.subject.model or task, answer.subject.load, *(f"{one.short}" for one, _ in head.statements(answer))]
    title = " · ".join((*filter(None, told[:2]), "fastbench"))
    foot = " · ".join((task, *told[2:], *([head.date(answer.subject.created)] if answer.subject.created else [])))
    body = "".join(_body(whole, computed, answer, drawn, data))
    return document(title, body, data, _SCRIPTS, charts=drawn is not None, foot=foot)


def _drawn(whole: Selection, rows: Rows, metrics: Metrics) -> Drawn:
    ordered = rows[np.argsort(rows["sent_ns"], kind="stable")]
    flown = Flown(ordered["sent_ns"], ordered["first_token_ns"], ordered["end_ns"], ordered["outcome"] == OK)
    lengths = ordered["input_tokens"][ordered["input_tokens"] >= 0]
    low, middle, high = np.percentile(lengths, (5, 50, 95)) if lengths.size else (0, 0, 0)
    return Drawn(
        ordered,
        counts_of(whole, rows, metrics.output.tokens_per_event),
        over_time(flown, streams=whole.is_stream),
        bool(high - low > _LENGTHS_VARY * middle),
    )


def _data(whole: Selection, drawn: Drawn, computed: Computed, task: str) -> dict[str, Any]:
    """What the scripts draw."""
    metrics = computed.metrics
    window = find_window(whole, metrics.stage)
    return {
        "streams": whole.is_stream,
        "window": _window(whole, window or _stable(whole), is_reported=window is not None),
        "requests": request_columns(whole),
        "runs": [{"name": task, "curves": curves_of(computed.selection, computed.plugged)}],
        "rates": drawn.counts.packed(),
        "against": "input" if drawn.varies else "load",
        "client": client_series(whole.recording.health, int(drawn.rows["sent_ns"].min())),
        "service": service_panels(whole.recording),
    }


def _window(whole: Selection, window: Window | None, *, is_reported: bool) -> dict[str, Any] | None:
    if window is None:
        return None
    shown = shown_window(whole, window)
    return {
        "name": window.name,
        "begin": shown.begin_s,
        "end": shown.end_s,
        "method": shown.method,
        "reported": is_reported,
    }


def _stable(whole: Selection) -> Window | None:
    """The stable stage of a run that is reported as a whole; None where it has none."""
    try:
        return find_window(whole, STABLE)
    except UsageError:
        return None


def _body(
    whole: Selection, computed: Computed, answer: Answer, drawn: Drawn | None, data: Mapping[str, Any]
) -> Iterator[str]:
    metrics = computed.metrics
    course, chart = None, ""
    if drawn is not None:
        course = _course(drawn)
        chart = _first_chart(whole, metrics, answer, drawn.over)
    yield head.fold(answer, metrics, course, _version(whole), chart)
    if promised := sections.promises(metrics):
        yield f"<section id=slo>{titled('Are the limits kept?', _kept(answer))}{promised}</section>"
    if metrics.stages:
        yield f"<section id=stages><h2>Stages of the load</h2>{sections.stages_table(metrics)}</section>"
    if metrics.failures:
        yield f"<section id=failures><h2>{failures_title(metrics)}</h2>{sections.failures_table(metrics)}</section>"
    if drawn is not None:
        yield from map(figure, _figures(whole, metrics, drawn, data))
    yield from _trust(computed, answer, data)
    if metrics.classes:
        yield f"<section id=classes><h2>Each class of requests</h2>{sections.class_tables(metrics)}</section>"
    yield f"<section{'' if metrics.failures else ' id=failures'}><h2>All numbers</h2>"
    yield "<p class=note>Rounded to three digits. Hover over a figure for all of its digits; the csv and json files "
    yield "have them, too.</p>"
    yield f"{sections.parameters_table(metrics)}{sections.footnotes_list(metrics)}<div class=pair>"
    yield f"<div>{sections.common_table(metrics)}</div><div>"
    yield f"{sections.service_table(metrics.service) if metrics.service is not None else ''}</div></div></section>"
    yield (
        "<section id=terms><details open><summary>What each number means</summary><p class=note>The full "
        f"definitions are in fastbench's docs/metrics.md.</p>{sections.terms(metrics)}</details></section>"
    )
    yield _made_by(whole, answer)


def _course(drawn: Drawn) -> head.Course:
    over = drawn.over
    return head.Course(
        drawn.counts.tokens_per_second(findings.SPARKS), over.sent, over.answered, float(over.edges_s[-1])
    )


def _kept(answer: Answer) -> str:
    """The SLOs and assertions in few words."""
    return " ".join(f"{one.short[:1].upper()}{one.short[1:]}." for one in answer.promises)


def _first_chart(whole: Selection, metrics: Metrics, answer: Answer, over: Over) -> str:
    title = "Did it keep up, and what did users feel?"
    found = metrics.kept_up
    window = None if metrics.window is None else (metrics.window.begin_s, metrics.window.end_s)
    onset = found.onset_s if found.state == OVERLOADED else None
    marks = Marks(onset, tuple(stage.begin_s for stage in metrics.stages[1:]), window)
    finding = f"{findings.kept_up(answer, over)} {findings.felt(over, streams=whole.is_stream)}".strip()
    chart = keep_up(
        over,
        streams=whole.is_stream,
        marks=marks,
        duration=lambda value: quantity(value, "ms"),
        alternative=f"{title} {finding}",
    )
    return f"<section id=keepup>{titled(title, finding)}{chart}</section>"


def _figures(whole: Selection, metrics: Metrics, drawn: Drawn, data: Mapping[str, Any]) -> Iterator[Figure]:
    streams = whole.is_stream
    most = metrics.load.peak_concurrency
    peak = f"At most {counted(most, 'request')} {'was' if most == 1 else 'were'} in flight at once."
    note = f"{_TIMELINE_NOTE if streams else ''} {_window_note(data)}".strip()
    title = "Each request from start to end" if streams else "Requests in flight"
    strip = f"<div id=overview>{flight_strip(drawn.over)}{_BRUSH}</div>" if streams else ""
    yield Figure("timeline", title, note, 620 if streams else 320, finding=peak, below=strip)
    if data["runs"][0]["curves"]:
        note = CURVES_NOTE
        yield Figure(
            "curves", "Percentiles", note, 520 if streams else 320, finding=findings.tail(data["runs"][0]["curves"])
        )
    names = ("TTFT", "E2EL", "TPOT") if streams else ("E2EL",)
    note = (
        "Each request at the time when it was sent. A percentile is drawn only where there are enough requests for it."
    )
    yield Figure("latency", "Latency over time", note, 380, names, findings.felt(drawn.over, streams=streams))
    if streams:
        what = "prompt length" if drawn.varies else "requests in flight"
        yield Figure("input", f"TTFT against {what}", "", 380, finding=findings.against(drawn))
    yield Figure("rates", "Throughput over time", "", 420, finding=findings.throughput(drawn.counts))
    if data["service"]:
        title = "The service's own metrics"
        yield Figure("service", title, "As its metrics page reported them.", 60 + 170 * len(data["service"]))


_BRUSH = (
    "<div class=brush role=slider tabindex=0 "
    'aria-label="Stretch of time that the chart above shows; arrow keys move it" '
    "aria-valuemin=0 aria-valuemax=100 aria-valuenow=50></div>"
)


def _trust(computed: Computed, answer: Answer, data: Mapping[str, Any]) -> Iterator[str]:
    metrics, found = computed.metrics, answer.checks
    word = "Measurement valid" if metrics.verdict.valid else "Measurement INVALID: not to be trusted"
    title = titled("Can these numbers be trusted?", f"{word}. {head.nearest(found)}".strip())
    yield f"<section id=trust>{title}{head.trust_bars(found, valid=metrics.verdict.valid)}"
    if found:
        yield "<p class=note>The upright line is the limit: a bar that goes beyond it makes the run INVALID.</p>"
    yield f"<details><summary>All details of load and client</summary>{sections.trust_table(metrics)}</details>"
    yield "</section>"
    if data.get("client"):
        lag = metrics.client.lag.values.get("P99")
        finding = (
            ""
            if lag is None
            else f"The client noticed 99 % of all data within {quantity(lag, metrics.client.lag.unit)}."
        )
        note = "Lag: how late the client noticed that data had arrived. Stalls: when the client itself stood still."
        yield figure(Figure("client", "Client error over time", note, 360, finding=finding))


def _made_by(whole: Selection, answer: Answer) -> str:
    """What made this page."""
    header = whole.header
    host = header.get("host") or {}
    where = [
        str(host.get("name") or ""),
        str(host.get("system") or ""),
        f"{host['cpus']} processors" if host.get("cpus") else "",
        f"Python {host['python']}" if host.get("python") else "",
    ]
    config = msgspec.json.format(msgspec.json.encode(header.get("config") or {}), indent=2).decode()
    told = [
        ("Measured by", f"fastbench {_version(whole) or 'of an unknown version'}"),
        ("On", ", ".join(part for part in where if part)),
        ("Run", str(header.get("run_id") or "")),
        ("To make this page again", "fastbench report DIRECTORY"),
        ("To repeat the run", "fastbench perf CONFIG.py, with the config below" if header.get("config") else ""),
    ]
    rows = "".join(f"<dt>{name}</dt><dd><code>{escape(text)}</code></dd>" for name, text in told if text)
    shown = f"<details><summary>Config</summary><pre>{escape(config)}</pre></details>" if header.get("config") else ""
    return f"<section id=made><h2>How this page was made</h2><dl class=terms>{rows}</dl>{shown}</section>"


def _version(whole: Selection) -> str:
    """fastbench's, that recorded it; empty where the header does not say."""
    return str(whole.header.get("fastbench") or "")


def _window_note(data: Mapping[str, Any]) -> str:
    window = data["window"]
    if not window:
        return ""
    return f"{'Reported' if window['reported'] else 'Between the dotted lines'}: {window['name']}, {window['method']}."
