"""A comparison → its page: the answer first, the picture of it, then what differs, where, and all numbers."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from fastbench.answers.comparison import (
    BETTER,
    CANNOT_TELL,
    NOT_WORSE,
    WORSE,
    Comparison,
    RunSummary,
    Side,
    Versus,
)
from fastbench.report.cells import shortened
from fastbench.report.comparing.written import comparison_markdown
from fastbench.report.page import head
from fastbench.report.page.comparison import charts, tables
from fastbench.report.page.comparison.forest import forest, found, verdict_cells
from fastbench.report.page.comparison.marks import key_mark, verdict_mark
from fastbench.report.page.comparison.words import (
    LOOKS,
    NOT_COMPARABLE,
    Refused,
    load,
    of_change,
    overall,
    refused,
    summary,
    word_of,
)
from fastbench.report.page.document import document, titled
from fastbench.report.page.frontier import LEAST, Point, frontier
from fastbench.report.sentence import counted, per_user
from fastbench.units import NS_PER_S, quantity

_SCRIPTS = ("fold.js", "index.js")
_LEVELS = {WORSE: "bad", CANNOT_TELL: "notice", BETTER: "good", NOT_WORSE: "good", NOT_COMPARABLE: "bad"}
_FIGURE = re.compile(r"([+\-\u2212]?\d[\d.,]*\s?(?:%|points) (?:worse|better))")
_CURVES_NOTE = "The dotted end of a curve has too few requests to be certain (at 99 % confidence)."
_REASONS = 3
"""So many reasons are shown at once."""
_PLACES = 3
"""So many directories of a side are named."""
_SAME_LOAD = 0.03
"""Two loads that differ by no more are one."""


def comparison_page(comparison: Comparison) -> bytes:
    """The whole file; it needs no other, and no script for its charts."""
    data = {"markdown": comparison_markdown(comparison)}
    title = f"{_against(comparison)} · {overall(comparison)} · fastbench"
    return document(
        title,
        "".join(_body(comparison)),
        data,
        _SCRIPTS,
        charts=False,
        foot=f"{_against(comparison)}: {overall(comparison)}",
        styles=("comparison.css",),
    )


def _against(comparison: Comparison) -> str:
    others = [one.other.label for one in comparison.versus]
    return f"{', '.join(others[:3])}{' …' if len(others) > 3 else ''} against {comparison.base.label}"


def _body(comparison: Comparison) -> Iterator[str]:
    single = comparison.versus[0] if len(comparison.versus) == 1 else None
    yield f"<div id=fold>{_head(comparison)}"
    if single is not None:
        yield _forest_section(comparison, single)
    elif any(one.effects for one in comparison.versus):
        yield _matrix(comparison)
    yield "</div>"
    yield _differs(comparison)
    if not any(one.effects for one in comparison.versus):
        return
    yield _trends(comparison)
    yield _loads(comparison)
    if single is None:
        yield _forests(comparison)
    else:
        yield _deciles(comparison, single)
    yield _curves(comparison)
    if single is not None:
        yield _pairs(comparison, single)
    yield (
        "<section id=numbers><details><summary>All numbers, side by side</summary>"
        f"{tables.numbers(comparison)}</details></section>"
    )


# ------------------------------------------------------------------------------------------------------------ the fold
def _head(comparison: Comparison) -> str:
    word = overall(comparison)
    sign = "✗" if word == NOT_COMPARABLE else LOOKS[comparison.verdict].sign
    pill = f'<ul class=pills><li><span class="pill {_LEVELS[word]}">{sign} {escape(word.capitalize())}</span></li></ul>'
    notes = dict.fromkeys((*comparison.notes, *(note for one in comparison.versus for note in one.notes)))
    if comparison.refusals and not comparison.anyway:
        notes["The numbers of what is not comparable are not shown; --anyway shows them, below the reason"] = None
    listed = "".join(f"<p class=note>{escape(note)}{'' if note.endswith('.') else '.'}</p>" for note in notes)
    return (
        f"<header><div><p class=meta><b>{escape(_against(comparison))}</b>{_when(comparison)}</p></div>{head.TOOLS}"
        f"</header>{_answer(comparison)}{pill}{listed}{_sides(comparison.sides)}"
    )


def _answer(comparison: Comparison) -> str:
    """The sentence; of what is refused first why, then what was found all the same. Of several sides a sentence about
    all of them, then one of each."""
    refusals = {one.other.label: refused(comparison.base, one) for one in comparison.versus if one.refusals}
    found = list(refusals.values())
    why = _reasons(list(dict.fromkeys(reason for one in found for reason in one.reasons))) if found else ""
    if len(comparison.versus) > 1:
        each = zip(comparison.versus, comparison.sentences, strict=True)
        lines = "".join(_line(sentence, refusals.get(one.other.label)) for one, sentence in each)
        return f"<h1 class=sentence>{escape(summary(comparison))}</h1>{why}{lines}"
    if not found:
        return f"<h1 class=sentence>{_emphasized(comparison.sentence)}</h1>"
    return f"<h1 class=sentence>{escape(found[0].head)}:</h1>{why}{_anyway(found[0], '')}"


def _line(sentence: str, found: Refused | None) -> str:
    """Of one side among several."""
    return f"<p class=finding>{_emphasized(sentence)}</p>" if found is None else _anyway(found, f"{found.head}. ")


def _anyway(found: Refused, head: str) -> str:
    said = f"Compared anyway: {_emphasized(found.said)}" if found.said else ""
    return f"<p class=finding>{escape(head)}{said}</p>" if head or said else ""


def _reasons(clauses: Sequence[str]) -> str:
    """The first ones; the rest folded away."""
    items = [f"<li>{escape(shortened(clause))}</li>" for clause in clauses]
    first, rest = "".join(items[:_REASONS]), "".join(items[_REASONS:])
    more = len(items) - _REASONS
    folded = f"<details><summary>{more} more</summary><ul class=reasons>{rest}</ul></details>" if more > 0 else ""
    return f"<ul class=reasons>{first}</ul>{folded}"


def _when(comparison: Comparison) -> str:
    moments = sorted(run.begun for side in comparison.sides for run in side.runs if run.begun)
    shown = list(dict.fromkeys(_date(moment) for moment in (moments[:1] + moments[-1:])))
    return f"&nbsp;· {escape(' to '.join(shown))}" if shown else ""


def _date(begun: str) -> str:
    return head.date(datetime.datetime.fromisoformat(begun))


def _emphasized(sentence: str) -> str:
    """The figures outside of brackets in bold."""
    parts = re.split(r"(\([^)]*\))", sentence)
    return "".join(escape(part) if part.startswith("(") else _FIGURE.sub(r"<b>\1</b>", escape(part)) for part in parts)


def _sides(sides: Sequence[Side]) -> str:
    return f'<div class="sides">{"".join(_side(place, side) for place, side in enumerate(sides))}</div>'


def _side(place: int, side: Side) -> str:
    runs = side.runs
    ok, requests = sum(run.ok for run in runs), sum(run.requests for run in runs)
    seconds = sum(run.length_s for run in runs)
    told = [
        runs[0].workload.words,
        f"reached {load(runs[0])}" if load(runs[0]) else "",
        counted(len(runs), "run") if len(runs) > 1 else "",
        f"{ok:,} of {requests:,} succeeded in {quantity(seconds * NS_PER_S)}",
    ]
    reasons = dict.fromkeys(reason for run in runs for reason in (*run.reasons, *([run.fault] if run.fault else [])))
    invalid = sum(not run.valid for run in runs)
    trust = "✓ Measurement valid"
    if invalid:
        of = f" in {invalid} of {len(runs)} runs" if len(runs) > 1 else ""
        trust = f"✗ Measurement INVALID: not to be trusted{of}"
    listed = "".join(f"<li>{escape(shortened(reason))}</li>" for reason in reasons)
    why = f"<details><summary>{trust}: why</summary><ul class=reasons>{listed}</ul></details>" if listed else trust
    return (
        f'<div class="side {charts.tone(place)}"><p><b>{escape(side.label)}</b> '
        f'<span class=source title="{escape(side.source)}">{escape(_places(side))}</span></p>'
        f"<p>{escape(' · '.join(part for part in told if part))}</p>"
        f"<div class={'bad' if invalid else 'good'}>{why}</div></div>"
    )


def _places(side: Side) -> str:
    """Where its runs came from: directories of runs, without what is the same in all of them."""
    found = list(dict.fromkeys(run.source.partition("/performances/")[0] for run in side.runs))
    rest = f" and {len(found) - _PLACES} more" if len(found) > _PLACES else ""
    return "" if found == [side.label] else f"{', '.join(found[:_PLACES])}{rest}"


def _forest_section(comparison: Comparison, versus: Versus) -> str:
    if not versus.effects:
        return ""
    a, b = comparison.base.label, versus.other.label
    method = f"<p class=note>{escape(versus.method)}</p>" if versus.method else ""
    chart = forest(versus, (a, b), comparison.tolerance)
    title = titled(f"What changed from {a} to {b}, and how sure", found(versus))
    return f"<section id=forest>{title}{chart}{method}</section>"


# ------------------------------------------------------------------------------------------------------- several sides
def _matrix(comparison: Comparison) -> str:
    """The numbers by the sides: of each its change against the base."""
    labels = dict.fromkeys(effect.label for one in comparison.versus for effect in one.effects)
    heads = "".join(f"<th scope=col>{escape(one.other.label)}</th>" for one in comparison.versus)
    rows = []
    for label in labels:
        cells = list(verdict_cells(comparison.versus, label))
        gate = any(effect is not None and effect.gate for effect, _ in cells)
        rows.append(
            f"<tr{' class=gate' if gate else ''}><th scope=row>{escape(label)}</th>{''.join(cell for _, cell in cells)}"
            "</tr>"
        )
    words = [f"{one.other.label} {word_of(one)}" for one in comparison.versus]
    table = (
        f'<table class="stacked matrix-of-changes numbers"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    title = titled(f"Changes against {comparison.base.label}", f"{'; '.join(words)}.")
    return f"<section id=forest>{title}{table}</section>"


def _forests(comparison: Comparison) -> str:
    """Of each side its plot, folded away."""
    parts = [
        f"<details><summary>{escape(one.other.label)}: {word_of(one)}</summary>"
        f"{forest(one, (comparison.base.label, one.other.label), comparison.tolerance)}</details>"
        for one in comparison.versus
        if one.effects
    ]
    return f"<section id=forests>{titled('Each against the base, with intervals')}{''.join(parts)}</section>"


def _trends(comparison: Comparison) -> str:
    """Run after run, where there are more than the two."""
    if sum(len(side.runs) for side in comparison.sides) <= 2:
        return ""
    shown = charts.trends(comparison)
    if not shown:
        return ""
    note = "Each mark is a run, in their order. Grey: the 95 % interval of a side, where it is known."
    sides = enumerate(comparison.sides, 1)
    names = "" if charts.fit(comparison.sides) else " · ".join(f"{place} {side.label}" for place, side in sides)
    words = dict.fromkeys(effect.verdict for one in comparison.versus for effect in one.effects)
    keys = "".join(f"<span>{verdict_mark(word)} {word}</span>" for word in LOOKS if word in words)
    base = f"<span>{key_mark('base')} {escape(comparison.base.label)}</span>"
    return (
        f"<section id=trend>{titled('Run after run')}<p class=note>{note}</p><p class=keys>{base}{keys}</p>"
        f"{f'<p class=note>{escape(names)}</p>' if names else ''}{charts.panels(shown)}</section>"
    )


def _loads(comparison: Comparison) -> str:
    """What all users get against what one gets, where the sides had different loads."""
    points = [
        Point(speed, rate, f"{side.label}, {load(run)}", "")
        for side in comparison.sides
        for run in side.runs
        for speed in [_speed(run)]
        for rate in [run.ratios["Output Token Throughput"].value if "Output Token Throughput" in run.ratios else None]
        if speed and rate
    ]
    loads = sorted(run.load.value for side in comparison.sides for run in side.runs if run.load.value)
    several = 1 + sum(after > before * (1 + _SAME_LOAD) for before, after in pairwise(loads))
    if len(points) < LEAST or several < LEAST:
        return ""
    return frontier(points, [""], max(points, key=lambda point: point.y))


def _speed(run: RunSummary) -> float | None:
    return per_user(run.distributions["TPOT"].points.get("P50")) if "TPOT" in run.distributions else None


# -------------------------------------------------------------------------------------------------------- the sections
def _differs(comparison: Comparison) -> str:
    topic = "What differs in workload and config"
    names, rows = tables.differing(comparison)
    if not rows:
        return f"<section id=differs>{titled(topic, 'Nothing that was recorded.')}</section>"
    finding = f"{counted(len(rows), 'setting')} {'differs' if len(rows) == 1 else 'differ'}."
    return f"<section id=differs>{titled(topic, finding)}{tables.beside(names, rows, kind='words')}</section>"


def _deciles(comparison: Comparison, versus: Versus) -> str:
    shown = charts.deciles(versus, comparison.tolerance)
    if not shown:
        return ""
    note = f"{versus.other.label} against {comparison.base.label} at P10 to P90, with 95 % intervals; up is slower."
    title = titled("Where in the distribution", _where(versus))
    return f"<section id=deciles>{title}<p class=note>{escape(note)}</p>{charts.panels(shown)}</section>"


def _where(versus: Versus) -> str:
    """The metric that changed most, over its deciles."""
    name, rows = max(versus.deciles.items(), key=lambda item: max((abs(row.change) for row in item[1]), default=0.0))
    low, high = min(row.change for row in rows), max(row.change for row in rows)
    return f"{name} differs most: {of_change(low)} to {of_change(high)} over its deciles."


def _curves(comparison: Comparison) -> str:
    shown = charts.curves(comparison.sides)
    if not shown:
        return ""
    keys = charts.side_keys(comparison.sides)
    note = f"<p class=note>{_CURVES_NOTE}</p>"
    return f"<section id=curves>{titled('Percentiles')}{note}{keys}{charts.panels(shown)}</section>"


def _pairs(comparison: Comparison, versus: Versus) -> str:
    """Where both sent the same prompts."""
    shown = charts.pairs(versus)
    if versus.pairing is None or not shown:
        return ""
    names = (comparison.base.label, versus.other.label)
    one = next((each for each in versus.pairing.metrics if each.name == "E2EL"), versus.pairing.metrics[0])
    sure = "" if one.interval is None else f" (95 %: {of_change(one.interval.low)} … {of_change(one.interval.high)})"
    finding = f"{one.name} of a pair: {of_change(one.median)} at the median{sure}."
    single = len(comparison.base.runs) == len(versus.other.runs) == 1
    cloud = charts.scatter(comparison.base.runs[0], versus.other.runs[0], one.name, names) if single else None
    parts = charts.panels([*shown, *([cloud] if cloud is not None else [])])
    return f"<section id=pairs>{titled(f'Pairs: {versus.pairing.of}', finding)}{parts}</section>"
