"""Answers → the summary that the screen shows last: lines of styled parts, at most 80 columns wide, and for a task as
high as the terminal if that can be.

How a style looks, and whether a link can be shown, is for the terminal to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fastbench.metrics.samples import Histogram
from fastbench.report.answer import Answer, Latency, Level, Statement, clean
from fastbench.report.screen.lines import (
    CUT,
    DOT,
    LEVELS,
    MARKED,
    Finished,
    Line,
    Part,
    Style,
    again_lines,
    flowed,
    flowed_parts,
    is_rash,
    joined,
    label,
    path_line,
    reasons,
    value_of,
    weight,
    wrapped,
)
from fastbench.report.screen.tasks import several
from fastbench.report.sentence import PER_USER
from fastbench.report.statements import needs
from fastbench.text import columns, shortened
from fastbench.units import MISSING, number, rate

WIDTH, HEIGHT = 80, 22
"""The most of a summary; how high it should be where nobody knows the terminal: as one of 24 lines, with a prompt."""
NARROWEST = 40
_LOWEST = 15
"""What is left of a terminal with fewer lines scrolls."""

_BARS = " ▁▂▃▄▅▆▇█"
_STRIP = 16
_COLUMNS = ("Median", "P90", "P99", "Max")
_COLUMN, _NAME, _ABOUT = 9, 7, 17
_HANGING = 24
"""Where what a verdict is about begins, where the verdict itself is no longer, and the terminal is not narrow."""
_NARROW = 60
_STRIP_HEAD = "how values spread"
"""Above bars from P0.5 to P99."""
_WORST_FIRST = (Level.BAD, Level.NOTICE, Level.GOOD)


def summarize(
    tasks: Sequence[Finished],
    again: str | None = None,
    width: int = WIDTH,
    height: int = HEIGHT,
    *,
    linked: bool = False,
) -> list[Line]:
    """Of one task all there is to say, of several a line each.

    again: the command that prints the tables; None = there is none. width: of the terminal. height: the lines that it
    has for this; where that is not enough, what matters least is left out, but no latency and no reason. linked:
    whether it shows links; elsewhere a path that does not fit is not cut, for it is there to be copied.
    """
    width, height = max(NARROWEST, min(width, WIDTH)), max(_LOWEST, height)
    if len(tasks) == 1:
        return _one(tasks[0], again, width, height, linked)
    return several(tasks, again, width, linked, height) if tasks else []


def strip(found: Histogram | None, bars: int = _STRIP) -> str:
    """A distribution as a row of bars, the highest as high as a line; what is not empty is not shown as empty. Nothing
    where all is one value."""
    if found is None or len(found.counts) < bars:
        return ""
    bins = len(found.counts)
    sums = [sum(found.counts[k * bins // bars : (k + 1) * bins // bars]) for k in range(bars)]
    highest = max(*sums, 1)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // highest)] for count in sums)


class _Room(NamedTuple):
    """What is given up where there is more to say than there are lines: blank lines first, then all but one proof that
    the measurement is valid, the seed, the prompts' lengths, classes, advice about failed requests, the ends of what is
    said of the service and of the requests. Latencies with what their marks mean stay, and so does why a measurement
    is INVALID, what to do about it, and how an SLO stands."""

    gaps: bool = False
    all_proofs: bool = False
    seed: bool = False
    lengths: bool = False
    classes: bool = False
    advice: bool = False
    most: int = 1


_ROOMS = (
    _Room(gaps=True, all_proofs=True, seed=True, lengths=True, classes=True, advice=True, most=HEIGHT),
    _Room(all_proofs=True, seed=True, lengths=True, classes=True, advice=True, most=HEIGHT),
    _Room(seed=True, lengths=True, classes=True, advice=True, most=HEIGHT),
    _Room(lengths=True, classes=True, advice=True, most=HEIGHT),
    _Room(classes=True, advice=True, most=HEIGHT),
    _Room(advice=True, most=HEIGHT),
    _Room(most=HEIGHT),
    _Room(most=2),
    _Room(),
)


def _one(task: Finished, again: str | None, width: int, height: int, linked: bool) -> list[Line]:
    lines: list[Line] = []
    for room in _ROOMS:
        blocks = [
            _head(task.answer, width, room),
            _statements(task, width, room),
            [
                *_rates(task.answer, width),
                *_latencies(task.answer, width),
                *(_classes(task.answer, width) if room.classes else ()),
            ],
            _where(task, again, width, linked),
        ]
        lines = joined([block for block in blocks if block], height if room.gaps else 0)
        if len(lines) <= height:
            break
    return lines


def _head(answer: Answer, width: int, room: _Room) -> list[Line]:
    subject = answer.subject
    about = " at ".join(filter(None, (f"model {subject.model}" if subject.model else "", subject.host)))
    left = width - columns(subject.task) - 2
    head: Line = (Part(shortened(subject.task, width), Style.STRONG),)
    if about and left >= NARROWEST // 2:
        head = (*head, Part(f"  {shortened(about, left)}", Style.DIM))
    seed = f"seed {subject.seed}" if room.seed and subject.seed is not None else ""
    said = (*subject.course, subject.lengths if room.lengths else "", seed)
    lines = flowed(filter(None, (*said, _part(subject.stage))), width)
    return [head, *((Part(line, Style.DIM),) for line in lines)]


def _part(stage: str) -> str:
    return f"{'window' if ':' in stage else 'stage'} {stage} alone" if stage else ""


def _statements(task: Finished, width: int, room: _Room) -> list[Line]:
    """What is wrong stands first."""
    answer = task.answer
    found = [(answer.measurement, _measurement(answer.measurement, width, room))]
    if answer.service is not None:
        about_it = _service(answer.service, width)
        found.append((answer.service, _shortened(about_it, room.most, width)))
    found.append((answer.outcome, _shortened(_outcome(task, width, room.advice), room.most, width)))
    found += ((one, _beside(one, one.short, one.clauses, width)) for one in answer.promises)
    ranked = sorted(found, key=lambda one: _WORST_FIRST.index(one[0].level))
    return [line for _, lines in ranked for line in lines]


def _measurement(found: Statement, width: int, room: _Room) -> list[Line]:
    if not found.remedies:
        return _beside(found, found.short.upper(), found.clauses[: None if room.all_proofs else 1], width)
    short, _, rest = found.short.partition(": ")
    lines = _beside(found, f"{short.upper()}: {rest}" if width >= _NARROW else short.upper(), [], width)
    for reason in reasons(found):
        lines += _below(reason, Style.PLAIN, 4, width)
    return lines


def _service(found: Statement, width: int) -> list[Line]:
    short, _, why = found.short.partition(": ")
    clauses = found.clauses
    if why:
        short, clauses = f"{short} not judged", (why, *clauses)
    return _beside(found, short.upper(), clauses, width)


def _outcome(task: Finished, width: int, advised: bool) -> list[Line]:
    found = task.answer.outcome
    lines = _beside(found, found.short, found.clauses, width)
    if task.advice is None or not advised:
        return lines
    return [*lines, *_below(task.advice, Style.DIM, _hanging(width), width)]


def _beside(found: Statement, short: str, clauses: Sequence[str], width: int) -> list[Line]:
    """A verdict with what it is about behind it, and below where there is more of it."""
    style, mark = LEVELS[found.level]
    head = Part(f"  {mark} {short}", style)
    hanging, size = _hanging(width), columns(head.text)
    begin = hanging if size + 2 <= hanging else size + 3
    first, rest = "", list(clauses)
    while rest and begin + columns(longer := DOT.join(filter(None, (first, rest[0])))) <= width:
        first = longer
        rest.pop(0)
    lines: list[Line] = [(head, Part(" " * (begin - size) + first)) if first else (head,)]
    return [*lines, *((Part(" " * hanging + line),) for line in flowed(rest, width - hanging))]


def _hanging(width: int) -> int:
    return _HANGING if width >= _NARROW else 4


def _below(text: str, style: Style, indent: int, width: int) -> list[Line]:
    return [(Part(" " * indent + line, style),) for line in wrapped(text, width - indent)]


def _shortened(lines: list[Line], most: int, width: int) -> list[Line]:
    if len(lines) <= most:
        return lines
    *kept, last = lines[:most]
    head, room = last[:-1], width - sum(columns(part.text) for part in last[:-1]) - 2
    return [*kept, (*head, last[-1]._replace(text=f"{shortened(last[-1].text, room)} {CUT}"))]


def _rates(answer: Answer, width: int) -> list[Line]:
    """What the service came to: for all, and for one user."""
    found = answer.rates
    # Of an open loop the two are over other times.
    sending, overall = (" while sending", " overall") if found.answered is not None else ("", "")
    groups: list[Line] = []
    if found.served:
        groups.append(_figure(rate(found.served).removesuffix("/s"), f" requests/s{sending}"))
    if found.output_tokens:
        groups.append(_figure(number(found.output_tokens), f" output tokens/s{overall}"))
    if found.per_user:
        groups.append(_figure(number(found.per_user), f" tokens/s {PER_USER}"))
    return flowed_parts(groups, width)


def _figure(value: str, what: str) -> Line:
    return (Part(value, Style.STRONG), Part(what))


def _latencies(answer: Answer, width: int) -> list[Line]:
    """The table, with as much beside the figures as there is room for."""
    if not answer.latencies:
        return []
    figures = len(_COLUMNS) * _COLUMN
    about = width >= _NAME + _ABOUT + figures
    strips = width >= _NAME + _ABOUT + figures + 2 + len(_STRIP_HEAD) and any(
        strip(one.strip) for one in answer.latencies
    )
    names = _COLUMNS if width >= _NAME + figures else ("Median", "P99", "Max")
    head = " " * (_NAME + about * _ABOUT) + "".join(f"{label(name):>{_COLUMN}}" for name in names)
    lines: list[Line] = [(Part(head + (f"  {_STRIP_HEAD}" if strips else ""), Style.DIM),)]
    for one in answer.latencies:
        line = (
            Part(f"  {one.name:<{_NAME - 2}}", Style.STRONG),
            Part(f"{one.about:<{_ABOUT}}" if about else "", Style.DIM),
            *(Part(f"{value_of(one, name):>{_COLUMN}}", weight(name)) for name in names),
            Part(f"  {strip(one.strip)}" if strips and strip(one.strip) else ""),
        )
        lines.append(tuple(part for part in line if part.text))
    notes = [line for note in _marks(answer.latencies) for line in wrapped(note, width - 2)]
    return [*lines, *((Part(f"  {line}", Style.DIM),) for line in notes)]


def _classes(answer: Answer, width: int) -> Iterator[Line]:
    """A line each, cut at its end."""
    for one in answer.classes:
        head = f"  {one.title}  "
        yield (Part(head, Style.STRONG), Part(shortened(DOT.join(one.clauses), max(1, width - columns(head)))))


def _marks(shown: Iterable[Latency]) -> Iterator[str]:
    rows = [one.row for one in shown]
    few = [name for name in _COLUMNS if any(is_rash(row, name) for row in rows)]
    if few:
        alike = " (ITL counts requests, too)" if "ITL" in {row.name for row in rows} else ""
        yield f"{MISSING} too few requests: {needs(few)}{alike}"
    if any(name in row.unsure for row in rows for name in _COLUMNS):
        yield MARKED


def _where(task: Finished, again: str | None, width: int, linked: bool) -> list[Line]:
    lines: list[Line] = []
    if task.fault is not None:
        lines += [(Part(f"  {line}", Style.NOTICE),) for line in wrapped(clean(task.fault), width - 2)]
    if task.page is not None:
        lines.append(path_line("page", task.page, width, linked))
    return [*lines, *again_lines(again, width)]
