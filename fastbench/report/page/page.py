"""A recording and its numbers → its report page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from fastbench.errors import UsageError
from fastbench.metrics import E2EL, ITL, TTFT, Computed, Metrics, Number, Rows, Selection
from fastbench.metrics.samples import OK, STABLE, InFlight, Window, find_window, shown_window
from fastbench.metrics.server import OVERLOADED
from fastbench.metrics.trust import checks
from fastbench.recording import Recording
from fastbench.report.answer import Answer, answer_of
from fastbench.report.console import failures_title
from fastbench.report.page import head, sections
from fastbench.report.page.curves import curves_of
from fastbench.report.page.document import Figure, document, figure
from fastbench.report.page.over_time import Counts, client_series, counts_of, service_panels
from fastbench.report.page.requests import request_columns, sent_rows
from fastbench.report.page.svg import Flown, Marks, Over, flight_strip, keep_up, over_time
from fastbench.units import NS_PER_MS, number, quantity, share

_SCRIPTS = ("timeline.js", "overview.js", "density.js", "curves.js", "series.js", "fold.js", "single.js")
_TIMELINE_NOTE = (
    "A line for each request: orange until its first token, blue until its end. Scroll or drag to zoom, double-click to "
    "see all. Where lines are closer than the screen's pixels, each row shows the medians of its requests, and behind "
    "them from the first start to the last end."
)
_SPARKS = 60
_LENGTHS_VARY = 0.2
_STEADY = 1.1
"""Medians that differ by less are called alike."""
_ROSE = 3.0


class Drawn(NamedTuple):
    """What a page draws of a run in which something was sent. rows: those that were. varies: whether the lengths of the
    prompts do."""

    rows: Rows
    counts: Counts
    over: Over
    varies: bool


def page(recording: Recording, computed: Computed, task: str) -> bytes:
    """The page of one stage of a recording: its sections, and charts of the whole run.

    computed: of that stage. task: "<model>/<dataset>", as it stands above the sections.
    """
    whole, answer = Selection(recording), answer_of(computed, task)
    rows = sent_rows(whole)
    drawn = _drawn(whole, rows, computed.metrics) if rows.size else None
    version = str(whole.header.get("fastbench") or "")
    data = {"markdown": head.markdown(answer, version)}
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
    metrics, version = computed.metrics, str(whole.header.get("fastbench") or "")
    course, chart = None, ""
    if drawn is not None:
        course = head.Course(drawn.counts.tokens_per_second(_SPARKS), drawn.over.arrived, drawn.over.answered)
        chart = _first_chart(whole, metrics, answer, drawn.over)
    yield head.fold(answer, metrics, course, version, chart)
    if metrics.stages:
        yield f"<section id=stages><h2>Stages of the load</h2>{sections.stages_table(metrics)}</section>"
    if metrics.failures:
        yield f"<section id=failures><h2>{failures_title(metrics)}</h2>{sections.failures_table(metrics)}</section>"
    if drawn is not None:
        yield from map(figure, _figures(whole, metrics, drawn, data))
    yield from _trust(computed, data)
    yield f"<section{'' if metrics.failures else ' id=failures'}><h2>All numbers</h2>"
    yield "<p class=note>Three digits; the exact figure of each shows at a hover, and stands in the files.</p>"
    yield f"{sections.parameters_table(metrics)}{sections.footnotes_list(metrics)}<div class=pair>"
    yield f"<div>{sections.common_table(metrics)}</div><div>"
    yield f"{sections.service_table(metrics.service) if metrics.service is not None else ''}</div></div></section>"
    yield (
        "<section id=terms><details open><summary>What each number means</summary><p class=note>docs/metrics.md of "
        f"fastbench has the whole definitions.</p>{sections.terms(metrics)}</details></section>"
    )
    yield _made_by(whole, answer)


def _first_chart(whole: Selection, metrics: Metrics, answer: Answer, over: Over) -> str:
    title = "Did it keep up, and what did users feel?"
    found = metrics.kept_up
    window = None if metrics.window is None else (metrics.window.begin_s, metrics.window.end_s)
    onset = found.onset_s if found.state == OVERLOADED else None
    marks = Marks(onset, tuple(stage.begin_s for stage in metrics.stages[1:]), window)
    finding = f"{_kept_up(answer, over)} {_felt(over, streams=whole.is_stream)}".strip()
    chart = keep_up(
        over,
        streams=whole.is_stream,
        marks=marks,
        duration=_ms,
        alternative=f"{title} {finding}",
    )
    return f"<section id=keepup><h2>{title}</h2><p class=finding>{escape(finding)}</p>{chart}</section>"


def _kept_up(answer: Answer, over: Over) -> str:
    waiting = float(over.waiting.sum() / max(float((over.waiting + over.decoding).sum()), 1e-9))
    waits = f", {share(waiting)} of that time waiting for the first token" if over.waiting.any() else ""
    if answer.service is not None:
        told = "; ".join(answer.service.clauses)
        return f"{answer.service.short.capitalize()}{f': {told}' if told else ''}."
    flight = float((over.waiting + over.decoding).mean())
    return f"A closed loop: {number(round(flight, 1))} requests in flight on average{waits}."


def _felt(over: Over, *, streams: bool) -> str:
    """How the median over the run went."""
    name = "TTFT" if streams else "E2EL"
    known = over.median[np.isfinite(over.median)]
    if not known.size:
        return ""
    first, last = float(known[: max(1, known.size // 8)].mean()), float(known[-max(1, known.size // 8) :].mean())
    low, high = (float(value) for value in np.percentile(known, (10, 90)))
    worst = int(np.nanargmax(over.median))
    most = float(over.median[worst])
    if last > _ROSE * first:
        return f"The median {name} rose from {_ms(first)} to {_ms(last)}."
    if first > _ROSE * last:
        return f"The median {name} fell from {_ms(first)} to {_ms(last)}."
    at = f"; at its worst, {_ms(most)}, at {over.edges_s[worst]:.3g} s" if most > 2 * high else ""
    return f"The median {name} stayed between {_ms(low)} and {_ms(high)} for most of the run{at}."


def _ms(value: float) -> str:
    return quantity(value, "ms")


def _figures(whole: Selection, metrics: Metrics, drawn: Drawn, data: Mapping[str, Any]) -> Iterator[Figure]:
    streams = whole.is_stream
    peak = f"At most {metrics.load.peak_concurrency:,} requests were in flight at a time."
    note = f"{_TIMELINE_NOTE if streams else ''} {_window_note(data)}".strip()
    title = "Each request from start to end" if streams else "Requests in flight"
    strip = f'<div id=overview>{flight_strip(drawn.over)}{_BRUSH}</div>' if streams else ""
    yield Figure("timeline", title, note, 620 if streams else 320, finding=peak, below=strip)
    if data["runs"][0]["curves"]:
        note = "Dotted: too few samples beyond it at 99 % confidence."
        yield Figure("curves", "Percentiles", note, 520 if streams else 320, finding=_tail(data["runs"][0]["curves"]))
    names = ("TTFT", "E2EL", "TPOT") if streams else ("E2EL",)
    note = "Each request at the moment when it was sent. A percentile stands only where a bin has the requests for it."
    yield Figure("latency", "Latency over time", note, 380, names, _felt(drawn.over, streams=streams))
    if streams:
        what = "input length" if drawn.varies else "load"
        yield Figure("input", f"TTFT against {what}", "", 380, finding=_against(drawn))
    yield Figure("rates", "Throughput over time", "", 420, finding=_throughput(drawn.counts))
    if data["service"]:
        title = "The service's own metrics"
        yield Figure("service", title, "As its metrics page told them.", 60 + 170 * len(data["service"]))


_BRUSH = (
    '<div class=brush role=slider tabindex=0 aria-label="Stretch of time that the chart above shows; arrow keys move it" '
    "aria-valuemin=0 aria-valuemax=100 aria-valuenow=50></div>"
)


def _tail(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """How long the slowest took, as far as the samples can tell."""
    told = []
    for name in ("TTFT", "TPOT", "E2EL"):
        curve = curves.get(name)
        if curve is not None:
            percent, nines = next((one for one in _TAILS if one[1] <= curve["supported"]), _TAILS[-1])
            value = float(np.interp(nines, curve["nines"], curve["values"]))
            told.append(f"{percent} % of {name} are below {_ms(value)}")
    return f"{', '.join(told)}." if told else ""


_TAILS = ((99, 2.0), (90, 1.0), (50, -np.log10(0.5)))


def _throughput(counts: Counts) -> str:
    rates = counts.tokens_per_second(_SPARKS)
    low, high = np.percentile(rates, (10, 90))
    return f"Output tokens: {number(round(float(low)))} to {number(round(float(high)))}/s in eight of ten stretches of the run."


def _against(drawn: Drawn) -> str:
    """The median TTFT of the quarter of the requests that had the shortest prompts, or the least company, and of that
    which had most."""
    rows = drawn.rows
    flight = InFlight(rows["sent_ns"], np.sort(rows["end_ns"])).at_starts()
    x = rows["input_tokens"] if drawn.varies else flight
    known = (rows["outcome"] == OK) & (rows["first_token_ns"] > 0) & (x >= 0)
    x, ttft = x[known].astype(np.float64), (rows["first_token_ns"] - rows["sent_ns"])[known] / NS_PER_MS
    if x.size < 8:
        return ""
    low, high = np.percentile(x, (25, 75))
    few, many = float(np.median(ttft[x <= low])), float(np.median(ttft[x >= high]))
    return _compared(few, many, float(low), float(high), "tokens" if drawn.varies else "in flight")


def _compared(few: float, many: float, low: float, high: float, unit: str) -> str:
    if low == high or max(few, many) < _STEADY * min(few, many):
        return f"The median TTFT hardly depends on it: {_ms(few)} up to {low:,.0f} {unit}, {_ms(many)} from {high:,.0f} on."
    return f"The median TTFT is {_ms(few)} up to {low:,.0f} {unit}, and {_ms(many)} from {high:,.0f} on."


def _trust(computed: Computed, data: Mapping[str, Any]) -> Iterator[str]:
    metrics = computed.metrics
    rows = {metric.name: computed.row(metric) for metric in (TTFT, ITL, E2EL)}
    medians: dict[str, Number] = {name: None if row is None else row.values["Median"] for name, row in rows.items()}
    found = checks(metrics, medians)
    word = "Measurement valid" if metrics.verdict.valid else "Measurement not to be trusted"
    yield f"<section id=trust><h2>May the numbers be believed? {word}</h2>"
    yield f"<p class=finding>{escape(head.nearest(found))}</p>{head.trust_bars(found, valid=metrics.verdict.valid)}"
    yield "<p class=note>The upright line is the limit: what lies beyond it makes a run INVALID.</p>"
    yield f"<details><summary>All that is known of load and client</summary>{sections.trust_table(metrics)}</details>"
    yield "</section>"
    if data.get("client"):
        lag = metrics.client.lag.values.get("P99")
        finding = "" if lag is None else f"99 % of what arrived was noticed within {quantity(lag, metrics.client.lag.unit)}."
        note = "How late the client noticed what had arrived, and when it stood still."
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
    version = str(header.get("fastbench") or "of an unknown version")
    told = [
        ("Measured by", f"fastbench {version}"),
        ("On", ", ".join(part for part in where if part)),
        ("Run", str(header.get("run_id") or "")),
        ("This page again", "fastbench report DIRECTORY"),
        ("The run again", "fastbench perf CONFIG.py, of this config:" if header.get("config") else ""),
    ]
    rows = "".join(f"<dt>{name}</dt><dd><code>{escape(text)}</code></dd>" for name, text in told if text)
    shown = f"<details><summary>Config</summary><pre>{escape(config)}</pre></details>" if header.get("config") else ""
    return f"<section id=made><h2>What made this page</h2><dl class=terms>{rows}</dl>{shown}</section>"


def _window_note(data: Mapping[str, Any]) -> str:
    window = data["window"]
    if not window:
        return ""
    return f"{'Reported' if window['reported'] else 'Between the dotted lines'}: {window['name']}, {window['method']}."
