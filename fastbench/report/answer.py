"""A recording's numbers → what a person wants to know first: the answer, with nothing about how it is drawn."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from fastbench.metrics import (
    E2EL,
    INPUT_TOKENS,
    ITL,
    OUTPUT_TOKENS,
    TPOT,
    TTFT,
    Computed,
    Metric,
    Metrics,
    Number,
    Parameter,
    ServiceVerdict,
    StageOfLoad,
)
from fastbench.metrics.samples import Histogram, histogram, section
from fastbench.metrics.server import CLOSED, KEPT_UP, OVERLOADED, UNKNOWN
from fastbench.report.statements import cut_off, rate
from fastbench.units import number, quantity, share

STRIP_BINS = 48
"""Of a latency's strip: 16, 24 and 12 columns each hold a whole number of them."""
SHOWN = {
    TTFT: "first token",
    TPOT: "per output token",
    ITL: "between events",
    E2EL: "whole request",
}
"""The latencies of the answer in their order, and what each is in two words."""

_FIGURE = re.compile(r"\d+\.\d{4}")
"""As sentences of the verdict have them, exact enough for files."""


class Level(Enum):
    """What a statement means for its reader."""

    GOOD = "good"
    NOTICE = "notice"
    BAD = "bad"


class Statement(msgspec.Struct, frozen=True):
    """Something found out of the run. short: a few words without a capital; clauses: what makes it so, the most
    telling first; remedies: for each of them why it was and what to do, where that is known."""

    level: Level
    short: str
    clauses: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


class Span(NamedTuple):
    """The least and the most of some lengths, in tokens."""

    low: int
    high: int


class Subject(msgspec.Struct, frozen=True):
    """What was run. Texts are without control characters, whoever chose them.

    task: model and data set by the config's names; model: as the service was asked for it; host: with its port. load:
    in words. requests: planned, or begun in the window. inputs, outputs: of the requests that succeeded, None where
    nobody counted. duration_ms: from the first send to the last end. created: None where the recording does not say.
    stage: the part that the numbers are of; empty for the whole.
    """

    task: str
    model: str
    dataset: str
    url: str
    host: str
    load: str
    requests: int
    inputs: Span | None
    outputs: Span | None
    duration_ms: Number
    created: datetime.datetime | None
    stage: str


class Outcomes(msgspec.Struct, frozen=True):
    """How the requests ended. reasons: of the failed ones, such as `17 HTTP 503`, the most frequent first. cut: in
    flight when the run was ended. open: without an outcome, lost or interrupted."""

    total: int
    ok: int
    failed: int
    failed_share: float | None
    reasons: tuple[str, ...]
    cut: int
    not_sent: int
    open: int


class Rates(msgspec.Struct, frozen=True):
    """Per second. asked, sent, answered: requests of an open loop while the load lasted, in an overload from its onset
    on; None for a closed one. Of a load of one rate, asked is that rate. requests, output_tokens: successful ones over
    the whole duration. per_user: output tokens that one user reads, 1 / median TPOT; None without streams."""

    asked: Number
    sent: Number
    answered: Number
    requests: Number
    output_tokens: Number
    per_user: Number


class Latency(msgspec.Struct, frozen=True):
    """A latency. about: what it is in two words; formula: in the names of docs/metrics.md. row: with the statistics
    Min, Median, P90, P99 and Max in ms, of which `marked` have too few samples and `unsure` are uncertain. strip: how
    many samples, in ms, lie in each of `STRIP_BINS` bins from P0.5 to P99; None without any."""

    name: str
    about: str
    formula: str
    row: Parameter
    strip: Histogram | None


class Piece(NamedTuple):
    """A part of a sentence. strong: whether it is what the sentence is about."""

    text: str
    strong: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What one stage of a recording says.

    service: None for a closed loop, where the outcome says what there is to say of the service. overloaded: whether
    that is what it says. stages: of a load that changes. sentence: the answer as one would quote it.
    """

    subject: Subject
    measurement: Statement
    service: Statement | None
    overloaded: bool
    outcome: Statement
    outcomes: Outcomes
    rates: Rates
    latencies: tuple[Latency, ...]
    stages: tuple[StageOfLoad, ...]
    kept_up_to: float | None
    sentence: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The sentence without emphasis."""
        return "".join(piece.text for piece in self.sentence)

    def latency(self, name: str) -> Latency | None:
        """By its name."""
        return next((one for one in self.latencies if one.name == name), None)


def answer_of(computed: Computed, task: str) -> Answer:
    """The answer. task: "<model>/<dataset>" by the config's names."""
    metrics = computed.metrics
    ended, rates = _outcomes(metrics), _rates(computed)
    latencies = tuple(_latencies(computed))
    judged = service(metrics.kept_up, rates.asked)
    return Answer(
        subject=_subject(computed, task),
        measurement=measurement(metrics),
        service=judged,
        overloaded=judged is not None and metrics.kept_up.state == OVERLOADED,
        outcome=outcome(ended),
        outcomes=ended,
        rates=rates,
        latencies=latencies,
        stages=metrics.stages,
        kept_up_to=metrics.kept_up.kept_up_to,
        sentence=_sentence(metrics, ended, rates, {one.name: one.row.values["Median"] for one in latencies}, computed),
    )


def per_user(tpot_ms: Number) -> Number:
    """Output tokens per second that one user reads, by the time between two of them."""
    return 1_000 / tpot_ms if tpot_ms else None


def clean(text: object) -> str:
    """On one line, without what could steer a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())


def _subject(computed: Computed, task: str) -> Subject:
    header, metrics = computed.selection.header, computed.metrics
    asked = section(header, "service")
    url = str(asked.get("url") or "")
    return Subject(
        task=clean(task),
        model=clean(asked.get("model") or ""),
        dataset=clean(section(header, "task").get("dataset") or ""),
        url=clean(url),
        host=clean(_host(url)),
        load=clean(computed.selection.asked.headline),
        requests=sum(metrics.outcomes.values()),
        inputs=_span(computed.row(INPUT_TOKENS)),
        outputs=_span(computed.row(OUTPUT_TOKENS)),
        duration_ms=computed.figure("Benchmark Duration"),
        created=_moment(header.get("created")),
        stage="" if metrics.window is None else metrics.stage,
    )


def _host(url: str) -> str:
    """Without a user's name and password, which may stand ahead of it."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _moment(text: object) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _span(row: Parameter | None) -> Span | None:
    low, high = (None, None) if row is None else (row.values["Min"], row.values["Max"])
    return None if low is None or high is None else Span(int(low), int(high))


def _outcomes(metrics: Metrics) -> Outcomes:
    found, total, cut = metrics.kept_up, sum(metrics.outcomes.values()), cut_off(metrics)
    known = metrics.success + found.failed + cut + metrics.not_sent
    return Outcomes(
        total=total,
        ok=metrics.success,
        failed=found.failed,
        failed_share=found.failed_share,
        reasons=found.reasons,
        cut=cut,
        not_sent=metrics.not_sent,
        open=max(0, total - known),
    )


def _rates(computed: Computed) -> Rates:
    found, tpot = computed.metrics.kept_up, computed.row(TPOT)
    return Rates(
        # The plan's, where it is one: what a random process came to is beside it.
        asked=computed.metrics.load.configured_rate or found.asked_rate,
        sent=found.sent_rate,
        answered=found.answered_rate,
        requests=computed.figure("Request Throughput"),
        output_tokens=computed.figure("Output Token Throughput"),
        per_user=None if tpot is None else per_user(tpot.values["Median"]),
    )


def _latencies(computed: Computed) -> Iterator[Latency]:
    for metric, about in SHOWN.items():
        row = computed.row(metric)
        if row is not None and row.samples:
            yield Latency(metric.name, about, metric.formula, row, _strip(metric, computed))


def _strip(metric: Metric, computed: Computed) -> Histogram | None:
    found = histogram(metric.samples_of(computed.selection), STRIP_BINS)
    return found and found._replace(low=found.low / metric.scale, high=found.high / metric.scale)


def measurement(metrics: Metrics) -> Statement:
    """On the measurement: whether its numbers may be used as they stand."""
    if not metrics.verdict.valid:
        return Statement(
            Level.BAD,
            "measurement not to be trusted",
            tuple(_short_figures(one.effect) for one in metrics.verdict.reasons),
            tuple(_short_figures(f"{one.cause}: {one.remedy}") for one in metrics.verdict.reasons),
        )
    late, blurred = metrics.effect.lateness_ms, metrics.client.uncertain_gap_share
    clauses = [] if late is None else [f"client late by {quantity(late, 'ms')} (P99)"]
    clauses += [] if blurred is None else [f"{share(blurred)} of gaps blurred"]
    return Statement(Level.GOOD, "measurement valid", tuple(clauses))


def _short_figures(sentence: str) -> str:
    return _FIGURE.sub(lambda found: number(float(found[0])), sentence)


def service(found: ServiceVerdict, asked: Number) -> Statement | None:
    """On a service that had no say in when requests came; None where it had, and where it answered nothing. asked:
    requests per second."""
    if not found.answered or found.state == CLOSED:
        return None
    rates = f"asked {rate(asked)}, answered {rate(found.answered_rate)}"
    to = [] if found.kept_up_to is None else [f"kept up to {rate(found.kept_up_to)}"]
    if found.state == OVERLOADED:
        since = f" from {quantity(found.onset_s, 's')} on" if found.onset_s else ""
        queue = [f"the queue grew to {number(found.queue)}"] if found.queue else []
        queue += [f"limit in flight {found.limit} reached"] if found.limit is not None else []
        return Statement(Level.NOTICE, "service overloaded", (*to, f"{rates}{since}", *queue))
    if found.state == KEPT_UP:
        return Statement(Level.GOOD, "service kept up", (rates, *to))
    if found.state == UNKNOWN:
        return Statement(Level.NOTICE, "service not judged", ("the recording has no end",))
    return Statement(Level.NOTICE, "service: too short to tell", (rates, "needs more requests or a longer run", *to))


def outcome(ended: Outcomes) -> Statement:
    """On the requests."""
    if not ended.total:
        return Statement(Level.BAD, "no request was sent")
    if ended.ok == ended.total:
        return Statement(Level.GOOD, f"{ended.ok:,} of {ended.total:,} OK")
    level = Level.NOTICE if ended.ok else Level.BAD
    if ended.ok + ended.failed < ended.total:
        parts = (
            *((ended.ok, "OK"), (ended.failed, "failed"), (ended.cut, "cut")),
            *((ended.not_sent, "not sent"), (ended.open, "without an outcome")),
        )
        told = ", ".join(f"{count:,} {what}" for count, what in parts if count or what == "OK")
        return Statement(level, told, ended.reasons)
    if not ended.ok:
        return Statement(level, f"all {ended.total:,} failed", ended.reasons)
    return Statement(level, f"{ended.failed:,} of {ended.total:,} failed ({share(ended.failed_share)})", ended.reasons)


def _sentence(
    metrics: Metrics, ended: Outcomes, rates: Rates, medians: dict[str, Number], computed: Computed
) -> tuple[Piece, ...]:
    """Figures between asterisks are strong."""
    parts = [*_load(metrics, ended, rates, medians, computed.selection.asked.limit), *_faults(metrics, ended)]
    pieces = " ".join(parts).split("*")
    return tuple(Piece(text, bool(place % 2)) for place, text in enumerate(pieces) if text)


def _load(
    metrics: Metrics, ended: Outcomes, rates: Rates, medians: dict[str, Number], limit: int | None
) -> Iterator[str]:
    if not ended.total:
        yield "No request was sent."
    elif not ended.ok:
        why = f": {', '.join(ended.reasons)}" if ended.reasons else ""
        yield f"None of *{_count(ended.total, 'request')}* succeeded{why}."
    elif ended.ok == 1:
        yield _one(rates, medians)
    elif metrics.stages and metrics.kept_up.state != CLOSED:
        yield from _staged(metrics)
    elif metrics.kept_up.state == OVERLOADED:
        yield _overloaded(metrics.kept_up, rates, medians)
    else:
        yield _answered(metrics, rates, limit)
        yield _felt(rates, medians)


def _one(rates: Rates, medians: dict[str, Number]) -> str:
    whole = f"One request took *{_ms(medians['E2EL'])}*"
    if medians.get("TTFT") is None:
        return f"{whole}."
    then = f", then *{number(rates.per_user)} tokens/s*" if rates.per_user else ""
    return f"{whole}: the first token came after *{_ms(medians['TTFT'])}*{then}."


def _staged(metrics: Metrics) -> Iterator[str]:
    found, limits = metrics.kept_up, [part.asked_rate for part in metrics.stages if part.kept_up == OVERLOADED]
    beyond = min((limit for limit in limits if limit is not None), default=None)
    if found.kept_up_to is None:
        yield _unsteady(found, beyond)
        return
    worse = "" if beyond is None else f", and is overloaded at *{number(beyond)}*"
    yield f"The service keeps up with *{_rate(found.kept_up_to)}*{worse}."
    at = next(part for part in metrics.stages if part.asked_rate == found.kept_up_to and part.kept_up == KEPT_UP)
    ttft, tpot = at.ttft_ms.get("Median"), at.tpot_ms.get("Median")
    if ttft is not None:
        reads = f", then reads *{number(per_user(tpot))} tokens/s*" if tpot else ""
        yield f"At that rate a user waits *{_ms(ttft)}* for the first token{reads}."


def _unsteady(found: ServiceVerdict, beyond: float | None) -> str:
    """Of a load that changes, without a rate that the service certainly kept up with."""
    asked, answered = _rate(found.asked_rate), number(found.answered_rate)
    if found.state != OVERLOADED:
        return f"Asked for *{asked}* on average, the service answered *{answered}*; whether it keeps up is not certain."
    since = f" from *{quantity(found.onset_s, 's')}* on" if found.onset_s else ""
    at = "" if beyond is None else f" It is overloaded at *{_rate(beyond)}*."
    queue = f"; the queue grew to *{number(found.queue)}*" if found.queue else ""
    return f"Overloaded{since}: asked for *{asked}*, the service answers *{answered}*{queue}.{at}"


def _overloaded(found: ServiceVerdict, rates: Rates, medians: dict[str, Number]) -> str:
    waits = f"a user waits *{_ms(medians['TTFT'])}* for the first token"
    if medians.get("TTFT") is None:
        waits = f"a reply takes *{_ms(medians['E2EL'])}*"
    queue = f"the queue grew to *{number(found.queue)}*, and " if found.queue else ""
    asked, answered = _rate(rates.asked), number(found.answered_rate)
    return f"Overloaded: asked for *{asked}*, the service answers *{answered}*; {queue}{waits}."


def _answered(metrics: Metrics, rates: Rates, limit: int | None) -> str:
    found = metrics.kept_up
    if found.state == CLOSED:
        answers = f"the service answers *{_rate(rates.requests)}*"
        if limit is None:
            return f"{answers[0].upper()}{answers[1:]}."
        up_to = "up to " if metrics.stages or metrics.load.peak_concurrency < limit else ""
        return f"With {up_to}*{'one request' if limit == 1 else f'{limit:,} requests'} in flight* {answers}."
    asked = f"Asked for *{_rate(rates.asked)}*, the service"
    if found.state == KEPT_UP:
        return f"{asked} keeps up."
    why = "the recording has no end" if found.state == UNKNOWN else "the run is too short to tell if it keeps up"
    return f"{asked} answered *{number(found.answered_rate)}*; {why}."


def _felt(rates: Rates, medians: dict[str, Number]) -> str:
    if medians.get("TTFT") is None:
        return f"A reply takes *{_ms(medians['E2EL'])}*."
    then = f", then reads *{number(rates.per_user)} tokens/s*" if rates.per_user else ""
    return f"A user waits *{_ms(medians['TTFT'])}* for the first token{then}."


def _faults(metrics: Metrics, ended: Outcomes) -> Iterator[str]:
    """What one must know beside it."""
    if ended.ok and ended.failed:
        yield f"*{share(ended.failed_share)}* of the requests failed."
    left = [f"*{count:,}* {what}" for count, what in ((ended.cut, "cut"), (ended.not_sent, "not sent")) if count]
    if left:
        yield f"Of {_count(ended.total, 'request')} {' and '.join(left)}."
    if ended.ok and not metrics.verdict.valid:
        yield "The measurement is not to be trusted."


def _count(amount: int, what: str) -> str:
    return f"{amount:,} {what}{'' if amount == 1 else 's'}"


def _rate(value: Number) -> str:
    return quantity(value, "requests/s")


def _ms(value: Number) -> str:
    return quantity(value, "ms")
