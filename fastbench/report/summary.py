"""Answers → the summary that the screen shows last: lines of styled parts, at most 80 columns and 15 lines for a task.

How a style looks, and whether a link can be shown, is for the terminal to say.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

from fastbench.metrics import Number, Parameter
from fastbench.metrics.samples import Histogram
from fastbench.report.answer import Answer, Latency, Level, Span, Statement, clean
from fastbench.report.statements import needs
from fastbench.text import columns, cut, shortened
from fastbench.units import MISSING, number, quantity

WIDTH, HEIGHT = 80, 15
"""The most of a summary of one task; of one that has to be narrower, half as many lines more."""
NARROWEST = 40

_BARS = " ▁▂▃▄▅▆▇█"
_STRIP = 16
_COLUMNS = ("Median", "P90", "P99", "Max")
_COLUMN, _NAME, _ABOUT = 9, 7, 17
_HANGING = 24
"""Where what a verdict is about begins, where the verdict itself is no longer, and the terminal is not narrow."""
_NARROW = 60
_DOT = " \N{MIDDLE DOT} "
_CUT = "\N{HORIZONTAL ELLIPSIS}"


class Style(Enum):
    """What a part means for its reader."""

    PLAIN = auto()
    STRONG = auto()
    DIM = auto()
    GOOD = auto()
    NOTICE = auto()
    BAD = auto()


_LEVELS = {
    Level.GOOD: (Style.GOOD, "\N{HEAVY CHECK MARK}"),
    Level.NOTICE: (Style.NOTICE, "!"),
    Level.BAD: (Style.BAD, "\N{HEAVY BALLOT X}"),
}

_WORST_FIRST = (Level.BAD, Level.NOTICE, Level.GOOD)


class Part(NamedTuple):
    """A piece of a line. link: the file that it leads to."""

    text: str
    style: Style = Style.PLAIN
    link: Path | None = None


Line = tuple[Part, ...]


class Finished(NamedTuple):
    """A task and its answer. page: its report page. advice: what to do about its failed requests. fault: what could
    not be written."""

    answer: Answer
    page: Path | None = None
    advice: str | None = None
    fault: str | None = None


def summarize(
    tasks: Sequence[Finished], again: str | None = None, width: int = WIDTH, *, linked: bool = False
) -> list[Line]:
    """Of one task all there is to say in `HEIGHT` lines, of several a line each.

    again: the command that prints the tables; None = there is none. width: of the terminal. linked: whether it shows
    links; elsewhere a path that does not fit is not cut, for it is there to be copied.
    """
    width = max(NARROWEST, min(width, WIDTH))
    if len(tasks) == 1:
        return _one(tasks[0], again, width, linked)
    return _several(tasks, again, width, linked) if tasks else []


def plain(lines: Iterable[Line]) -> str:
    """Without styles and links."""
    return "".join(f"{text_of(line)}\n" for line in lines)


def text_of(line: Line) -> str:
    """A line without styles and links."""
    return "".join(part.text for part in line).rstrip()


def strip(found: Histogram | None, bars: int = _STRIP) -> str:
    """A distribution as a row of bars, the highest as high as a line; what is not empty is not shown as empty. Nothing
    where all is one value."""
    if found is None or len(found.counts) < bars:
        return ""
    bins = len(found.counts)
    sums = [sum(found.counts[k * bins // bars : (k + 1) * bins // bars]) for k in range(bars)]
    highest = max(*sums, 1)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // highest)] for count in sums)


# --- one task


class _Room(NamedTuple):
    """What is given up where there is more to say than there are lines: blank lines first, then ITL, which TPOT tells
    nearly as well, what the marks mean, further reasons, advice, the ends of statements, and at last the cause that a
    measurement is not to be trusted, but never what to do about it."""

    gaps: bool = False
    itl: bool = False
    marks: bool = False
    reasons: int = 1
    advice: bool = True
    most: int = HEIGHT
    causes: bool = True


_ROOMS = (
    _Room(gaps=True, itl=True, marks=True, reasons=HEIGHT),
    _Room(itl=True, marks=True, reasons=HEIGHT),
    _Room(marks=True, reasons=HEIGHT),
    _Room(reasons=HEIGHT),
    _Room(),
    _Room(advice=False),
    _Room(advice=False, most=1),
    _Room(advice=False, most=1, causes=False),
)


def _one(task: Finished, again: str | None, width: int, linked: bool) -> list[Line]:
    lines: list[Line] = []
    for room in _ROOMS:
        blocks = [
            _head(task.answer, width),
            _statements(task, width, room),
            [*_rates(task.answer, width), *_latencies(task.answer, width, room)],
            _where(task, again, width, linked),
        ]
        height = HEIGHT if width == WIDTH else HEIGHT * 3 // 2
        lines = _joined([block for block in blocks if block], height if room.gaps else 0)
        if len(lines) <= height:
            break
    return lines


def _joined(blocks: Sequence[list[Line]], height: int) -> list[Line]:
    """The blocks, with as many blank lines between them as there is room for, the last ones first."""
    room = height - sum(map(len, blocks))
    lines = list(blocks[0])
    for left, block in zip(range(len(blocks) - 1, 0, -1), blocks[1:], strict=True):
        lines += [(), *block] if left <= room else block
    return lines


def _head(answer: Answer, width: int) -> list[Line]:
    subject = answer.subject
    about = " at ".join(filter(None, (f"model {subject.model}" if subject.model else "", subject.host)))
    room = width - columns(subject.task) - 2
    head: Line = (Part(shortened(subject.task, width), Style.STRONG),)
    if about and room >= NARROWEST // 2:
        head = (*head, Part(f"  {shortened(about, room)}", Style.DIM))
    lengths = ", ".join(_lengths(subject.inputs, "in") + _lengths(subject.outputs, "out"))
    said = [subject.load, f"{lengths} tokens" if lengths else "", _duration(subject.duration_ms), _part(subject.stage)]
    return [head, *((Part(line, Style.DIM),) for line in _flowed(filter(None, said), width))]


def _duration(value_ms: Number) -> str:
    return "" if value_ms is None else quantity(value_ms, "ms")


def _part(stage: str) -> str:
    return f"{'window' if ':' in stage else 'stage'} {stage} alone" if stage else ""


def _lengths(found: Span | None, name: str) -> list[str]:
    if found is None:
        return []
    low, high = number(found.low), number(found.high)
    return [f"{name} {low}" if low == high else f"{name} {low}\N{EN DASH}{high}"]


def _statements(task: Finished, width: int, room: _Room) -> list[Line]:
    """What is wrong stands first."""
    answer = task.answer
    found = [(answer.measurement, _measurement(answer.measurement, width, room))]
    if answer.service is not None:
        about_it = _service(answer.service, width, overloaded=answer.overloaded)
        found.append((answer.service, _shortened(about_it, room.most, width)))
    found.append((answer.outcome, _shortened(_outcome(task, width, room.advice), room.most, width)))
    ranked = sorted(found, key=lambda one: _WORST_FIRST.index(one[0].level))
    return [line for _, lines in ranked for line in lines]


def _measurement(found: Statement, width: int, room: _Room) -> list[Line]:
    if not found.remedies:
        return _beside(found, found.short.upper(), found.clauses, width)
    lines = _beside(found, found.short.upper(), [], width)
    for clause, remedy in list(zip(found.clauses, found.remedies, strict=True))[: room.reasons]:
        told = f"{clause}, because {remedy}." if room.causes else f"{clause}: {remedy.partition(': ')[2] or remedy}."
        lines += _below(told, Style.PLAIN, 4, width)
    left = len(found.clauses) - room.reasons
    if left > 0 and room.causes:
        lines.append((Part(f"    {left} more {'reason' if left == 1 else 'reasons'} in the tables", Style.DIM),))
    return lines


def _service(found: Statement, width: int, *, overloaded: bool) -> list[Line]:
    short, _, why = found.short.partition(": ")
    clauses = found.clauses
    if why:
        short, clauses = f"{short} not judged", (why, *clauses)
    if overloaded:
        clauses = (*clauses, "the latencies below are those of a growing queue")
    return _beside(found, short.upper(), clauses, width)


def _outcome(task: Finished, width: int, advised: bool) -> list[Line]:
    found = task.answer.outcome
    lines = _beside(found, found.short, found.clauses, width)
    if task.advice is None or not advised:
        return lines
    return [*lines, *_below(task.advice, Style.DIM, _hanging(width), width)]


def _beside(found: Statement, short: str, clauses: Sequence[str], width: int) -> list[Line]:
    """A verdict with what it is about behind it, and below where there is more of it."""
    style, mark = _LEVELS[found.level]
    head = Part(f"  {mark} {short}", style)
    hanging, size = _hanging(width), columns(head.text)
    begin = hanging if size + 2 <= hanging else size + 3
    first, rest = "", list(clauses)
    while rest and begin + columns(longer := _DOT.join(filter(None, (first, rest[0])))) <= width:
        first = longer
        rest.pop(0)
    lines: list[Line] = [(head, Part(" " * (begin - size) + first)) if first else (head,)]
    return [*lines, *((Part(" " * hanging + line),) for line in _flowed(rest, width - hanging))]


def _hanging(width: int) -> int:
    return _HANGING if width >= _NARROW else 4


def _below(text: str, style: Style, indent: int, width: int) -> list[Line]:
    return [(Part(" " * indent + line, style),) for line in _wrapped(text, width - indent)]


def _shortened(lines: list[Line], most: int, width: int) -> list[Line]:
    if len(lines) <= most:
        return lines
    *kept, last = lines[:most]
    head, room = last[:-1], width - sum(columns(part.text) for part in last[:-1]) - 2
    return [*kept, (*head, last[-1]._replace(text=f"{shortened(last[-1].text, room)} {_CUT}"))]


def _rates(answer: Answer, width: int) -> list[Line]:
    """What was asked of an open loop, sent and answered, or what a closed one came to; and tokens."""
    found = answer.rates
    groups: list[Line] = []
    if found.answered is not None:
        told = (("asked", found.asked), ("sent", found.sent), ("answered", found.answered))
        rates = [
            (Part(f"{name} "), Part(f"{number(value)}/s", Style.STRONG)) for name, value in told if value is not None
        ]
        if width < _NARROW:
            groups += rates
        else:
            first, *rest = rates
            groups.append((*first, *(part for pair in rest for part in (Part(", "), *pair))))
    elif found.requests:
        groups.append(_figure(found.requests, " requests/s"))
    if found.output_tokens:
        groups.append(_figure(found.output_tokens, " output tokens/s"))
    if found.per_user:
        groups.append(_figure(found.per_user, " per user" if found.answered is not None else " tokens/s per user"))
    return _flowed_parts(groups, width)


def _figure(value: Number, what: str) -> Line:
    return (Part(number(value), Style.STRONG), Part(what))


def _latencies(answer: Answer, width: int, room: _Room) -> list[Line]:
    """The table, with as much beside the figures as there is room for."""
    if not answer.latencies:
        return []
    figures = len(_COLUMNS) * _COLUMN
    about = width >= _NAME + _ABOUT + figures
    strips = width >= _NAME + _ABOUT + figures + 2 + _STRIP and any(strip(one.strip) for one in answer.latencies)
    names = _COLUMNS if width >= _NAME + figures else ("Median", "P99", "Max")
    head = " " * (_NAME + about * _ABOUT) + "".join(f"{_label(name):>{_COLUMN}}" for name in names)
    lines: list[Line] = [(Part(head + ("  P0.5 \N{HORIZONTAL ELLIPSIS} P99" if strips else ""), Style.DIM),)]
    shown = [one for one in answer.latencies if room.itl or one.name != "ITL"]
    for one in shown:
        line = (
            Part(f"  {one.name:<{_NAME - 2}}", Style.STRONG),
            Part(f"{one.about:<{_ABOUT}}" if about else "", Style.DIM),
            *(Part(f"{_value(one, name):>{_COLUMN}}", _weight(name)) for name in names),
            Part(f"  {strip(one.strip)}" if strips and strip(one.strip) else ""),
        )
        lines.append(tuple(part for part in line if part.text))
    notes = "; ".join(_marks(shown)) if room.marks else ""
    return [*lines, *((Part(f"  {line}", Style.DIM),) for line in _wrapped(notes, width - 2))]


def _label(name: str) -> str:
    return name if name.startswith("P") else name.lower()


def _weight(name: str) -> Style:
    return Style.STRONG if name == "Median" else Style.PLAIN


def _value(one: Latency, name: str) -> str:
    if _is_rash(one.row, name):
        return MISSING
    return quantity(one.row.values[name], "ms") + ("~" if name in one.row.unsure else "")


def _is_rash(row: Parameter, name: str) -> bool:
    """Whether a percentile is of so few requests that it is not shown. The middle of what there was always is."""
    return name != "Median" and name in row.marked


def _marks(shown: Iterable[Latency]) -> Iterator[str]:
    rows = [one.row for one in shown]
    few = [name for name in _COLUMNS if any(_is_rash(row, name) for row in rows)]
    if few:
        yield f"{MISSING} too few requests: {needs(few)}"
    if any(name in row.unsure for row in rows for name in _COLUMNS):
        yield "~ uncertain, the client read too late"


def _where(task: Finished, again: str | None, width: int, linked: bool) -> list[Line]:
    lines: list[Line] = []
    if task.fault is not None:
        lines += [(Part(f"  {line}", Style.NOTICE),) for line in _wrapped(clean(task.fault), width - 2)]
    if task.page is not None:
        lines.append(_path("page", task.page, width, linked))
    return [*lines, *_again(again, width)]


def _path(label: str, path: Path, width: int, linked: bool) -> Line:
    """A path that is too long is cut in its middle where it is a link; elsewhere it begins at the line's start, and is
    wrapped by the terminal if need be."""
    head = f"  {label:<6}  "
    room = width - len(head)
    if linked and columns(str(path)) > room:
        tail = f"/{_CUT}/{path.name}"
        return (Part(head, Style.DIM), Part(cut(str(path), max(0, room - columns(tail))) + tail, link=path))
    if columns(str(path)) <= room:
        return (Part(head, Style.DIM), Part(str(path), link=path))
    return (Part(str(path), link=path),)


def _again(command: str | None, width: int) -> list[Line]:
    if command is None:
        return []
    head = "  tables  "
    fits = columns(head + command) <= width
    line: Line = (Part(head, Style.DIM), Part(command)) if fits else (Part(command),)
    about = "   (all figures, trust, failures)"
    return [(*line, Part(about, Style.DIM)) if fits and columns(head + command + about) <= width else line]


# --- several tasks


def _several(tasks: Sequence[Finished], again: str | None, width: int, linked: bool) -> list[Line]:
    rows = [_row(task) for task in tasks]
    shown = _columns(rows, width)
    widths = {name: max(columns(row[name].text) for row in [_HEADS, *rows]) for name in shown}
    name_width = width - 2 - sum(widths[name] + 2 for name in shown[1:])
    widths["task"] = min(widths["task"], name_width)
    lines: list[Line] = [(Part(f"{len(tasks)} tasks", Style.STRONG),), _cells(_HEADS, widths)]
    lines += [_cells(row, widths) for row in rows]
    notes = [line for task in tasks for line in _notes(task, width)]
    room = max(6, HEIGHT - len(lines) - 3)
    if len(notes) > room:
        notes = [*notes[: room - 1], (Part(f"  {_CUT} and more in the tables", Style.DIM),)]
    pages = [task.page for task in tasks if task.page is not None]
    links = _pages(pages, width, linked) if pages else []
    blocks = [lines, notes, [*links, *_again(again, width)]]
    return _joined([block for block in blocks if block], len(lines) + len(notes) + len(links) + 4)


_HEADS = {
    name: Part(title, Style.DIM)
    for name, title in (
        *(("task", "task"), ("valid", "valid"), ("service", "service"), ("ok", "ok"), ("requests", "req/s")),
        *(("tokens", "tok/s"), ("ttft", "TTFT"), ("p99", "P99"), ("tpot", "TPOT"), ("e2el", "E2EL")),
    )
}
_GIVEN_UP = ("e2el", "requests", "tpot", "p99", "tokens")
"""Columns for which there may be no room, the first one first."""


def _columns(rows: Sequence[dict[str, Part]], width: int) -> list[str]:
    """Those that say something in any row and leave room for the tasks' names."""
    shown = [name for name in _HEADS if any(row[name].text not in {"", MISSING} for row in rows)]
    for given_up in _GIVEN_UP:
        widths = [max(columns(row[name].text) for row in [_HEADS, *rows]) + 2 for name in shown]
        if sum(widths) <= width:
            break
        shown = [name for name in shown if name != given_up]
    return shown


def _row(task: Finished) -> dict[str, Part]:
    answer, ended = task.answer, task.answer.outcomes
    valid, service = answer.measurement.level == Level.GOOD, answer.service
    ttft, tpot, e2el = (answer.latency(name) for name in ("TTFT", "TPOT", "E2EL"))
    said = "" if service is None else service.short.removeprefix("service").lstrip(": ").replace(" to tell", "")
    ok = f"{ended.ok:,}" if ended.ok == ended.total else f"{ended.ok:,}/{ended.total:,}"
    return {
        "task": Part(answer.subject.task, Style.STRONG, task.page),
        "valid": Part("yes" if valid else "NO", _LEVELS[answer.measurement.level][0]),
        "service": Part(said, Style.PLAIN if service is None else _LEVELS[service.level][0]),
        "ok": Part(ok, _LEVELS[answer.outcome.level][0]),
        "requests": Part(number(answer.rates.requests)),
        "tokens": Part(number(answer.rates.output_tokens)),
        "ttft": _of(ttft, "Median"),
        "p99": _of(ttft, "P99"),
        "tpot": _of(tpot, "Median"),
        "e2el": _of(e2el, "Median"),
    }


def _of(latency: Latency | None, name: str) -> Part:
    return Part(MISSING if latency is None else _value(latency, name), _weight(name))


def _cells(row: dict[str, Part], widths: dict[str, int]) -> Line:
    """Words begin where their column does, figures end there."""
    line: list[Part] = [Part("  ")]
    for name, size in widths.items():
        part, gap = row[name], "" if name == "task" else "  "
        text = shortened(part.text, size)
        fill = " " * (size - columns(text))
        words = name in {"task", "valid", "service"}
        line += [Part(gap if words else gap + fill), part._replace(text=text), Part(fill if words else "")]
    return tuple(part for part in line if part.text)


def _notes(task: Finished, width: int) -> Iterator[Line]:
    """A line for each statement that is not good."""
    answer = task.answer
    for found in filter(None, (answer.service, answer.measurement, answer.outcome)):
        if found.level == Level.GOOD:
            continue
        style, mark = _LEVELS[found.level]
        # That it is not valid stands in its row.
        said = [*([] if found is answer.measurement else [found.short]), _DOT.join(found.clauses)]
        head = f"  {mark} {answer.subject.task}: "
        yield (Part(head, style), Part(shortened(": ".join(filter(None, said)), width - columns(head))))
    if task.fault is not None:
        yield (Part(shortened(f"  ! {answer.subject.task}: {clean(task.fault)}", width), Style.NOTICE),)


def _pages(pages: Sequence[Path], width: int, linked: bool) -> list[Line]:
    """The page about all of them, where there is one, else the pattern of their names."""
    run = pages[0].parents[2] if len(pages[0].parents) > 2 else pages[0].parent
    index = run / "index.html"
    if index.is_file():
        return [_path("page", index, width, linked)]
    return [
        (
            *_path("pages", pages[0].parents[1] / "*" / "*_plot.html", width, linked=False)[:-1],
            Part(f"{pages[0].parents[1]}/*/*_plot.html"),
        )
    ]


# --- text


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _flowed(clauses: Iterable[str], width: int) -> list[str]:
    """Clauses between dots, on as few lines as they take, broken between clauses where that is possible."""
    lines: list[str] = []
    for clause in clauses:
        if lines and columns(lines[-1] + _DOT + clause) <= width:
            lines[-1] += _DOT + clause
        else:
            lines += _wrapped(clause, width)
    return lines


def _flowed_parts(groups: Sequence[Line], width: int) -> list[Line]:
    lines: list[Line] = []
    for group in groups:
        size = columns(text_of(group))
        if lines and columns(text_of(lines[-1])) + 3 + size <= width:
            lines[-1] = (*lines[-1], Part("   "), *group)
        else:
            lines.append((Part("  "), *group))
    return lines
