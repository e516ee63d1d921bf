"""The first screen of a page: what was run, the answer in a sentence, verdicts, the numbers one looks for first."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics import OWN_METRICS, SMOOTHNESS, Metric, Metrics, Parameter
from fastbench.metrics.samples import percent_of, samples_needed
from fastbench.metrics.trust import Check
from fastbench.registry import METRICS
from fastbench.report.answer import Answer, Latency, Level, Statement
from fastbench.report.cells import escaped as without_marks
from fastbench.report.cells import plus_minus, shortened
from fastbench.report.page.svg import sparkline, strip
from fastbench.report.sentence import PER_USER
from fastbench.units import MISSING, number, quantity, rate, share

SIGNS = {Level.GOOD: "✓", Level.NOTICE: "!", Level.BAD: "✗"}
_LONGEST = 100
"""Characters of the name of a class, with what stands ahead of it."""
_PROOFS = {"slo": 2}
"""Clauses beside a verdict whose section has them all."""
TOOLS = (
    "<div class=tools><button id=copy type=button>Copy as Markdown</button>"
    "<button id=picture type=button>Save as PNG</button><button id=theme type=button>Light / dark</button></div>"
)
_CARDS = ("TTFT", "TPOT", "E2EL")
_RATE_TERMS = {
    "Output": ("Output Token Throughput", "output tokens of all successful requests / duration of the run, token/s"),
    "Requests": ("Request Throughput", "successful requests / duration of the run, req/s"),
}
_WHILE_SENDING = (
    "successful requests per second while requests were sent: in an overload from its onset on, else from when the "
    "first ones were answered"
)


class Course(NamedTuple):
    """How a run of `span_s` seconds went on, in bins of equal width: per second, (bins,) each."""

    tokens: NDArray[np.float64]
    sent: NDArray[np.float64]
    answered: NDArray[np.float64]
    span_s: float


def header(answer: Answer, version: str) -> str:
    """Above all: what was run, and the sentence."""
    pieces = "".join(f"<b>{escape(text)}</b>" if strong else escape(text) for text, strong in answer.sentence)
    return (
        f"<header><div><p class=meta>{_about(answer, version)}</p></div>{TOOLS}</header>"
        f"<h1 class=sentence>{pieces}</h1>"
    )


def _about(answer: Answer, version: str) -> str:
    first, *rest = about(answer, version)
    return "&nbsp;· ".join((f"<b>{escape(first)}</b>", *map(escape, rest)))


def about(answer: Answer, version: str) -> list[str]:
    """What was run, the model first. version: fastbench's, that recorded it."""
    subject = answer.subject
    told = [
        subject.model or subject.task,
        subject.task if subject.model else "",
        subject.url,
        "" if subject.created is None else date(subject.created),
        *subject.course,
        subject.lengths,
        "" if subject.seed is None else f"seed {subject.seed}",
        f"stage {subject.stage}" if subject.stage else "",
        f"fastbench {version}" if version else "",
    ]
    return [part for part in told if part]


def date(moment: datetime.datetime) -> str:
    """For people: 28 Nov 2026, 13:09 UTC."""
    zone = "" if moment.tzinfo is None else " UTC"
    shown = moment if moment.tzinfo is None else moment.astimezone(datetime.UTC)
    return f"{shown.day} {shown:%b %Y, %H:%M}{zone}"


def statements(answer: Answer) -> list[tuple[Statement, str]]:
    """What was found out of the run, each with the part of the page that proves it."""
    parts = [(answer.outcome, "failures"), (answer.service, "keepup"), (answer.measurement, "trust")]
    found = [(statement, place) for statement, place in parts if statement is not None]
    return [*found, *((one, "slo") for one in answer.promises)]


def pills(answer: Answer, *, inside: bool = True) -> str:
    """The verdicts, told by sign and word as well as by colour. inside: whether they lead to their proofs."""
    return "".join(pill(*one) if inside else badge(one[0]) for one in statements(answer))


def pill(statement: Statement, place: str) -> str:
    """A verdict that leads to a part of the page, and what makes it so."""
    # Why a run is not to be trusted stands below, with what to do; the sentence stands above.
    told = (
        "" if statement.level is Level.BAD and place == "trust" else " · ".join(statement.beside[: _PROOFS.get(place)])
    )
    proof = f"<span class=proof>{escape(told)}</span>" if told else ""
    return f'<li><a class="pill {statement.level.value}" href="#{place}">{_worded(statement)}</a>{proof}</li>'


def badge(statement: Statement) -> str:
    """A verdict by itself."""
    return f'<span class="pill {statement.level.value}">{_worded(statement)}</span>'


def _worded(statement: Statement) -> str:
    return f"{SIGNS[statement.level]} {escape(statement.short[:1].upper() + statement.short[1:])}"


def fold(answer: Answer, metrics: Metrics, course: Course | None, version: str, chart: str) -> str:
    """All of the first screen. course: None where nothing was sent. chart: HTML."""
    reasons = "".join(f"<li>{escape(shortened(sentence))}</li>" for sentence in metrics.verdict.sentences)
    listed = f"<ul class=reasons>{reasons}</ul>" if reasons else ""
    return (
        f"<div id=fold>{header(answer, version)}<ul class=pills>{pills(answer)}</ul>{listed}"
        f"{_cards(answer, metrics, course)}{chart}</div>"
    )


def _cards(answer: Answer, metrics: Metrics, course: Course | None) -> str:
    cards = [_latency_card(one) for one in map(answer.latency, _CARDS) if one is not None]
    own = {*(metric.name for metric in OWN_METRICS), *SMOOTHNESS}
    rows = [row for row in (*metrics.parameters, *metrics.further) if row.name not in own]
    cards += [card for row in rows for card in _plugged_card(row)]
    if course is not None:
        cards += [_output_card(answer, course)] if answer.rates.output_tokens else []
        cards.append(_requests_card(answer, metrics, course))
    return f'<div class="cards of-{min(len(cards), 5)}">{"".join(cards)}</div>' if cards else ""


def _latency_card(found: Latency) -> str:
    row = found.row
    small = [rare(row, name) for name in ("P90", "P99")]
    picture = ""
    if found.strip is not None:
        ticks = [(name.lower(), row.values[name]) for name in ("Median", "P99") if name not in row.marked]
        low, high, counts = found.strip
        first, last = quantity(low, "ms"), quantity(high, "ms")
        told = f"How many requests had which {found.name}, from {first} (P0.5) to {last} (P99)"
        picture = strip(counts, low, high, [(kind, value) for kind, value in ticks if value is not None], told)
        alike = first == last
        picture += (
            _ends("", f"all requests {first}", "") if alike else _ends(f"P0.5 {first}", "requests", f"P99 {last}")
        )
    value, *unit = figure(row, "Median").split(" ")
    unit.insert(1, "median")  # ahead of the marks
    return _card(term(found.name, found.formula), found.about, value, " ".join(unit), small, picture)


def _ends(first: str, middle: str, last: str) -> str:
    """What a picture's ends are, and between them what it shows."""
    return f"<div class=ends><span>{escape(first)}</span><span>{escape(middle)}</span><span>{escape(last)}</span></div>"


def figure(row: Parameter, name: str) -> str:
    """A statistic for a glance, with the mark of what the client's stalls leave uncertain, or of too few samples. A
    rare one of too few is none."""
    if name in row.marked and percent_of(name) is not None and name != "Median":
        return MISSING
    marks = f"{' *' if name in row.marked else ''}{' ~' if name in row.unsure else ''}"
    return f"{quantity(row.values[name], row.unit)}{marks}"


def rare(row: Parameter, name: str) -> str:
    """A percentile with its name, or how many requests it needs."""
    if name in row.marked:
        return f"{name} needs {samples_needed(percent_of(name) or 0):,} requests"
    return f"{name} {figure(row, name)} {plus_minus(row, name)}".rstrip()


def _plugged_card(row: Parameter) -> Iterator[str]:
    """Of a package's metric that has a place here."""
    metric: Metric = METRICS.get(row.name)
    names = [name for name in metric.headlines if name in row.values]
    if names:
        value, _, unit = figure(row, names[0]).partition(" ")
        small = [f"{name} {figure(row, name)}" for name in names[1:]]
        yield _card(term(row.name, metric.formula), "", value, f"{unit} {names[0].lower()}".strip(), small, "")


def _output_card(answer: Answer, course: Course) -> str:
    rates = answer.rates
    small = [f"{number(rates.per_user)} tokens/s {PER_USER}"] if rates.per_user else []
    picture = sparkline([("answered", course.tokens)], "Output tokens per second over the run")
    return _card(
        term("Output", _RATE_TERMS["Output"][1], "Output Token Throughput"),
        "all users",
        *(number(rates.output_tokens), "tokens/s", small, picture + _over_time(course)),
    )


def _over_time(course: Course) -> str:
    return _ends("0 s", "over time", quantity(float(f"{course.span_s:.3g}"), "s"))


def _requests_card(answer: Answer, metrics: Metrics, course: Course) -> str:
    rates, outcomes = answer.rates, answer.outcomes
    asked = f"asked {rate(rates.asked)}" if rates.asked else ""
    flight = metrics.load.steady_concurrency
    small = [part for part in (asked, "" if asked or flight is None else f"{number(flight)} in flight") if part]
    if outcomes.failed:
        small.append(f"{share(outcomes.failed_share)} failed")
    lines = [("answered", course.answered)]
    if rates.asked:
        lines.insert(0, ("sent", course.sent))
    picture = sparkline(lines, "Requests answered per second over the run, beside those that were sent")
    meant = term("Requests", _RATE_TERMS["Requests"][1], "Request Throughput")
    return _card(
        meant if rates.answered is None else term("Requests", _WHILE_SENDING, place="keepup"),
        "answered",
        *(rate(rates.served).removesuffix("/s"), "requests/s", small, picture + _over_time(course)),
    )


def _card(what: str, about: str, value: str, unit: str, small: Sequence[str], picture: str) -> str:
    return (
        f"<div class=card><span class=what>{what} {escape(about)}</span><b>{escape(value)} <i>{escape(unit)}</i></b>"
        f"<small>{escape(' · '.join(small))}</small>{picture}</div>"
    )


def term(name: str, meaning: str, key: str = "", *, place: str = "") -> str:
    """A name that says what it means at a hover, and leads to its definition. key: of the definition. place: another
    one to lead to."""
    return f'<abbr title="{escape(meaning)}"><a href="#{place or anchor(key or name)}">{escape(name)}</a></abbr>'


def anchor(name: str) -> str:
    """The id of a definition."""
    return "term-" + "".join(char if char.isalnum() else "-" for char in name)


def trust_bars(found: Sequence[Check], *, valid: bool) -> str:
    """What decides the verdict: a bar towards each limit. valid: whether the run is: then no limit counts as missed."""
    rows = []
    for check in found:
        bad = check.used > 1 and not valid
        level = " bad" if bad else ""
        value, limit = check.shown
        sign = "✗" if bad else "✓"
        rows.append(
            f'<abbr title="{escape(check.told)}">{escape(check.name)}</abbr>'
            f'<span class="track{level}" role="img" aria-label="{share(check.used)} of the limit">'
            f'<i style="width:{min(100.0, 80 * check.used):.1f}%"></i></span>'
            f'<span class="value{level}">{sign} {value} <abbr title="{escape(check.why)}">of {limit}</abbr></span>'
        )
    return f"<div class=checks>{''.join(rows)}</div>" if rows else ""


def nearest(found: Sequence[Check]) -> str:
    """What came nearest to its limit, in a sentence; empty where there is nothing to compare."""
    if not found:
        return ""
    most = max(found, key=lambda check: check.used)
    return f"Nearest to its limit: {most.told}."


def markdown(answer: Answer, version: str) -> str:
    """The first screen as text for a chat or an issue."""
    told = [
        f"{SIGNS[one.level]} {one.short}" + "".join(f" · {part}" for part in one.beside)
        for one, _ in statements(answer)
    ]
    rows = [
        f"| {one.name} {one.about} | {' | '.join(figure(one.row, name) for name in ('Median', 'P90', 'P99', 'Max'))} |"
        for one in answer.latencies
    ]
    table = ["| | median | P90 | P99 | max |", "|---|---:|---:|---:|---:|", *rows, ""] if rows else []
    rates = answer.rates
    speeds = [] if rates.served is None else [rate(rates.served, "requests")]
    speeds += [
        f"{number(value)} {unit}"
        for value, unit in ((rates.output_tokens, "output tokens/s"), (rates.per_user, f"tokens/s {PER_USER}"))
        if value is not None
    ]
    sentence = "".join(f"**{text}**" if strong else text for text, strong in answer.sentence)
    classes = [f"- {without_marks(one.title, _LONGEST)}: {' · '.join(one.clauses)}" for one in answer.classes]
    classes += [""] if classes else []
    parts = [
        sentence,
        "",
        *(f"- {line}" for line in told),
        "",
        *table,
        " · ".join(speeds),
        "",
        *classes,
        " · ".join(about(answer, version)),
    ]
    return "\n".join(parts) + "\n"
