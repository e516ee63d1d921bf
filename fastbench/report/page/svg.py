"""Charts that need no script: SVG text, as wide as its place, in the colours of the style sheet.

Plots are stretched to their place and labels are not: an outer <svg> without a viewBox counts pixels, and the one
within it counts thousandths of its width. All text is escaped here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.samples import InFlight
from fastbench.units import NS_PER_MS, NS_PER_S

Floats = NDArray[np.float64]
Moments = NDArray[np.int64]

MOST_BINS, LEAST_BINS = 120, 8
REQUESTS_IN_BIN = 8
"""Fewer of them make a saw of a rate."""
LEAST_FOR_BAND = 5
MOST_DOTS = 150
_WIDE = 1_000
_LOG_FROM = 25
"""How many times the least value the greatest one has to be for an axis by powers of ten."""
HEAD = 20
"""Above a chart, for its name."""
_GAP, _FOOT = 12, 24
_NEARLY_ALL = 0.97
"""Of the run's time: where sending goes on for so long, that it stopped is not marked."""
_STRIP_HIGH = 34


class Flown(NamedTuple):
    """The requests of a run that were sent and ended, (n,) each, ns of one clock, in the order of `sent`.

    first: the first output event; 0 = none came, or no stream was asked for. ok: which succeeded.
    """

    sent: Moments
    first: Moments
    end: Moments
    ok: NDArray[np.bool_]


class Over(NamedTuple):
    """A run in bins of equal width. edges_s: (bins + 1,), since the first request was sent; the rest (bins,).

    sent, answered, failed: per second. waiting, decoding: in flight, averaged over the bin. low, median, high: P10,
    P50 and P90 of `latency` (ms) of the requests sent in the bin; NaN where there are too few. stopped_s:
    of the last send.
    """

    edges_s: Floats
    sent: Floats
    answered: Floats
    failed: Floats
    waiting: Floats
    decoding: Floats
    low: Floats
    median: Floats
    high: Floats
    dots: tuple[Floats, Floats]
    stopped_s: float


def over_time(run: Flown, *, streams: bool) -> Over:
    """The bins of a run with at least one request. streams: whether the latency is TTFT, else E2EL."""
    origin, last = int(run.sent.min()), int(run.end.max())
    edges = np.linspace(0, max(1, last - origin), _bins(run.sent.size, (last - origin) / NS_PER_S) + 1)
    width_s = float(edges[1]) / NS_PER_S

    def per_second(moments: Moments) -> Floats:
        return np.histogram(moments - origin, edges)[0] / width_s

    began = np.where(run.first > 0, run.first, run.end)
    whole = (edges + origin).astype(np.int64)
    waiting, decoding = (
        InFlight(np.sort(starts), np.sort(ends)).means(whole) for starts, ends in ((run.sent, began), (began, run.end))
    )
    timed = run.ok & (run.first > 0) if streams else run.ok
    at, took = run.sent[timed] - origin, ((run.first if streams else run.end) - run.sent)[timed] / NS_PER_MS
    few = timed.sum() <= MOST_DOTS
    return Over(
        edges / NS_PER_S,
        per_second(run.sent),
        per_second(run.end[run.ok]),
        per_second(run.end[~run.ok]),
        waiting if streams else np.zeros_like(waiting),
        decoding if streams else waiting,
        *_quantiles(at, took, edges),
        dots=(at / NS_PER_S, took) if few else (np.empty(0), np.empty(0)),
        stopped_s=(int(run.sent.max()) - origin) / NS_PER_S,
    )


def _bins(requests: int, duration_s: float) -> int:
    """Of a second or more where the run is long enough, each with some requests."""
    wanted = min(MOST_BINS, max(24, int(duration_s)), requests // REQUESTS_IN_BIN)
    return max(LEAST_BINS, wanted)


def _quantiles(at: Moments, took: Floats, edges: Floats) -> tuple[Floats, Floats, Floats]:
    """(bins,) each; the band only of bins that have some requests."""
    found = np.full((3, edges.size - 1), np.nan)
    order = np.argsort(at, kind="stable")
    at, took = at[order], took[order]
    cuts = np.searchsorted(at, edges)
    cuts[-1] = at.size
    for place, (begin, stop) in enumerate(pairwise(cuts.tolist())):
        part = took[begin:stop]
        if part.size >= LEAST_FOR_BAND:
            found[:, place] = np.percentile(part, (10, 50, 90))
        elif part.size:
            found[1, place] = np.median(part)
    return found[0], found[1], found[2]


class Marks(NamedTuple):
    """What stands in a chart over time beside its lines; s since the first request was sent.

    onset_s: since when the service was overloaded. stages: where a stage of the load begins, but the first. window: the
    part of the run that is reported, where it is not the whole. stopped_s: when sending stopped, where that matters.
    """

    onset_s: float | None = None
    stages: tuple[float, ...] = ()
    window: tuple[float, float] | None = None
    stopped_s: float | None = None


class Axis(NamedTuple):
    """An upright axis. ticks: values; log: by powers of ten."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def share(self, values: Floats) -> Floats:
        """(n,): from 0 at the bottom to 1 at the top."""
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            return (np.log10(np.maximum(values, self.low)) - low) / (high - low)
        return (values - self.low) / (self.high - self.low)


def linear(most: float) -> Axis:
    """From 0 to the next round number."""
    step = _round_up(max(most, 1e-9) / 3)
    count = max(1, math.ceil(most / step - 1e-9))
    return Axis(0, step * count, tuple(step * tick for tick in range(count + 1)))


def latency_axis(values: Floats) -> Axis:
    """By powers of ten where they differ much; ticks at 1, 2 and 5, at most five of them."""
    positive = values[np.isfinite(values) & (values > 0)]
    if not positive.size:
        return linear(1)
    low, high = float(positive.min()), float(positive.max())
    if high < _LOG_FROM * low:
        return linear(high)
    ladder = [digit * 10.0**power for power in range(-4, 9) for digit in (1, 2, 5)]
    begin = max(tick for tick in ladder if tick <= low)
    end = min(tick for tick in ladder if tick >= high)
    ticks = [tick for tick in ladder if begin <= tick <= end]
    if len(ticks) > 5:
        ticks = [tick for tick in ticks if _digit(tick) == 1]
    return Axis(begin, end, tuple(ticks), log=True)


def _digit(tick: float) -> int:
    return round(tick / math.pow(10, math.floor(math.log10(tick) + 1e-9)))


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(digit * power for digit in (1, 2, 2.5, 5, 10) if digit * power >= value * (1 - 1e-9))


def tick_text(text: str) -> str:
    """A tick's text without what is nothing behind the point."""
    return text.replace(".00 ", " ").replace(".0 ", " ")


class Panel(NamedTuple):
    """One plot of a chart over time. head: its name and its legend, (class, text) each; marks: inside, own SVG."""

    head: Sequence[tuple[str, str]]
    axis: Axis
    label: Callable[[float], str]
    height: int
    marks: str


def number(value: float) -> str:
    """A tick of counts and rates."""
    return f"{value:,.10g}"


def keep_up(over: Over, *, streams: bool, marks: Marks, duration: Callable[[float], str], alternative: str) -> str:
    """Sent and answered, waiting and decoding, and what users felt, on one axis of time.

    duration: ms → text. alternative: the same in words.
    """
    span = float(over.edges_s[-1])
    if over.stopped_s < _NEARLY_ALL * span:
        marks = marks._replace(stopped_s=over.stopped_s)
    panels = _panels(over, span, streams=streams, duration=duration)
    height = sum(panel.height + HEAD + _GAP for panel in panels) - _GAP + _FOOT
    inside, top, last = [], 0, 0
    for panel in panels:
        top += HEAD
        inside.append(_panel(panel, top, marks, span))
        last = top
        top += panel.height + _GAP
    inside.append(_time_axis(span, top - _GAP))
    if marks.onset_s:
        inside.append(
            _word("onset-word", marks.onset_s, f"overloaded from {_rounded(marks.onset_s, span)}", HEAD, span)
        )
    if marks.stopped_s is not None:
        inside.append(_word("stopped-word", marks.stopped_s, "sending stopped", last, span))
    inside.append(_hover(over, top, streams=streams, duration=duration))
    return (
        f'<div class=overtime><svg class=static width="100%" height="{height}" role="img" '
        f'aria-label="{escape(alternative)}">{"".join(inside)}</svg></div>'
    )


def _panels(over: Over, span: float, *, streams: bool, duration: Callable[[float], str]) -> list[Panel]:
    rates = [("sent", "┅ sent"), ("answered", "━ answered")]
    lines = [("sent", over.sent), ("answered", over.answered)]
    if over.failed.any():
        rates.append(("failed", "┈ failed"))
        lines.append(("failed", over.failed))
    most = linear(max(float(values.max()) for _, values in lines))
    stairs = "".join(_stairs(name, over.edges_s / span, most.share(values), 84) for name, values in lines)
    both = over.waiting + over.decoding
    flight = linear(float(both.max()))
    split = [("waiting", "■ waiting for the first token"), ("decoding", "■ decoding")] if streams else [("", "")]
    areas = _area("waiting", over.edges_s / span, flight.share(both), flight.share(over.decoding), 84) + _area(
        "decoding", over.edges_s / span, flight.share(over.decoding), np.zeros(both.size), 84
    )
    felt = latency_axis(np.concatenate((over.low, over.median, over.high, over.dots[1])))
    told = [("median", "━ median"), ("band", "■ 10\N{EN DASH}90 %")]
    name = f"{'TTFT' if streams else 'E2EL'} by send time{' (log)' if felt.log else ''}"
    panels = [
        Panel([("", "Requests per second"), *rates], most, number, 84, stairs),
        Panel([("", "In flight"), *split], flight, number, 84, areas),
        Panel([("", name), *told], felt, lambda value: tick_text(duration(value)), 104, _felt(over, felt, span, 104)),
    ]
    # Where nothing was answered nothing was felt.
    return panels if np.isfinite(over.median).any() else panels[:2]


def _panel(panel: Panel, top: int, marks: Marks, span: float) -> str:
    name, *legend = panel.head
    words = "".join(f'<tspan dx="14" class="key {kind}">{escape(text)}</tspan>' for kind, text in legend if text)
    head = f'<text y="{top - 7}"><tspan class=name>{escape(name[1])}</tspan>{words}</text>'
    places = [
        (top + panel.height * (1 - float(panel.axis.share(np.array([tick]))[0])), tick) for tick in panel.axis.ticks
    ]
    grid = "".join(f'<line class=grid x2="100%" y1="{at:.1f}" y2="{at:.1f}"/>' for at, _ in places)
    ticks = "".join(
        f'<text class=tick x="-8" y="{at + 4:.1f}">{escape(panel.label(tick))}</text>' for at, tick in places
    )
    outside = ""
    if marks.window:
        begin, end = (min(1.0, max(0.0, moment / span)) for moment in marks.window)
        outside = "".join(
            f'<rect class=outside x="{100 * left:.2f}%" width="{100 * (right - left):.2f}%" y="{top}" '
            f'height="{panel.height}"/>'
            for left, right in ((0.0, begin), (end, 1.0))
            if right > left
        )
    upright = "".join(
        f'<line class="{kind}" x1="{100 * at / span:.2f}%" x2="{100 * at / span:.2f}%" y1="{top}" '
        f'y2="{top + panel.height}"/>'
        for kind, moments in (("stage", marks.stages), ("onset", (marks.onset_s,)), ("stopped", (marks.stopped_s,)))
        for at in moments
        if at is not None and 0 < at < span
    )
    plot = stretched(panel.marks, panel.height, top)
    return f"{outside}{grid}{plot}{upright}{head}{ticks}"


def stretched(inside: str, height: float, top: float = 0) -> str:
    return (
        f'<svg y="{top:g}" width="100%" height="{height:g}" viewBox="0 0 {_WIDE} {height:g}" '
        f'preserveAspectRatio="none">{inside}</svg>'
    )


def _stairs(kind: str, edges: Floats, shares: Floats, height: int) -> str:
    return f'<path class="line {kind}" d="M{_steps(edges, shares, height)}"/>'


def _steps(edges: Floats, shares: Floats, height: int) -> str:
    """The points of a step function: shares[k] between edges[k] and edges[k + 1], both parts of 1."""
    x, y = np.round(edges * _WIDE, 1), np.round(height * (1 - shares), 1)
    return " ".join(f"{left:g},{up:g} {right:g},{up:g}" for left, right, up in zip(x, x[1:], y, strict=False))


def _area(kind: str, edges: Floats, top: Floats, bottom: Floats, height: int) -> str:
    if not np.any(top > bottom):
        return ""
    back = _steps(edges, bottom, height).split(" ")[::-1]
    return f'<path class="area {kind}" d="M{_steps(edges, top, height)} {" ".join(back)}Z"/>'


def _felt(over: Over, axis: Axis, span: float, height: int) -> str:
    """The band and the median, broken where no request was sent; each request where there are few."""
    middle = (over.edges_s[:-1] + over.edges_s[1:]) / 2 / span
    shares = [axis.share(values) for values in (over.low, over.median, over.high)]
    x = np.round(middle * _WIDE, 1)
    low, median, high = (np.round(height * (1 - share), 1) for share in shares)
    parts = []
    for run in _runs(np.isfinite(low) & np.isfinite(high)):
        up = " ".join(f"{x[k]:g},{high[k]:g}" for k in run)
        down = " ".join(f"{x[k]:g},{low[k]:g}" for k in reversed(run))
        parts.append(f'<path class="area band" d="M{up} {down}Z"/>')
    for run in _runs(np.isfinite(median)):
        points = [(x[k], median[k]) for k in run]
        if len(points) == 1:  # a bin by itself is as wide as it is
            half = _WIDE / over.median.size / 2
            points = [(points[0][0] - half, points[0][1]), (points[0][0] + half, points[0][1])]
        parts.append(f'<path class="line median" d="M{" ".join(f"{left:g},{up:g}" for left, up in points)}"/>')
    at, took = over.dots
    dots = zip(np.round(at / span * _WIDE, 1), np.round(height * (1 - axis.share(took)), 1), strict=True)
    # A path of no length with a round end is a dot, and stays round where the plot is stretched.
    parts.extend(f'<path class=dot d="M{left:g},{up:g}h0"/>' for left, up in dots)
    return "".join(parts)


def _runs(known: NDArray[np.bool_]) -> Iterator[list[int]]:
    """The places of neighbours that are known."""
    run: list[int] = []
    for place, is_known in enumerate(known.tolist()):
        if is_known:
            run.append(place)
        elif run:
            yield run
            run = []
    if run:
        yield run


def time_ticks(span: float) -> list[float]:
    """Round moments from 0 on, at most seven."""
    steps = (*(digit * 10.0**power for power in range(-6, 1) for digit in (1, 2, 5)), *_LONG_STEPS)
    step = next((step for step in steps if span / step <= 6.5), span)
    return [step * tick for tick in range(int(span / step + 1e-9) + 1)]


_LONG_STEPS = (10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)


def moment(seconds: float, span: float) -> str:
    """A moment of a run of `span` s, as short as its neighbours allow."""
    if span < 600:
        return f"{seconds:.6g} s"
    minutes, rest = divmod(round(seconds), 60)
    if span < 7_200:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02} h"


def _time_axis(span: float, top: int) -> str:
    words = []
    for at in time_ticks(span):
        share = at / span
        anchor = "start" if share < 0.02 else "end" if share > 0.97 else "middle"
        text = escape(moment(at, span))
        words.append(f'<text class=time x="{100 * share:.2f}%" y="{top + 17}" text-anchor="{anchor}">{text}</text>')
    return "".join(words)


def _rounded(seconds: float, span: float) -> str:
    return moment(float(f"{seconds:.3g}"), span)


def _word(kind: str, at_s: float, text: str, top: int, span: float) -> str:
    """Beside an upright line, at the top of a plot; nothing where the line is not in it."""
    if not 0 <= at_s < span:
        return ""
    left = at_s < 0.7 * span
    anchor, shift = ("start", 5) if left else ("end", -5)
    return (
        f'<text class={kind} x="{100 * at_s / span:.2f}%" dx="{shift}" y="{top + 11}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _hover(over: Over, height: int, *, streams: bool, duration: Callable[[float], str]) -> str:
    """A column for each bin that says its numbers where the pointer is."""
    span = float(over.edges_s[-1])
    columns = []
    for place, (begin, end) in enumerate(pairwise(over.edges_s.tolist())):
        told = [
            f"{begin:.3g}\N{EN DASH}{end:.3g} s",
            f"{over.sent[place]:.3g}/s sent, {over.answered[place]:.3g}/s answered",
        ]
        flight = f"{over.waiting[place]:.3g} waiting, {over.decoding[place]:.3g} decoding"
        told.append(flight if streams else f"{over.decoding[place]:.3g} in flight")
        if np.isfinite(over.median[place]):
            told.append(f"{'TTFT' if streams else 'E2EL'} {duration(float(over.median[place]))}")
        x, wide = 100 * begin / span, 100 * (end - begin) / span
        text = escape("\n".join(told))
        columns.append(
            f'<rect class=bin x="{x:.2f}%" width="{wide:.2f}%" y="0" height="{height}"><title>{text}</title></rect>'
        )
    return "".join(columns)


def strip(counts: Sequence[int], low: float, high: float, ticks: Sequence[tuple[str, float]], alternative: str) -> str:
    """How values are distributed from low to high: a bar for each count. ticks: (class, value), such as the median."""
    span = high - low
    lines = "".join(
        f'<path class="tick-{kind}" d="M{_WIDE * ((value - low) / span if span else 0.5):.1f},0V{_STRIP_HIGH}"/>'
        for kind, value in ticks
        if low <= value <= high
    )
    bars = f'<path class=bars d="{_bars(np.array(counts) / max(*counts, 1))}"/>'
    return _small(bars + lines, alternative)


def _bars(shares: Floats) -> str:
    if shares.size == 1:  # all values are one
        return f"M{0.48 * _WIDE:.0f},{_STRIP_HIGH}V3H{0.52 * _WIDE:.0f}V{_STRIP_HIGH}z"
    wide = _WIDE / shares.size
    found = []
    for place, share in enumerate(shares.tolist()):
        if share:
            # What is not none is seen.
            tall = max(1.0, share * (_STRIP_HIGH - 3))
            found.append(f"M{place * wide:.1f},{_STRIP_HIGH}v-{tall:.1f}h{wide * 0.82:.1f}v{tall:.1f}z")
    return "".join(found)


def sparkline(lines: Sequence[tuple[str, Floats]], alternative: str) -> str:
    """Steps from 0 to the greatest of all. lines: (class, values in bins of equal width)."""
    most = max((float(values.max(initial=0)) for _, values in lines), default=0) or 1.0
    inside = "".join(
        _stairs(kind, np.linspace(0, 1, values.size + 1), values / most * 0.92, _STRIP_HIGH)
        for kind, values in lines
        if values.size
    )
    return _small(inside, alternative) if inside else ""


def flight_strip(over: Over) -> str:
    """The requests in flight over the whole run, for the strip below the timeline."""
    both = over.waiting + over.decoding
    most, edges = float(both.max()) or 1.0, over.edges_s / float(over.edges_s[-1])
    shares = [values / most for values in (both, over.decoding, np.zeros(both.size))]
    inside = "".join(
        _area(kind, edges, top, bottom, 40)
        for kind, top, bottom in zip(("waiting", "decoding"), shares, shares[1:], strict=False)
    )
    return (
        f'<svg class=static width="100%" height="40" viewBox="0 0 {_WIDE} 40" preserveAspectRatio="none" role="img" '
        f'aria-label="Requests in flight over the whole run">{inside}</svg>'
    )


def _small(inside: str, alternative: str) -> str:
    return (
        f'<svg class="static strip" width="100%" height="{_STRIP_HIGH}" viewBox="0 0 {_WIDE} {_STRIP_HIGH}" '
        f'preserveAspectRatio="none" role="img" aria-label="{escape(alternative)}">{inside}</svg>'
    )
