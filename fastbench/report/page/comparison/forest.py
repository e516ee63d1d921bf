"""The forest plot: a row for each number, with its change, its interval and its verdict, as a table that needs no
script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from fastbench.answers.comparison import (
    BETTER,
    CANNOT_TELL,
    NOT_WORSE,
    POINTS,
    WORSE,
    Effect,
    Versus,
)
from fastbench.report.comparing.lines import change, interval
from fastbench.report.page.comparison.axes import Changes, changes, ends_of
from fastbench.report.page.comparison.marks import placed, shape, verdict_mark
from fastbench.report.page.comparison.words import LOOKS, reasons, settled_by, value

ROW_HIGH = 30
_HEAD_HIGH = 38
_GROUPS = {
    (False, False): "Less is better",
    (False, True): "More is better",
    (True, False): "Shares of requests, less is better",
    (True, True): "Shares of requests, more is better",
}
"""By `in_points` and `higher_is_better`."""
_ARROW = {-1: "M-1,0L8,-5V5z", 1: "M1,0L-8,-5V5z"}
_SETTLED = (
    "Would show: the smallest change that runs such as these find in 80 of 100 cases. Settled in: how long each side "
    "would have to be measured in all."
)
_TOLD = {WORSE: "worse", BETTER: "better", NOT_WORSE: "not worse"}


def forest(versus: Versus, names: tuple[str, str], tolerance: float) -> str:
    """The table. names: of both sides."""
    groups: dict[tuple[bool, bool], list[Effect]] = {}
    for effect in versus.effects:
        groups.setdefault((effect.in_points, effect.higher_is_better), []).append(effect)
    tolerances = {False: tolerance, True: min(tolerance, POINTS)}
    axes = {
        in_points: changes(ends_of(members), tolerances[in_points], in_points=in_points)
        for in_points in (False, True)
        if (members := [effect for effect in versus.effects if effect.in_points is in_points])
    }
    a, b = (escape(name) for name in names)
    bodies = "".join(
        _group(key, members, axes[key[0]], (a, b), tolerances[key[0]])
        for key, members in sorted(groups.items(), key=_order)
    )
    heads = (
        ("", ""),
        ("a", a),
        ("b", b),
        ("change", "Change"),
        ("sure", "95 % interval"),
        ("", ""),
        ("word", "Verdict"),
    )
    columns = "".join(f'<th scope=col class="{kind}">{name}</th>' for kind, name in heads)
    return f"<table class=forest><thead><tr>{columns}</tr></thead>{bodies}</table>{_legend(versus, tolerance)}"


def _order(group: tuple[tuple[bool, bool], list[Effect]]) -> int:
    return list(_GROUPS).index(group[0])


def _group(
    key: tuple[bool, bool], effects: Sequence[Effect], axis: Changes, names: tuple[str, str], tolerance: float
) -> str:
    _, higher = key
    zero = 100 * axis.at(0)
    allowed = 100 * axis.at(-tolerance if higher else tolerance)
    left, right = min(zero, allowed), max(zero, allowed)
    # Of the cells, so that band and line go through however high a row is.
    style = f"--zero:{zero:.2f}%;--left:{left:.2f}%;--right:{right:.2f}%"
    empty = "".join(f"<td class={name}></td>" for name in ("a", "b", "change", "sure"))
    plot = f"<td class=plot>{_axis(axis, higher)}</td>"
    head = f"<tr class=group><th scope=rowgroup>{_GROUPS[key]}</th>{empty}{plot}<td class=word></td></tr>"
    rows = "".join(_row(effect, axis, names) for effect in effects)
    return f'<tbody style="{style}">{head}{rows}</tbody>'


def _axis(axis: Changes, higher: bool) -> str:
    """Which way is better, and the ticks."""
    words = ("worse", "better") if higher else ("better", "worse")
    zero = 100 * axis.at(0)
    parts = [
        f'<text class="way {words[0]}" x="{zero:.2f}%" dx="-8" y="12" text-anchor="end">◂ {words[0]}</text>',
        f'<text class="way {words[1]}" x="{zero:.2f}%" dx="8" y="12" text-anchor="start">{words[1]} ▸</text>',
    ]
    for tick in axis.ticks():
        anchor = "start" if tick.at < 0.04 else "end" if tick.at > 0.96 else "middle"
        parts.append(f'<text x="{100 * tick.at:.2f}%" y="31" text-anchor="{anchor}">{escape(tick.text)}</text>')
    return _svg("".join(parts), _HEAD_HIGH)


def _svg(inside: str, height: int, told: str = "") -> str:
    label = f'role="img" aria-label="{escape(told)}"' if told else 'aria-hidden="true"'
    return f'<svg class=static width="100%" height="{height}" {label}>{inside}</svg>'


def _row(effect: Effect, axis: Changes, names: tuple[str, str]) -> str:
    look = LOOKS[effect.verdict]
    a, b = (value(one, effect.unit) for one in (effect.a, effect.b))
    more = settled_by(effect)
    small = f"<small>{escape(more)}</small>" if more else ""
    gate = " gate" if effect.gate else ""
    statistic = f" <span>{escape(effect.statistic.lower())}</span>" if effect.statistic else ""
    return (
        f'<tr class="{look.kind}{gate}"><th scope=row>{escape(effect.name)}{statistic}</th>'
        f'<td class=a data-of="{names[0]}">{a}</td><td class=b data-of="{names[1]}">{b}</td>'
        f"<td class=change>{change(effect)}</td><td class=sure>{interval(effect)}</td>"
        f"<td class=plot>{_mark(effect, axis)}</td>"
        f"<td class=word><b>{look.sign} {effect.verdict}</b>{small}</td></tr>"
    )


def _mark(effect: Effect, axis: Changes) -> str:
    """The interval and the change; an arrow where they go on beyond the axis."""
    if effect.change is None:
        return ""
    middle, kind = ROW_HIGH / 2, LOOKS[effect.verdict].kind
    parts = [
        f'<line class=grid x1="{100 * tick.at:.2f}%" x2="{100 * tick.at:.2f}%" y1="0" y2="{ROW_HIGH}"/>'
        for tick in axis.ticks()
        if tick.text != "0"  # the line there is the cell's
    ]
    if effect.interval is not None:
        low, high = (axis.at(end) for end in (effect.interval.low, effect.interval.high))
        left, right = 100 * _clipped(low), 100 * _clipped(high)
        parts.append(f'<line class="span {kind}" x1="{left:.2f}%" x2="{right:.2f}%" y1="{middle:g}" y2="{middle:g}"/>')
        parts += [placed(_clipped(end), middle, _end(end, side), kind) for end, side in ((low, -1), (high, 1))]
    at = axis.at(effect.change)
    if 0 <= at <= 1:
        parts.append(placed(at, middle, shape(kind), kind))
    elif effect.interval is None:
        parts.append(placed(_clipped(at), middle, f'<path class=arrow d="{_ARROW[1 if at > 1 else -1]}"/>', kind))
    told = f"{effect.label}: {change(effect)}, 95 %: {interval(effect)}; {effect.verdict}"
    return _svg("".join(parts), ROW_HIGH, told)


def _end(at: float, side: int) -> str:
    beyond = at < 0 if side < 0 else at > 1
    if beyond:
        return f'<path class=arrow d="{_ARROW[side]}"/>'
    return "<path class=cap d=M0,-5V5 />" if 0 <= at <= 1 else ""


def _clipped(at: float) -> float:
    return min(1.0, max(0.0, at))


def _legend(versus: Versus, tolerance: float) -> str:
    words = dict.fromkeys(effect.verdict for effect in versus.effects)
    keys = "".join(f"<span>{verdict_mark(word)} {word}</span>" for word in LOOKS if word in words)
    most = f"{100 * tolerance:.3g} %"
    if any(effect.in_points for effect in versus.effects):
        most += f", of shares {100 * min(tolerance, POINTS):.3g} pt"
    band = f"<span><i class=band></i> tolerated: worse by up to {most}</span>" if tolerance else ""
    gate = "<span><b>bold</b> decides the verdict</span>" if any(effect.gate for effect in versus.effects) else ""
    notes = [_SETTLED] if any(map(settled_by, versus.effects)) else []
    told = "".join(f"<p class=note>{escape(note)}</p>" for note in (*notes, *reasons(versus.effects)))
    return f"<p class=keys>{keys}{band}{gate}</p>{told}"


def found(versus: Versus) -> str:
    """What the plot shows, in a sentence."""
    counts = Counter(effect.verdict for effect in versus.effects)
    told = [f"{counts[word]} {text}" for word, text in _TOLD.items() if counts[word]]
    if counts[CANNOT_TELL]:
        told.append(f"{counts[CANNOT_TELL]} cannot be told")
    return f"Of {len(versus.effects)} numbers {', '.join(told)}."


def verdict_cells(versus: Sequence[Versus], label: str) -> Iterator[tuple[Effect | None, str]]:
    """Of one number, by its label: for each side its effect and a cell with the change and its shape."""
    for one in versus:
        effect = next((each for each in one.effects if each.label == label), None)
        if effect is None:
            yield None, "<td></td>"
        else:
            kind = LOOKS[effect.verdict].kind
            yield (
                effect,
                (
                    f'<td class="{kind}" data-of="{escape(one.other.label)}" title="{escape(_hover(effect))}">'
                    f"{verdict_mark(effect.verdict)} {change(effect)}</td>"
                ),
            )


def _hover(effect: Effect) -> str:
    return f"{value(effect.b, effect.unit)}; 95 %: {interval(effect)}; {effect.verdict}"
