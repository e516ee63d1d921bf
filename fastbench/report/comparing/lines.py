"""A comparison on the screen: the answer, a table with a forest plot, what differs, notes. No line is wider than
asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fastbench.answers.comparison import (
    BETTER,
    CANNOT_TELL,
    NOT_WORSE,
    WORSE,
    Comparison,
    Effect,
    Side,
    VerdictWord,
    Versus,
)
from fastbench.report.cells import printable
from fastbench.report.screen.lines import Line, Part, Style, wrapped
from fastbench.report.sentence import counted
from fastbench.text import columns, shortened
from fastbench.units import MISSING, quantity

MARKS: dict[VerdictWord, tuple[str, Style]] = {
    BETTER: ("\N{HEAVY CHECK MARK}", Style.GOOD),
    WORSE: ("\N{HEAVY BALLOT X}", Style.BAD),
    NOT_WORSE: ("=", Style.PLAIN),
    CANNOT_TELL: ("?", Style.DIM),
}
LEGEND = f"{MARKS[BETTER][0]} better  {MARKS[WORSE][0]} worse  = not worse  ? cannot tell  * decides"
_NARROWEST, _LEAST_STRIP, _MOST_STRIP = 60, 13, 41
_STEPS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 1.0, 2.0, 5.0)
_MOST_INSIDE = 0.8
_SHORT = {
    "Request Throughput": "requests/s",
    "Output Token Throughput": "output tok/s",
    "Total Token Throughput": "total tok/s",
    "Failed": "failed",
    "Good": "good",
    "Goodput": "good req/s",
}
_MOST_DIFFERENCES = 12
_HEAD = 12
_LONGEST = 3_000
_MINUS = "\N{MINUS SIGN}"


def comparison_lines(comparison: Comparison, columns: int = 80) -> list[Line]:
    """All of it. columns: of the screen."""
    width = max(_NARROWEST, columns)
    blocks: list[list[Line]] = [
        [(Part(line, Style.STRONG),) for sentence in comparison.sentences for line in wrapped(clean(sentence), width)],
        [(Part(line, Style.DIM),) for side in comparison.sides for line in _about(side, width)],
    ]
    blocks += [_table(comparison.base, one, width) for one in comparison.versus if one.effects]
    blocks += [_differences(comparison.base, one, width) for one in comparison.versus if one.differs]
    notes = [*comparison.notes, *dict.fromkeys(one.method for one in comparison.versus if one.method)]
    blocks.append([(Part(line, Style.DIM),) for note in notes for line in wrapped(clean(_sentence(note)), width)])
    return [line for place, block in enumerate(filter(None, blocks)) for line in ([()] if place else []) + block]


def clean(text: str) -> str:
    """Text that may be from a service or a header, without what a terminal would obey."""
    return printable(text, _LONGEST)


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."


def _about(side: Side, width: int) -> Iterator[str]:
    first = side.runs[0]
    more = len(side.runs) - 1
    runs = f" and {counted(more, 'more run')}" if more else ""
    each, overall = (" each", " in all") if more else ("", "")
    words = f"{first.workload.words}{each}; " if first.workload.words else ""
    done = sum(run.ok for run in side.runs)
    where = first.source.partition("/performances/")[0]
    text = f"{side.label}: {where}{runs} ({words}{done:,} succeeded{overall})"
    return iter(wrapped(clean(text), width))


class Cells(NamedTuple):
    """An effect as text."""

    name: str
    a: str
    b: str
    change: str
    interval: str


def cells(effect: Effect) -> Cells:
    """Of an effect; an asterisk behind the name of one that decides."""
    name = _SHORT.get(effect.name, effect.name)
    name = f"{name} {effect.statistic.lower()}".rstrip() + ("*" if effect.gate else "")
    return Cells(name, value(effect.a, effect), value(effect.b, effect), change(effect), interval(effect))


def value(number: float | None, effect: Effect) -> str:
    """One side's number with its unit; of a throughput without, which stands in the name."""
    if effect.in_points:
        return MISSING if number is None else f"{number * 100:.2f} %"
    return quantity(number, effect.unit if effect.unit == "ms" else "")


def change(effect: Effect) -> str:
    """With its sign."""
    if effect.change is None:
        return MISSING
    return f"{signed(effect.change)} {'pt' if effect.in_points else '%'}"


def interval(effect: Effect) -> str:
    """Of the change."""
    if effect.interval is None:
        return MISSING
    low, high = effect.interval
    return f"{signed(low)} … {signed(high)} {'pt' if effect.in_points else '%'}"


def signed(share: float) -> str:
    """In per cent, with a sign unless it is 0."""
    percent = share * 100
    digits = 2 if abs(percent) < 1 else 1 if abs(percent) < 100 else 0
    text = f"{abs(percent):.{digits}f}"
    sign = "+" if percent > 0 else _MINUS
    return text if float(text) == 0 else f"{sign}{text}"


def _table(base: Side, one: Versus, width: int) -> list[Line]:
    rows = [cells(effect) for effect in one.effects]
    change = f"{one.other.label} / {base.label}"
    heads = Cells("", base.label, one.other.label, change if columns(change) <= _HEAD else "change", "95 %")
    heads = Cells(*(shortened(clean(head), _HEAD) for head in heads))
    widths = [max(columns(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    left = width - sum(widths) - 2 * len(widths) - 2
    if left < _LEAST_STRIP:
        # The interval is drawn and in the files; on a narrow screen one of both is enough.
        left = 0
    bars = min(_MOST_STRIP, left) - (min(_MOST_STRIP, left) + 1) % 2 if left else 0
    reach = _reach(one.effects)
    lines: list[Line] = [(Part(f"  {_cells(heads, widths)}  {_axis(reach, bars)}".rstrip(), Style.DIM),)]
    for effect, row in zip(one.effects, rows, strict=True):
        mark, style = MARKS[effect.verdict]
        drawn = strip(effect, reach, bars)
        lines.append((Part(f"{mark} ", style), Part(f"{_cells(row, widths)}  "), Part(drawn, style)))
    return [*lines, (Part(f"  {LEGEND}", Style.DIM),)]


def _cells(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *rest = (
        text + " " * (width - columns(text)) if not place else " " * (width - columns(text)) + text
        for place, (text, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([name, *rest])


def _reach(effects: Iterable[Effect]) -> float:
    """How far the axis goes to both sides: all points, and most intervals; a wide one would make the others dots."""
    shown = [effect for effect in effects if not effect.in_points and effect.change is not None]
    points = max((abs(effect.change or 0) for effect in shown), default=0.0)
    ends = sorted(max(abs(end) for end in effect.interval) for effect in shown if effect.interval is not None)
    wanted = max(points, ends[int(_MOST_INSIDE * (len(ends) - 1))] if ends else 0.0)
    return next((step for step in _STEPS if step >= wanted), _STEPS[-1])


def _axis(reach: float, bars: int) -> str:
    if bars < _LEAST_STRIP:
        return ""
    low, high = (f"{sign}{reach * 100:g} %" for sign in (_MINUS, "+"))
    side = bars // 2
    return f"{low:<{side}}0{high:>{side}}"


def strip(effect: Effect, reach: float, bars: int) -> str:
    """A dot with its interval on an axis from -reach to reach; "" where there is none, or no room."""
    if bars < _LEAST_STRIP or effect.in_points or effect.change is None:
        return ""
    letters = [" "] * bars
    letters[bars // 2] = "\N{BOX DRAWINGS LIGHT VERTICAL}"

    def place(share: float) -> int:
        return min(bars - 1, max(0, math.floor((share / reach + 1) / 2 * (bars - 1) + 0.5)))

    if effect.interval is not None:
        low, high = place(effect.interval.low), place(effect.interval.high)
        letters[low : high + 1] = "\N{BOX DRAWINGS LIGHT HORIZONTAL}" * (high + 1 - low)
        letters[low] = "<" if effect.interval.low < -reach else "\N{BOX DRAWINGS LIGHT VERTICAL AND RIGHT}"
        letters[high] = ">" if effect.interval.high > reach else "\N{BOX DRAWINGS LIGHT VERTICAL AND LEFT}"
    letters[place(effect.change)] = "\N{BLACK CIRCLE}"
    return "".join(letters)


def _differences(base: Side, one: Versus, width: int) -> list[Line]:
    names = max(columns(difference.name) for difference in one.differs)
    lines: list[Line] = [(Part(f"{base.label} and {one.other.label} differ in", Style.DIM),)]
    for difference in one.differs[:_MOST_DIFFERENCES]:
        room = (width - names - 8) // 2
        a, b = (shortened(clean(text) or MISSING, room) for text in (difference.a, difference.b))
        lines.append((Part(f"  {difference.name:<{names}}  {a} \N{RIGHTWARDS ARROW} {b}"),))
    more = len(one.differs) - _MOST_DIFFERENCES
    return [*lines, (Part(f"  and {more} more lines (--json has all)", Style.DIM),)] if more > 0 else lines
