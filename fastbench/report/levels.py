"""The page of a search or a sweep over levels of load: the answer, the curve with error bars, what a token costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from fastbench.report.page.document import THEME_BUTTON, document, titled
from fastbench.report.page.sections import table
from fastbench.report.page.svg import Axis, linear
from fastbench.report.page.svg import number as tick_of
from fastbench.units import number

_HIGH, _HEAD, _GAP, _FOOT = 190, 22, 26, 42
_FRONT_HIGH = 300
_NINES = 3.5
"""The top of the axis of shares: 99.97 %."""
_SHARE_TICKS = (0.0, 0.5, 0.9, 0.99, 0.999)
_MARGIN = 0.04
_TONE = "var(--run-{})"
_UNCLIPPED = 'style="overflow:visible"'
_DODGE = 9
"""Pixels between the points of several criteria at a level."""


class Measured(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


class CurvePoint(NamedTuple):
    """A level. shares: of good requests, by criterion; told: its numbers in words, for the pointer."""

    level: float
    shares: tuple[Measured, ...]
    throughput: Measured
    told: str


class Wanted(NamedTuple):
    """A criterion: its SLO in words, and the share that it asks for."""

    name: str
    share: float


class Marked(NamedTuple):
    """An answer. low, high: where it lies with 95 %; None = not known."""

    name: str
    level: float
    low: float | None
    high: float | None


class FrontPoint(NamedTuple):
    """A level, per GPU and per user, output tokens/s. front: whether no other has more of both."""

    name: str
    per_gpu: Measured
    per_user: Measured
    front: bool


class LevelsPage(NamedTuple):
    """What the page shows. unit: of a level. sentences: the answers first, so many as `leading`. rows, costs: tables
    with their heads."""

    title: str
    unit: str
    sentences: Sequence[str]
    wanted: Sequence[Wanted]
    points: Sequence[CurvePoint]
    answers: Sequence[Marked]
    rows: Sequence[Sequence[str]]
    front: Sequence[FrontPoint] = ()
    costs: Sequence[Sequence[str]] = ()
    leading: int = 1


def levels_page(page: LevelsPage) -> bytes:
    """The whole file; it needs no other, and no script for its charts."""
    return document(
        f"{page.title} · fastbench", "".join(_body(page)), {"markdown": ""}, ("fold.js", "index.js"), charts=False
    )


def _body(page: LevelsPage) -> Iterator[str]:
    answers, notes = page.sentences[: page.leading], page.sentences[page.leading :]
    yield f"<header><div><h1>{escape(page.title)}</h1></div>{THEME_BUTTON}</header>"
    listed = "".join(f"<p class=note>{escape(note)}</p>" for note in notes)
    said = "".join(f"<p class=answer><b>{escape(answer)}</b></p>" for answer in answers)
    yield f"<section>{said}{listed}</section>"
    if page.points:
        keys = _keys([(place, f"● {one.name}") for place, one in enumerate(page.wanted)])
        chart = f"{keys}{levels_chart(page)}<p class=note>{_about(page)}</p>"
        yield f"<section id=curve>{titled('What each level carries')}{chart}</section>"
    if page.front:
        keys = _keys([(0, "● front"), (1, "○ below it, or not VALID")])
        title = titled("Tokens per GPU against tokens per user")
        yield f"<section id=front>{title}{keys}{front_chart(page)}</section>"
    if page.costs:
        heads, *rows = page.costs
        yield f"<section>{titled('Per GPU')}{table(heads, rows, kind='numbers')}</section>"
    if page.rows:
        heads, *rows = page.rows
        yield f"<section>{titled('Levels')}{table(heads, rows, kind='numbers')}</section>"


def _keys(keys: Sequence[tuple[int, str]]) -> str:
    """What the colours mean; words may take several lines."""
    if not keys:
        return ""
    words = " &ensp; ".join(
        f'<span style="color:{_TONE.format(tone % 6)}">{escape(text)}</span>' for tone, text in keys
    )
    return f"<p class=note>{words}</p>"


def _about(page: LevelsPage) -> str:
    dashed = " Dashed: the share asked for." if page.wanted else ""
    shaded = " Shaded: where the answer lies." if any(one.low is not None for one in page.answers) else ""
    return f"Bars: 95 % intervals.{dashed}{shaded}"


# ---------------------------------------------------------------------------------------------------------- the curve
def levels_chart(page: LevelsPage) -> str:
    """Share of good requests, where one was asked for, and throughput, over the level by its logarithm."""
    across = _across([point.level for point in page.points])
    parts, top = [], 0
    if page.wanted:
        top += _HEAD
        parts.append(_head("Good requests", top))
        parts.append(_grid([(_nines(tick), f"{100 * tick:g} %") for tick in _SHARE_TICKS], top))
        parts += [
            f'<line x2="100%" y1="{at:.1f}" y2="{at:.1f}" stroke="{_TONE.format(place % 6)}" stroke-dasharray="6 4"/>'
            for place, one in enumerate(page.wanted)
            for at in (top + _HIGH * (1 - _nines(one.share)),)
        ]
        for place in range(len(page.wanted)):
            series = [(across(point.level), point.shares[place]) for point in page.points]
            aside = _DODGE * (place - (len(page.wanted) - 1) / 2)
            parts.append(f'<svg x="{aside:g}" {_UNCLIPPED}>{_series(series, _nines, top, place)}</svg>')
        top += _HIGH + _GAP
    most = linear(max(min(point.throughput.high, 2 * point.throughput.value) for point in page.points))
    top += _HEAD
    parts.append(_head("Output tokens per second", top))
    parts.append(_grid([(_share(most, tick), tick_of(tick)) for tick in most.ticks], top))
    series = [(across(point.level), point.throughput) for point in page.points]
    parts.append(_series(series, lambda value: _share(most, value), top, 4))
    bottom = top + _HIGH
    parts = [*(_answer(one, across, bottom) for one in page.answers), *parts]
    parts.append(_levels(page, across, bottom))
    told = f"{page.title}. {page.sentences[0]}"
    return _svg("".join(parts), bottom + _FOOT, told)


def _svg(inside: str, height: float, told: str) -> str:
    return (
        f'<div class=overtime><svg class=static width="100%" height="{height:.0f}" role="img" '
        f'aria-label="{escape(told)}">{inside}</svg></div>'
    )


def _across(levels: Sequence[float]) -> Callable[[float], float]:
    """Level → part of the width, by logarithm, with room at both ends."""
    low, high = math.log(min(levels)), math.log(max(levels))
    width = max(high - low, 1e-9)

    def place(level: float) -> float:
        at = (math.log(max(level, 1e-9)) - low) / width if high > low else 0.5
        return _MARGIN + (1 - 2 * _MARGIN) * min(1.0 + _MARGIN, max(-_MARGIN, at))

    return place


def _nines(share: float) -> float:
    """A share on an axis that is as long from 90 to 99 % as from 0 to 90 %."""
    return min(1.0, -math.log10(max(1 - share, 10**-_NINES)) / _NINES)


def _share(axis: Axis, value: float) -> float:
    return float(min(1.0, max(0.0, axis.share(np.array([value]))[0])))


def _head(name: str, top: float) -> str:
    return f'<text y="{top - 8}"><tspan class=name>{escape(name)}</tspan></text>'


def _grid(ticks: Sequence[tuple[float, str]], top: float, high: float = _HIGH) -> str:
    places = [(top + high * (1 - share), text) for share, text in ticks]
    return "".join(
        f'<line class=grid x2="100%" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text class=tick x="-8" y="{at + 4:.1f}">{escape(text)}</text>'
        for at, text in places
    )


def _series(
    points: Sequence[tuple[float, Measured]], share: Callable[[float], float], top: float, number_of: int
) -> str:
    """Points joined by lines, with their intervals."""
    tone = _TONE.format(number_of % 6)

    def up(value: float) -> float:
        return top + _HIGH * (1 - share(value))

    parts = [
        f'<line x1="{100 * x1:.2f}%" y1="{up(one.value):.1f}" x2="{100 * x2:.2f}%" y2="{up(two.value):.1f}" '
        f'stroke="{tone}" stroke-width="1.5" opacity=".55"/>'
        for (x1, one), (x2, two) in pairwise(points)
    ]
    for x, one in points:
        parts.append(_bar(x, up(one.low), up(one.high), tone))
        parts.append(f'<circle cx="{100 * x:.2f}%" cy="{up(one.value):.1f}" r="4" fill="{tone}"/>')
    return "".join(parts)


def _bar(x: float, low: float, high: float, tone: str) -> str:
    at = f"{100 * x:.2f}%"
    caps = "".join(
        f'<svg x="{at}" y="{y:.1f}" {_UNCLIPPED}><line x1="-4" x2="4" stroke="{tone}"/></svg>' for y in (low, high)
    )
    return f'<line x1="{at}" x2="{at}" y1="{low:.1f}" y2="{high:.1f}" stroke="{tone}" stroke-width="1.5"/>{caps}'


def _answer(one: Marked, across: Callable[[float], float], bottom: float) -> str:
    """A line at the answer, and its interval shaded."""
    if not one.level:
        return ""
    at, band = 100 * across(one.level), ""
    if one.low is not None and one.high is not None:
        left, right = 100 * across(max(one.low, 1e-9)), 100 * across(max(one.high, 1e-9))
        band = (
            f'<rect x="{left:.2f}%" width="{max(0.2, right - left):.2f}%" y="{_HEAD}" height="{bottom - _HEAD:.0f}" '
            'fill="var(--notice)" opacity=".12"/>'
        )
    anchor, shift = ("end", -5) if at > 70 else ("start", 5)
    return (
        f'{band}<line class=onset x1="{at:.2f}%" x2="{at:.2f}%" y1="{_HEAD}" y2="{bottom:.0f}"/>'
        f'<text class=onset-word x="{at:.2f}%" dx="{shift}" y="{bottom - 6:.0f}" text-anchor="{anchor}">'
        f"{escape(one.name)}</text>"
    )


def _levels(page: LevelsPage, across: Callable[[float], float], bottom: float) -> str:
    """Names of levels that have room, and what each says to the pointer."""
    parts, last = [], -1.0
    wide = 100 / max(1, 3 * len(page.points))
    for point in page.points:
        at = across(point.level)
        parts.append(
            f'<rect class=bin x="{100 * at - wide / 2:.2f}%" width="{wide:.2f}%" y="0" height="{bottom:.0f}">'
            f"<title>{escape(point.told)}</title></rect>"
        )
        if at - last >= 0.05:
            parts.append(
                f'<text class=time x="{100 * at:.2f}%" y="{bottom + 17:.0f}" text-anchor="middle">'
                f"{number(point.level)}</text>"
            )
            last = at
    parts.append(f'<text class=time x="100%" y="{bottom + 35:.0f}" text-anchor="end">{escape(page.unit)}</text>')
    return "".join(parts)


# ---------------------------------------------------------------------------------------------------------- the front
def front_chart(page: LevelsPage) -> str:
    """Output tokens/s per GPU (upright) over those per user, with their intervals; the front is joined."""
    across = linear(max(point.per_user.value for point in page.front))
    up = linear(max(min(point.per_gpu.high, 2 * point.per_gpu.value) for point in page.front))

    def x(value: float) -> float:
        return 100 * _share(across, value)

    def y(value: float) -> float:
        return _HEAD + _FRONT_HIGH * (1 - _share(up, value))

    parts = [_head("Output tokens/s per GPU", _HEAD)]
    parts.append(_grid([(_share(up, tick), tick_of(tick)) for tick in up.ticks], _HEAD, _FRONT_HIGH))
    foot = _HEAD + _FRONT_HIGH
    parts += [
        f'<text class=time x="{x(tick):.2f}%" y="{foot + 17}" '
        f'text-anchor="{"end" if tick == across.high else "middle"}">{tick_of(tick)}</text>'
        for tick in across.ticks
    ]
    front = sorted((point for point in page.front if point.front), key=lambda point: point.per_user.value)
    parts += [
        f'<line x1="{x(one.per_user.value):.2f}%" y1="{y(one.per_gpu.value):.1f}" x2="{x(two.per_user.value):.2f}%" '
        f'y2="{y(two.per_gpu.value):.1f}" stroke="{_TONE.format(0)}" stroke-width="1.5"/>'
        for one, two in pairwise(front)
    ]
    for point in page.front:
        parts.append(_front_point(point, x, y))
    parts.append(f'<text class=time x="100%" y="{foot + 35}" text-anchor="end">output tokens/s per user</text>')
    return _svg("".join(parts), foot + _FOOT, "Output tokens per second and GPU against those per user")


def _front_point(point: FrontPoint, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    tone, at, high = _TONE.format(0 if point.front else 1), x(point.per_user.value), y(point.per_gpu.value)
    fill = tone if point.front else "none"
    anchor, shift = ("end", -9) if at > 70 else ("start", 9)
    label = high + (15 if high < _HEAD + 12 else -6)
    return (
        _bar(at / 100, y(point.per_gpu.low), y(point.per_gpu.high), tone)
        + f'<line x1="{x(point.per_user.low):.2f}%" x2="{x(point.per_user.high):.2f}%" y1="{high:.1f}" y2="{high:.1f}" '
        f'stroke="{tone}"/><circle cx="{at:.2f}%" cy="{high:.1f}" r="5" fill="{fill}" stroke="{tone}"/>'
        f'<text x="{at:.2f}%" dx="{shift}" y="{label:.1f}" text-anchor="{anchor}">{escape(point.name)}</text>'
    )
