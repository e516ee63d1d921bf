"""What a search or a sweep came to: levels with their intervals, the answer by tier, what it rests on. Plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastbench.answers import Criterion, Slo, goodput_of
from fastbench.answers.capacity import Answer, Bracket, Found, Knee, Levels, OpenLoop, Purpose, Seen
from fastbench.answers.statistics import LEAST_BLOCKS, ratio_interval, requests_to_show, share_interval
from fastbench.api.saturating.asked import Asked
from fastbench.api.saturating.pilot import GONE, INTERRUPTED, Visited
from fastbench.errors import Exit, FastbenchError, UsageError, worst
from fastbench.metrics import Metrics, Selection, compute
from fastbench.metrics.samples import Window
from fastbench.recording import Recording
from fastbench.units import NS_PER_S

_STATS = ("P50", "P99")
_MILLION, _SECONDS_AN_HOUR = 1e6, 3600


class Span(NamedTuple):
    """A value with its 95 % interval; from 0 to infinity where too little was seen for one."""

    value: float
    low: float
    high: float


class Figures(NamedTuple):
    """Percentiles of a level's requests, ms; None = no such values."""

    ttft_p50: float | None
    ttft_p99: float | None
    tpot_p50: float | None
    tpot_p99: float | None
    verdict: str
    input_tokens: float | None
    """Per request."""
    why: str = ""
    """The first reason of an INVALID measurement."""


_NO_FIGURES = Figures(None, None, None, None, "", None)


class LevelRow(NamedTuple):
    """A level of the curve. level: users, or requests/s of a sweep over rates. purposes: why it was measured. shares:
    of good requests, by criterion. per_s: requests that ended; tokens_per_s: output. recording: of its longest visit.
    met: by criterion, whether the interval of the share lies above (True) or below (False) what was asked for."""

    level: float
    purposes: tuple[str, ...]
    requests: int
    shares: tuple[Span, ...]
    per_s: Span
    tokens_per_s: Span
    figures: Figures
    behind: bool
    recording: Path
    in_flight: float
    """On average; by Little's law."""


@dataclass(frozen=True)
class Tier:
    """The answer for one SLO. level: users, 0 = no load meets it. bracket: 95 %, of the greatest level that meets.

    confirmed: True = proved by its confirmation; None = the confirmation spoke for it without proof; False = not
    confirmed, or no confirmation was made. breaks: the clause that breaks first above. share: in the confirmation.
    criteria: the numbers of its criteria; asked: the greatest share of them. per_s, tokens_per_s: of the
    confirmation, else of all visits of the level. invalid: why the confirmation's
    measurement is INVALID; "" = it is not.
    """

    slo: str
    words: str
    level: float
    bracket: Bracket | None
    confirmed: bool | None
    made: bool
    share: Span | None
    requests: int
    breaks: str | None
    criteria: tuple[int, ...] = ()
    asked: float = 0.0
    per_s: float | None = None
    tokens_per_s: float | None = None
    invalid: str = ""

    @property
    def code(self) -> int:
        """Exit code of this answer alone."""
        if not self.level and self.bracket is not None and not self.bracket.high:
            return Exit.NOT_MET
        told = self.made and self.confirmed is not False and self.level and not self.shows_too_little
        return Exit.DONE if told and not self.invalid else Exit.CANNOT_TELL

    @property
    def shows_too_little(self) -> bool:
        """Whether the confirmation had too few requests to show the share, even if all were good."""
        return self.made and self.confirmed is None and self.requests < requests_to_show(self.asked)


class Cost(NamedTuple):
    """Of a level, per GPU. per_gpu: output tokens/s of each; per_user: output tokens/s of each user; front: whether no
    other VALID level has more of both. input_price, output_price: of a million tokens, each as if it were all that is
    paid for; None = no price, or not known."""

    level: float
    per_gpu: Span
    per_user: Span
    front: bool
    input_price: float | None
    output_price: float | None


@dataclass(frozen=True)
class Outcome:
    """All of it. knee: without SLOs. limit, stopped, drift, open: as the search's answer. seconds: that it took;
    busy: share of the time in which the client's sending thread worked, at the most."""

    asked: Asked
    tiers: tuple[Tier, ...]
    knee: Knee | None
    limit: str
    stopped: str
    drift: float | None
    open: OpenLoop | None
    levels: tuple[LevelRow, ...]
    costs: tuple[Cost, ...]
    requests: int
    seconds: float
    busy: float

    @property
    def code(self) -> int:
        """The exit code: 0 answered, 3 no level meets, 4 cannot tell, 130 interrupted."""
        if self.stopped == INTERRUPTED:
            return Exit.INTERRUPTED
        if self.stopped == GONE or not self.levels:
            return Exit.CANNOT_TELL
        if self.asked.sweep is not None:
            return Exit.DONE
        if not self.tiers:
            return Exit.DONE if self.knee is not None and (self.knee.flat or self.limit) else Exit.CANNOT_TELL
        return worst(*(tier.code for tier in self.tiers))

    def record(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "asked": self.asked.record(),
            "tiers": [
                {**asdict(tier), "bracket": tier.bracket and tier.bracket._asdict(), "code": tier.code}
                for tier in self.tiers
            ],
            "knee": self.knee and self.knee._asdict(),
            "limit": self.limit,
            "stopped": self.stopped,
            "drift": self.drift,
            "open_loop": self.open and _open_record(self.open),
            "levels": [_level_record(row) for row in self.levels],
            "costs": [
                {**one._asdict(), "per_gpu": one.per_gpu._asdict(), "per_user": one.per_user._asdict()}
                for one in self.costs
            ],
            "requests": self.requests,
            "seconds": self.seconds,
            "client_busy": self.busy,
            "code": self.code,
        }


def _open_record(found: OpenLoop) -> dict[str, Any]:
    return {
        "rate_per_s": found.rate,
        "requests": found.requests,
        "shares": [found.share(criterion) for criterion in range(len(found.seen.good))],
        "behind": found.seen.behind,
    }


def _level_record(row: LevelRow) -> dict[str, Any]:
    return {
        **row._asdict(),
        "shares": [one._asdict() for one in row.shares],
        "per_s": row.per_s._asdict(),
        "tokens_per_s": row.tokens_per_s._asdict(),
        "figures": row.figures._asdict(),
        "recording": str(row.recording),
    }


def outcome_of(asked: Asked, answer: Answer, levels: Levels, visited: Sequence[Visited], took_ns: int) -> Outcome:
    """From the search's answer and the visits, of which the recordings are read. took_ns: all of it."""
    by_rate = asked.sweep is not None and asked.sweep[0] == "rate"
    curve = [one for one in visited if by_rate or one.step.rate is None]
    rows = tuple(_rows(asked.criteria, levels, curve))
    figures = {row.level: row.figures for row in rows}
    tiers = tuple(_tier(asked, number, answer, levels, curve, figures) for number in range(len(asked.slos)))
    return Outcome(
        asked,
        tiers if asked.sweep is None else (),
        answer.knee,
        answer.limit,
        answer.stopped,
        answer.drift,
        answer.open,
        rows,
        tuple(_costs(asked, rows)),
        int(sum(one.looked.seen.requests.sum() for one in visited)),
        took_ns / NS_PER_S,
        max((one.busy for one in visited), default=0.0),
    )


def _rows(criteria: Sequence[Criterion], levels: Levels, visited: Sequence[Visited]) -> Iterator[LevelRow]:
    for level in sorted({one.step.level for one in visited}):
        visits = [one for one in visited if one.step.level == level]
        seen = [one.looked.seen for one in visits]
        longest = max(visits, key=lambda one: (one.step.purpose is Purpose.CONFIRM, one.looked.seen.measured_ns))
        requests = sum(float(one.requests.sum()) for one in seen)
        shares = []
        for number in range(len(criteria)):
            good = sum(float(one.good[number].sum()) for one in seen)
            low, high = share_interval(good, requests, levels.deff(number, seen))
            shares.append(Span(good / requests if requests else 0.0, low, high))
        per_s = _rate(seen)
        _, found = _rates(visits)
        tokens = found or 0.0
        scale = tokens / per_s.value if per_s.value else 0.0
        yield LevelRow(
            level,
            tuple(dict.fromkeys(one.step.purpose.value for one in visits)),
            int(requests),
            tuple(shares),
            per_s,
            Span(tokens, per_s.low * scale, per_s.high * scale),
            _figures(longest),
            any(one.behind for one in seen),
            longest.recording,
            per_s.value * longest.looked.seen.e2el_ns / NS_PER_S,
        )


def _rates(visited: Sequence[Visited]) -> tuple[float | None, float | None]:
    """Of some visits of a level: requests that ended, output tokens, 1/s; None without any."""
    measured = sum(one.looked.seen.measured_ns for one in visited)
    if not measured:
        return None, None
    tokens = sum(one.looked.tokens_per_s * one.looked.seen.measured_ns for one in visited) / measured
    return _rate([one.looked.seen for one in visited]).value, tokens


def _rate(seen: Sequence[Seen]) -> Span:
    """Requests that ended, 1/s."""
    rates = np.concatenate([one.ended_per_s for one in seen])
    low, high = 0.0, math.inf
    if rates.size >= LEAST_BLOCKS:
        low, high = ratio_interval(rates, np.ones(rates.size))
    return Span(float(rates.mean()) if rates.size else 0.0, max(0.0, low), high)


def _figures(visited: Visited) -> Figures:
    """Of the requests that counted; nothing where the recording cannot be read."""
    try:
        metrics = _metrics(visited)
    except FastbenchError:
        return _NO_FIGURES
    rows = {row.name: row.values for row in metrics.parameters}

    def value(metric: str, statistic: str) -> float | None:
        found = rows.get(metric, {}).get(statistic)
        return None if found is None else float(found)

    recorded = Recording.open(visited.recording).rows
    known = recorded["input_tokens"][recorded["input_tokens"] > 0]
    return Figures(
        value("TTFT", "P50"),
        value("TTFT", "P99"),
        value("TPOT", "P50"),
        value("TPOT", "P99"),
        metrics.verdict.word,
        float(known.mean()) if known.size else None,
        next(iter(metrics.verdict.sentences), ""),
    )


def _metrics(visited: Visited) -> Metrics:
    recording = Recording.open(visited.recording)
    return compute(recording, _STATS, window=_window(recording, visited))


def _stretch(visited: Visited) -> Window:
    """What counted of a visit."""
    begin = visited.looked.begin_ns
    return Window("counted", begin, begin + visited.looked.seen.measured_ns, "what counted of the visit")


def _window(recording: Recording, visited: Visited) -> str:
    """The same as text, since the first request of the recording was sent."""
    rows = Selection(recording).final
    sent = rows["sent_ns"][rows["sent_ns"] > 0]
    if not sent.size:
        raise UsageError("no request was sent")
    origin_ns, counted = int(sent.min()), _stretch(visited)
    begin_ns, end_ns = counted.begin_ns - origin_ns, counted.end_ns - origin_ns
    return f"{max(0, begin_ns) / NS_PER_S:.6f}s:{end_ns / NS_PER_S:.6f}s"


# ------------------------------------------------------------------------------------------------------- the answers
def _tier(
    asked: Asked,
    number: int,
    answer: Answer,
    levels: Levels,
    visited: Sequence[Visited],
    figures: Mapping[float, Figures],
) -> Tier:
    """The least of its criteria's answers."""
    places = [place for place, one in enumerate(asked.criteria) if one.tier == number]
    slo = asked.slos[number]
    if not answer.found:
        return Tier(asked.texts[number], slo.words(), 0.0, None, None, False, None, 0, None)
    found = [answer.found[place] for place in places]
    least = min(found, key=lambda one: one.level)
    brackets = [one.bracket for one in found if one.bracket is not None]
    bracket = _least_bracket(brackets)
    confirmations = [one for one in visited if one.step.purpose is Purpose.CONFIRM and one.step.level == least.level]
    share, requests = None, 0
    if confirmations:
        seen, place = confirmations[-1].looked.seen, places[found.index(least)]
        good, requests = float(seen.good[place].sum()), int(seen.requests.sum())
        interval = share_interval(good, requests, levels.deff(place, [seen]))
        share = Span(good / requests if requests else 0.0, *interval)
    return Tier(
        asked.texts[number],
        slo.words(),
        least.level,
        bracket,
        _all_confirmed(found),
        bool(confirmations),
        share,
        requests,
        _breaks(slo, places, levels, visited, least.level),
        tuple(places),
        max(asked.criteria[place].share for place in places),
        *_rates(confirmations[-1:] or [one for one in visited if one.step.level == least.level]),
        figures[least.level].why if least.level in figures else "",
    )


def _least_bracket(brackets: Sequence[Bracket]) -> Bracket | None:
    if not brackets:
        return None
    return Bracket(
        min(one.low for one in brackets),
        min(one.middle for one in brackets),
        min(one.high for one in brackets),
        all(one.open for one in brackets),
    )


def _all_confirmed(found: Sequence[Found]) -> bool | None:
    answers = [one.confirmed for one in found]
    return False if False in answers else None if None in answers else True


def _breaks(slo: Slo, places: Sequence[int], levels: Levels, visited: Sequence[Visited], level: float) -> str | None:
    """What broke first most often at the lowest level above the answer that failed; None where none did."""
    for one in sorted(visited, key=lambda one: one.step.level):
        odds = [levels.evidence(place, [one.looked.seen]).log_odds for place in places]
        if one.step.level <= level or min(odds, default=0.0) >= 0:
            continue
        try:
            counted = Selection(Recording.open(one.recording)).within(_stretch(one))
            broken = goodput_of(counted, slo).broken
        except FastbenchError:
            continue
        if broken:
            return broken[0].reason
    return None


# ------------------------------------------------------------------------------------------------------------ costs
def _costs(asked: Asked, rows: Sequence[LevelRow]) -> Iterator[Cost]:
    """Of each level. An open loop has as many users as there are requests in flight."""
    if asked.gpus is None:
        return
    by_rate = asked.sweep is not None and asked.sweep[0] == "rate"
    users = [row.in_flight or 1.0 if by_rate else row.level for row in rows]
    points = [
        (_over(row.tokens_per_s, asked.gpus), _over(row.tokens_per_s, count))
        for row, count in zip(rows, users, strict=True)
    ]
    valid = [row.figures.verdict in ("", "VALID") for row in rows]
    for place, (row, (gpu, user)) in enumerate(zip(rows, points, strict=True)):
        front = valid[place] and not any(
            valid[other] and points[other][0].value >= gpu.value and points[other][1].value > user.value
            for other in range(len(rows))
            if other != place
        )
        yield Cost(row.level, gpu, user, front, *_prices(asked, row))


def _over(span: Span, count: float) -> Span:
    return Span(*(value / count for value in span))


def _prices(asked: Asked, row: LevelRow) -> tuple[float | None, float | None]:
    if asked.price is None or asked.gpus is None:
        return None, None
    per_second = asked.price * asked.gpus / _SECONDS_AN_HOUR
    tokens = row.figures.input_tokens
    inputs = None if tokens is None else tokens * row.per_s.value
    return tuple(  # type: ignore[return-value]  # of two
        per_second / rate * _MILLION if rate else None for rate in (inputs, row.tokens_per_s.value)
    )
