"""Small charts of a comparison that need no script: deciles, percentile curves, pairs, runs one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence, Set
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.comparison import (
    BETTER,
    CANNOT_TELL,
    WORSE,
    Comparison,
    Decile,
    PairedMetric,
    QuantileCurve,
    RunSummary,
    Side,
    VerdictWord,
    Versus,
    quantile_curve,
)
from fastbench.report.page.comparison.axes import Changes, Tick, around, changes
from fastbench.report.page.comparison.marks import placed, shape
from fastbench.report.page.comparison.words import LOOKS, of_change
from fastbench.report.page.curves import supported
from fastbench.report.page.svg import latency_axis, linear, stretched, tick_text
from fastbench.units import number, quantity

HIGH = 170
SIDES = 8
"""Tones and dashes that sides have."""
_FOOT = 22
_PERCENTS = {percent: -math.log10(1 - percent / 100) for percent in (50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999)}
_SHOWN = ("TTFT", "TPOT", "ITL", "E2EL")
_WIDE = 1_000
MOST_DOTS = 1_500
_MEDIAN = -math.log10(0.5)
_ROOM, _SHORT_ROOM = 0.18, 0.14
"""Of a small chart's width, for a tick's text."""
_FAR_BELOW = 30
"""So many times below the median values may leave the plot: those near 0 would make a logarithmic one empty."""
_NAMES = 28
"""Letters that have room below a small chart."""

Floats = NDArray[np.float64]


class Panel(NamedTuple):
    """One small chart. up, across: ticks, from 0 at the bottom and at the left to 1. lines: SVG in thousandths of the
    width and in pixels from the top, stretched; marks: SVG with places in per cent. note: beside its name."""

    name: str
    note: str
    up: Sequence[Tick]
    across: Sequence[Tick]
    lines: str = ""
    marks: str = ""
    high: int = HIGH
    upright: bool = False


def panels(shown: Sequence[Panel]) -> str:
    """Side by side as far as there is room."""
    return f'<div class="panels of-{min(len(shown), 4)}">{"".join(map(_panel, shown))}</div>'


def _panel(panel: Panel) -> str:
    high = panel.high
    places = [(high * (1 - tick.at), tick.text) for tick in panel.up]
    parts = [
        f'<line class=grid x2="100%" y1="{at:.1f}" y2="{at:.1f}"/><text class=tick x="-8" y="{at + 4:.1f}">'
        f"{escape(text)}</text>"
        for at, text in places
    ]
    for tick in panel.across:
        anchor = "start" if tick.at < 0.02 else "end" if tick.at > 0.97 else "middle"
        at = f"{100 * tick.at:.2f}%"
        if panel.upright:
            parts.append(f'<line class=grid x1="{at}" x2="{at}" y2="{high}"/>')
        parts.append(f'<text x="{at}" y="{high + 17}" text-anchor="{anchor}">{escape(tick.text)}</text>')
    parts.append(stretched(panel.lines, high) if panel.lines else "")
    told = escape(f"{panel.name}: {panel.note}" if panel.note else panel.name)
    note = f" <span>{escape(panel.note)}</span>" if panel.note else ""
    return (
        f"<figure class=panel><figcaption><b>{escape(panel.name)}</b>{note}</figcaption><div class=overtime>"
        f'<svg class=static width="100%" height="{high + _FOOT}" role="img" aria-label="{told}">'
        f"{''.join(parts)}{panel.marks}</svg></div></figure>"
    )


def side_keys(sides: Sequence[Side]) -> str:
    """Which line is whose."""
    keys = "".join(
        f'<span><svg class="static key-line" width="26" height="8" viewBox="0 0 26 8" aria-hidden="true">'
        f'<path class="line {tone(place)}" d="M0,4H26"/></svg> {escape(side.label)}</span>'
        for place, side in enumerate(sides)
    )
    return f"<p class=keys>{keys}</p>"


def tone(place: int) -> str:
    """The class of a side's lines and marks."""
    return f"side-{place % SIDES}"


# --------------------------------------------------------------------------------------------------------- the deciles
def deciles(versus: Versus, tolerance: float) -> list[Panel]:
    """By metric: the change at each decile."""
    shown = {name: rows for name, rows in versus.deciles.items() if rows}
    ends = [end for rows in shown.values() for row in rows for end in _ends(row)]
    if not ends:
        return []
    axis = changes(ends, tolerance, side=0.04)
    # A decile by itself knows of no noise between runs: it claims no more than the numbers of its metric do.
    said = {name: {effect.verdict for effect in versus.effects if effect.name == name} for name in shown}
    return [_deciles(name, rows, axis, tolerance, said[name]) for name, rows in shown.items()]


def _ends(row: Decile) -> tuple[float, ...]:
    return (row.change,) if row.interval is None else (row.interval.low, row.interval.high)


def _deciles(name: str, rows: Sequence[Decile], axis: Changes, tolerance: float, said: Set[VerdictWord]) -> Panel:
    def up(change: float) -> float:
        return HIGH * (1 - min(1.0, max(0.0, axis.at(change))))

    zero, allowed = up(0), up(tolerance)
    band = f'<rect class=tolerated width="{_WIDE}" y="{allowed:.1f}" height="{zero - allowed:.1f}"/>'
    line = f'<line class=zero x2="{_WIDE}" y1="{zero:.1f}" y2="{zero:.1f}"/>'
    marks = []
    for row in rows:
        at, word = row.percent, _word(row, tolerance, said)
        if row.interval is not None:
            low, high = up(row.interval.low), up(row.interval.high)
            marks.append(
                f'<line class="span {LOOKS[word].kind}" x1="{at:g}%" x2="{at:g}%" y1="{low:.1f}" y2="{high:.1f}"/>'
            )
        told = f"P{row.percent:g}: {quantity(row.a, 'ms')} and {quantity(row.b, 'ms')}, {of_change(row.change)}"
        kind = LOOKS[word].kind
        marks.append(placed(at / 100, up(row.change), shape(kind), f"{kind} small", told))
    most = max(rows, key=lambda row: abs(row.change))
    across = [Tick(percent / 100, f"P{percent}") for percent in (10, 30, 50, 70, 90)]
    note = f"most: {of_change(most.change)} at P{most.percent:g}"
    return Panel(name, note, axis.ticks(), across, band + line, "".join(marks))


def _word(row: Decile, tolerance: float, said: Set[VerdictWord]) -> VerdictWord:
    """Worse beyond the tolerance, better below 0, where the metric is said to be so."""
    if row.interval is None:
        return CANNOT_TELL
    word = WORSE if row.interval.low > tolerance else BETTER if row.interval.high < 0 else CANNOT_TELL
    return word if word in said else CANNOT_TELL


# ---------------------------------------------------------------------------------------------------------- the curves
def curves(sides: Sequence[Side]) -> list[Panel]:
    """By metric: the percentiles of each side, evenly spaced towards the tail."""
    found = {name: [quantile_curve(side.runs, name) for side in sides] for name in _SHOWN}
    return [_curves(name, lines) for name, lines in found.items() if any(lines)]


def _curves(name: str, lines: Sequence[QuantileCurve | None]) -> Panel:
    known = [line for line in lines if line is not None]
    axis = latency_axis(np.concatenate([_shown(line) for line in known]))
    last = max(float(line.nines[-1]) for line in known)
    parts = []
    for place, line in enumerate(lines):
        if line is None:
            continue
        x, y = line.nines / last * _WIDE, HIGH * (1 - np.clip(axis.share(line.values), 0, 1))
        sure = int(np.searchsorted(line.nines, supported(line.requests), side="right"))
        for part, kind in ((slice(0, sure), ""), (slice(max(0, sure - 1), None), " unsure")):
            if x[part].size > 1:
                parts.append(f'<path class="line {tone(place)}{kind}" d="M{_points(x[part], y[part])}"/>')
    across: list[Tick] = []
    for percent, nines in _PERCENTS.items():
        if nines <= last and (not across or nines / last - across[-1].at >= _SHORT_ROOM):
            across.append(Tick(nines / last, f"{percent:g}"))
    up = [Tick(_share(axis.share, tick), tick_text(quantity(tick, "ms"))) for tick in axis.ticks]
    return Panel(name, "logarithmic" if axis.log else "", up, across, "".join(parts), upright=True)


def _shown(line: QuantileCurve) -> Floats:
    """The values that the axis has to hold."""
    median = float(np.interp(_MEDIAN, line.nines, line.values))
    return line.values[line.values >= median / _FAR_BELOW]


def _share(of: Callable[[Floats], Floats], value: float) -> float:
    return float(of(np.array([value]))[0])


def _points(x: Floats, y: Floats) -> str:
    """Without those that lie on the line between their neighbours."""
    x, y = np.round(x, 1), np.round(y, 1)
    kept = np.ones(y.size, np.bool_)
    kept[1:-1] = (y[1:-1] != y[:-2]) | (y[1:-1] != y[2:])
    return " ".join(f"{left:g},{top:g}" for left, top in zip(x[kept], y[kept], strict=True))


# ----------------------------------------------------------------------------------------------------------- the pairs
def pairs(versus: Versus) -> list[Panel]:
    """By metric: how many pairs have which change."""
    found = versus.pairing.metrics if versus.pairing is not None else ()
    return [_pairs(one) for one in found if sum(one.counts)]


def _pairs(paired: PairedMetric) -> Panel:
    low, high = paired.edges[0], paired.edges[-1]
    most = max(paired.counts)

    def x(change: float) -> float:
        return (change - low) / (high - low)

    bars = "".join(
        f'<rect class=bar x="{_WIDE * x(begin):.1f}" width="{_WIDE * (x(end) - x(begin)) * 0.9:.1f}" '
        f'y="{HIGH - (tall := max(1.0, (HIGH - 6) * count / most)):.1f}" height="{tall:.1f}"/>'
        for begin, end, count in zip(paired.edges, paired.edges[1:], paired.counts, strict=False)
        if count
    )
    lines = [("zero", 0.0), ("middle", paired.median)]
    marks = "".join(
        f'<line class={kind} x1="{100 * x(at):.2f}%" x2="{100 * x(at):.2f}%" y2="{HIGH}"/>'
        for kind, at in lines
        if low <= at <= high
    )
    axis = Changes(low, high, in_points=True)
    across = [tick._replace(text=f"{tick.text} %" if "%" not in tick.text else tick.text) for tick in axis.ticks(_ROOM)]
    counts = around([0.0, float(most)])
    up = [Tick(tick / most, number(tick)) for tick in counts.ticks if tick <= most]
    note = f"{of_change(paired.median)} at the median of {paired.pairs:,} pairs"
    return Panel(paired.name, note, up, across, bars, marks)


def scatter(a: RunSummary, b: RunSummary, name: str, names: tuple[str, str]) -> Panel | None:
    """Of the same prompts: B's latency (upright) against A's; above the diagonal B is slower. None without pairs."""
    if a.columns is None or b.columns is None or name not in a.columns.values or name not in b.columns.values:
        return None
    _, left, right = np.intersect1d(a.columns.number, b.columns.number, return_indices=True)
    before, after = a.columns.values[name][left] / 1e6, b.columns.values[name][right] / 1e6
    both = np.isfinite(before) & np.isfinite(after) & (before > 0) & (after > 0)
    before, after = before[both], after[both]
    if not before.size:
        return None
    every = -(-before.size // MOST_DOTS)
    axis = latency_axis(np.concatenate((before, after)))
    x, y = axis.share(before[::every]) * _WIDE, HIGH * (1 - axis.share(after[::every]))
    dots = "".join(f"M{left:.0f},{up:.1f}h0" for left, up in zip(x, y, strict=True))
    diagonal = f'<line class=zero x2="{_WIDE}" y1="{HIGH}" y2="0"/>'
    texts = [Tick(_share(axis.share, tick), tick_text(quantity(tick, "ms"))) for tick in axis.ticks]
    of = "each" if every == 1 else f"every {every}th"
    note = f"{names[1]} upright, {names[0]} level; {of} of {before.size:,} pairs; above the line {names[1]} is slower"
    return Panel(name, note, texts, texts, f'{diagonal}<path class="dot pair-dot" d="{dots}"/>', high=HIGH)


# ------------------------------------------------------------------------------------------------------------ the runs
class Followed(NamedTuple):
    """One number over all runs. values: by side, of each run; band: of the side, with 95 %, None = not known."""

    name: str
    unit: str
    values: Sequence[Sequence[float | None]]
    bands: Sequence[tuple[float, float] | None]
    words: Sequence[VerdictWord | None]


def followed(comparison: Comparison) -> Iterator[Followed]:
    """The numbers that decide; of all where none does."""
    effects = [effect for one in comparison.versus for effect in (one.gate or one.effects)]
    keys = {effect.label: (effect.name, effect.statistic, effect.unit) for effect in effects}
    for label, (name, statistic, unit) in keys.items():
        values = [[_of_run(run, name, statistic) for run in side.runs] for side in comparison.sides]
        own = [next((each for each in one.effects if each.label == label), None) for one in comparison.versus]
        base = next((effect.a_interval for effect in own if effect is not None and effect.a_interval), None)
        intervals = [base, *(effect.b_interval if effect is not None else None for effect in own)]
        bands = [None if one is None else (one.low, one.high) for one in intervals]
        yield Followed(
            label, unit, values, bands, [None, *(None if effect is None else effect.verdict for effect in own)]
        )


def _of_run(run: RunSummary, name: str, statistic: str) -> float | None:
    if name in run.distributions:
        return run.distributions[name].points.get(statistic)
    return run.ratios[name].value if name in run.ratios else None


def trends(comparison: Comparison) -> list[Panel]:
    """By number: each run in its order, and the interval of its side."""
    return [panel for one in followed(comparison) if (panel := _trend(one, comparison.sides)) is not None]


def _trend(one: Followed, sides: Sequence[Side]) -> Panel | None:
    known = [value for values in one.values for value in values if value is not None]
    known += [end for band in one.bands if band is not None for end in band]
    runs = sum(map(len, one.values))
    if not known or not runs:
        return None
    axis = around(known) if one.unit else linear(max(known))

    def up(value: float) -> float:
        return HIGH * (1 - _share(axis.share, value))

    parts, across, place = [], [], 0
    for number_of, (values, band) in enumerate(zip(one.values, one.bands, strict=True)):
        begin, wide = 100 * place / runs, 100 * len(values) / runs
        kind = _kind(one.words[number_of])
        if band is not None:
            low, high = up(band[0]), up(band[1])
            parts.append(
                f'<rect class=band x="{begin + 0.12 * wide / len(values):.2f}%" '
                f'width="{wide - 0.24 * wide / len(values):.2f}%" y="{high:.1f}" height="{max(1.0, low - high):.1f}"/>'
            )
        for run, value in enumerate(values):
            if value is not None:
                at = (begin + wide * (run + 0.5) / len(values)) / 100
                told = f"{sides[number_of].runs[run].label}: {_tick(value, one.unit)}"
                parts.append(placed(at, up(value), shape(kind), kind, told))
        across.append(Tick((begin + wide / 2) / 100, sides[number_of].label))
        place += len(values)
    up_ticks = [Tick(_share(axis.share, tick), _tick(tick, one.unit)) for tick in axis.ticks]
    return Panel(one.name, "", up_ticks, _spaced(across, sides), marks="".join(parts))


def _kind(word: VerdictWord | None) -> str:
    return "base" if word is None else LOOKS[word].kind


def _tick(value: float, unit: str) -> str:
    if unit == "":
        return f"{100 * value:.3g} %"
    return tick_text(quantity(value, unit)) if unit in ("ms", "s", "us", "ns") else number(value)


def fit(sides: Sequence[Side]) -> bool:
    """Whether names of sides have room below a small chart; numbers stand in their place otherwise."""
    return max(len(side.label) for side in sides) * len(sides) <= _NAMES


def _spaced(ticks: Sequence[Tick], sides: Sequence[Side]) -> list[Tick]:
    if fit(sides):
        return list(ticks)
    return [tick._replace(text=str(place)) for place, tick in enumerate(ticks, 1)]
