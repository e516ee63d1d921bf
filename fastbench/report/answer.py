"""A recording's numbers → what a person wants to know first: the answer, with nothing about how it is drawn."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import numpy as np

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
from fastbench.metrics.trust import Check, checks
from fastbench.report.class_tables import ClassGlance, class_glances
from fastbench.report.sentence import Outcomes, Piece, Rates, counted, latencies_of, per_user, sentence, since
from fastbench.report.statements import answered, cut_off, first_broken, found_of, good, goodput, queue
from fastbench.units import NS_PER_MS, number, quantity, rate, share
from fastbench.verdict_limits import FEW_FAILED

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
_DIFFERS = 0.01
"""From so large a share on a rate that was sent is another one than that which was asked."""


class Level(Enum):
    """What a statement means for its reader."""

    GOOD = "good"
    NOTICE = "notice"
    BAD = "bad"


class Statement(msgspec.Struct, frozen=True):
    """Something found out of the run. short: a few words without a capital; clauses: what makes it so, the most
    telling first; remedies: for each of them why it was and what to do, where that is known; quoted: clauses that the
    answer's sentence has, too."""

    level: Level
    short: str
    clauses: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()

    @property
    def beside(self) -> tuple[str, ...]:
        """The clauses that are not in the sentence."""
        return tuple(clause for clause in self.clauses if clause not in self.quoted)


class Span(NamedTuple):
    """The least and the most of some lengths, in tokens."""

    low: int
    high: int


class Subject(msgspec.Struct, frozen=True):
    """What was run. Texts are without control characters, whoever chose them.

    task: model and data set by the config's names; model: as the service was asked for it; host: with its port. load:
    in words. requests: planned, or begun in the window; sent: of them; sending_ms: from the first of these to the last
    in an open loop, None in a closed one, where the replies decide. inputs, outputs: of the requests that succeeded,
    None where nobody counted. duration_ms: from the first send to the last end. created: None where the recording does
    not say. stage: the part that the numbers are of; empty for the whole. seed: of made prompts or markers.
    """

    task: str
    model: str
    dataset: str
    url: str
    host: str
    load: str
    requests: int
    sent: int
    sending_ms: Number
    inputs: Span | None
    outputs: Span | None
    duration_ms: Number
    created: datetime.datetime | None
    stage: str
    seed: int | None = None

    @property
    def course(self) -> tuple[str, ...]:
        """How many requests, under which load, and how long it took."""
        lasted = "" if self.duration_ms is None else quantity(self.duration_ms, "ms")
        if self.sending_ms is None:
            return (f"{counted(self.requests, 'request')}{f' in {lasted}' if lasted else ''}", self.load)
        how = f"at {self.load}" if self.load[:1].isdigit() else self.load
        took = f" in {quantity(self.sending_ms, 'ms')}" if self.sent > 1 else ""
        last = [f"last reply after {lasted}"] if lasted else []
        return (f"{counted(self.sent, 'request')} sent {how}{took}", *last)

    @property
    def lengths(self) -> str:
        """Of prompts and replies; empty where nobody counted."""
        spans = (("prompts", self.inputs), ("replies", self.outputs))
        told = ", ".join(f"{name} {_shown(span)}" for name, span in spans if span is not None)
        return f"{told} tokens" if told else ""


def _shown(span: Span) -> str:
    low, high = number(span.low), number(span.high)
    return low if low == high else f"{low}\N{EN DASH}{high}"


class Latency(msgspec.Struct, frozen=True):
    """A latency. about: what it is in two words; formula: in the names of docs/metrics.md. row: with the statistics
    Min, Median, P90, P99 and Max in ms, of which `marked` have too few samples and `unsure` are uncertain. strip: how
    many samples, in ms, lie in each of `STRIP_BINS` bins from P0.5 to P99; None without any."""

    name: str
    about: str
    formula: str
    row: Parameter
    strip: Histogram | None


class Answer(msgspec.Struct, frozen=True):
    """What one stage of a recording says.

    checks: what decides on the measurement. service: None for a closed loop, where the outcome says what there is to
    say of the service. overloaded: whether that is what it says. stages: of a load that changes. sentence: the answer
    as one would quote it. promises: of SLOs and assertions, whether they are kept. classes: of requests, each or the
    worst.
    """

    subject: Subject
    measurement: Statement
    checks: tuple[Check, ...]
    service: Statement | None
    overloaded: bool
    outcome: Statement
    outcomes: Outcomes
    rates: Rates
    latencies: tuple[Latency, ...]
    stages: tuple[StageOfLoad, ...]
    kept_up_to: float | None
    sentence: tuple[Piece, ...]
    promises: tuple[Statement, ...] = ()
    classes: tuple[ClassGlance, ...] = ()

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
    medians = {one.name: one.row.values["Median"] for one in latencies}
    found = checks(metrics, medians)
    judged = service(metrics.kept_up, rates.asked)
    return Answer(
        subject=_subject(computed, task),
        measurement=measurement(metrics, found),
        checks=found,
        service=judged,
        overloaded=judged is not None and metrics.kept_up.state == OVERLOADED,
        outcome=outcome(ended),
        outcomes=ended,
        rates=rates,
        latencies=latencies,
        stages=metrics.stages,
        kept_up_to=metrics.kept_up.kept_up_to,
        sentence=sentence(metrics, ended, rates, medians, computed.selection.asked.limit),
        promises=tuple(_promises(metrics)),
        classes=class_glances(computed),
    )


_LEVELS = {True: Level.GOOD, False: Level.BAD, None: Level.NOTICE}


def _promises(metrics: Metrics) -> Iterator[Statement]:
    """Of each SLO, and of all assertions together, whether it is kept."""
    for slo in metrics.slos:
        broken = first_broken(slo)
        told = [good(slo), broken and f"first to break: {broken}", slo.why, goodput(slo) if slo.good else ""]
        # Of several one has to know which is meant; of one, what came of it.
        told.insert(0 if len(metrics.slos) > 1 else 3, slo.slo)
        yield Statement(_LEVELS[slo.met], _kept("SLO", slo.met), tuple(filter(None, told)))
    kept = [one.met for one in metrics.assertions]
    if kept:
        level = _LEVELS[False if False in kept else None if None in kept else True]
        short = f"{kept.count(True)} of {len(kept)} assertions met" if len(kept) > 1 else _kept("assertion", kept[0])
        unkept = [one for one in metrics.assertions if not one.met]
        told = [f"{clean(one.text)}: {answered(one)}, found {found_of(one)}" for one in unkept]
        yield Statement(level, short, tuple(told))


def _kept(what: str, met: bool | None) -> str:
    return f"{what}: cannot tell" if met is None else f"{what} {'met' if met else 'not met'}"


def clean(text: object) -> str:
    """On one line, without what could steer a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())


def _subject(computed: Computed, task: str) -> Subject:
    selection, metrics = computed.selection, computed.metrics
    header, moments = selection.header, selection.final["sent_ns"][selection.final["sent_ns"] > 0]
    asked = section(header, "service")
    url = str(asked.get("url") or "")
    return Subject(
        task=clean(task),
        model=clean(asked.get("model") or ""),
        dataset=clean(section(header, "task").get("dataset") or ""),
        url=clean(url),
        host=clean(_host(url)),
        load=clean(selection.asked.headline),
        requests=sum(metrics.outcomes.values()),
        sent=moments.size,
        sending_ms=float(np.ptp(moments)) / NS_PER_MS if selection.asked.is_open and moments.size else None,
        inputs=_span(computed.row(INPUT_TOKENS)),
        outputs=_span(computed.row(OUTPUT_TOKENS)),
        duration_ms=computed.figure("Benchmark Duration"),
        created=_moment(header.get("created")),
        stage="" if metrics.window is None else metrics.stage,
        seed=_seed(header),
    )


def _seed(header: dict[str, Any]) -> int | None:
    seed = section(header, "prompts").get("seed")
    return seed if isinstance(seed, int) else None


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


def measurement(metrics: Metrics, found: Sequence[Check]) -> Statement:
    """On the measurement: whether its numbers may be used as they stand. found: what decides that."""
    if not metrics.verdict.valid:
        return Statement(
            Level.BAD,
            "measurement INVALID: not to be trusted",
            tuple(_short_figures(one.effect) for one in metrics.verdict.reasons),
            tuple(_short_figures(f"{one.cause}: {one.remedy}") for one in metrics.verdict.reasons),
        )
    load = [check.told for check in found if check.name in _OF_LOAD]
    return Statement(Level.GOOD, "measurement valid", (*load, *_uncertain(metrics, found)))


_OF_LOAD = ("Sent late", "Slots left empty")


def _uncertain(metrics: Metrics, found: Sequence[Check]) -> Iterator[str]:
    gaps = metrics.client.uncertain_gap_share
    if gaps is not None:
        by = [_off(check) for check in found if check.name == "Median ITL off"]
        yield f"{share(gaps)} of gaps unsure{''.join(by)}" if gaps else "the time of every gap is sure"


def _off(check: Check) -> str:
    value, limit = check.shown
    return f": median ITL ±{value} (limit {limit.replace('.0 ', ' ')})" if check.value else ", median ITL unchanged"


def _short_figures(sentence: str) -> str:
    return _FIGURE.sub(lambda found: number(float(found[0])), sentence)


def service(found: ServiceVerdict, asked: Number) -> Statement | None:
    """On a service that had no say in when requests came; None where it had, and where it answered nothing. asked:
    requests per second."""
    if not found.answered or found.state == CLOSED:
        return None
    rates = _rates_of(found, asked)
    to = [] if found.kept_up_to is None else [f"kept up to {rate(found.kept_up_to)}"]
    if found.state == OVERLOADED:
        quoted = (f"{rates}{f' {since(found)}' if found.onset_s else ''}", latencies_of(found))
        return Statement(
            Level.NOTICE, "service overloaded", (*to, quoted[0], *_queue(found), quoted[1]), quoted=(*to, *quoted)
        )
    if found.state == KEPT_UP:
        return Statement(Level.GOOD, "service kept up", (rates, *to))
    if found.state == UNKNOWN:
        return Statement(Level.NOTICE, "service not judged", ("the recording has no end",))
    return Statement(Level.NOTICE, "service: too short to tell", (rates, "needs more requests or a longer run", *to))


def _rates_of(found: ServiceVerdict, asked: Number) -> str:
    """What was sent only where it is another rate."""
    differs = asked and found.sent_rate and abs(found.sent_rate / asked - 1) > _DIFFERS
    sent = f"sent {rate(found.sent_rate)}, " if differs else ""
    return f"asked {rate(asked)}, {sent}answered {rate(found.answered_rate)}"


def _queue(found: ServiceVerdict) -> Iterator[str]:
    if found.queue:
        yield queue(found)
    if found.limit is not None:
        yield f"limit of {found.limit:,} in flight reached"


def outcome(ended: Outcomes) -> Statement:
    """On the requests."""
    if not ended.total:
        return Statement(Level.BAD, "no request was sent")
    if ended.ok == ended.total:
        return Statement(Level.GOOD, f"{ended.ok:,} of {ended.total:,} OK")
    few = ended.ok and (ended.failed_share or 0) <= FEW_FAILED
    level = Level.NOTICE if few else Level.BAD
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
