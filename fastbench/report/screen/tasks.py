"""Answers of several tasks → a line each, what is not good of them, and where their pages are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fastbench.report.answer import Latency, Level, clean
from fastbench.report.screen.lines import (
    CUT,
    DOT,
    LEVELS,
    Finished,
    Line,
    Part,
    Style,
    again_lines,
    joined,
    path_line,
    reasons,
    value_of,
    weight,
    wrapped,
)
from fastbench.text import columns, shortened
from fastbench.units import MISSING, number


def several(tasks: Sequence[Finished], again: str | None, width: int, linked: bool, height: int) -> list[Line]:
    """A row each, below them what is not good, as far as there is room in `height` lines, then page and tables."""
    rows = [_row(task) for task in tasks]
    shown = _columns(rows, width)
    widths = {name: max(columns(row[name].text) for row in [_HEADS, *rows]) for name in shown}
    name_width = width - 2 - sum(widths[name] + 2 for name in shown[1:])
    widths["task"] = min(widths["task"], name_width)
    lines: list[Line] = [(Part(f"{len(tasks)} tasks", Style.STRONG),), _cells(_HEADS, widths)]
    lines += [_cells(row, widths) for row in rows]
    notes = [line for task in tasks for line in _notes(task, width)]
    room = max(6, height - len(lines) - 3)
    if len(notes) > room:
        notes = [*notes[: room - 1], (Part(f"  {CUT} and more in the tables", Style.DIM),)]
    pages = [task.page for task in tasks if task.page is not None]
    links = _pages(pages, width, linked) if pages else []
    blocks = [lines, notes, [*links, *again_lines(again, width)]]
    return joined([block for block in blocks if block], len(lines) + len(notes) + len(links) + 4)


_HEADS = {
    name: Part(title, Style.DIM)
    for name, title in (
        *(("task", "task"), ("valid", "valid"), ("service", "service"), ("ok", "ok"), ("requests", "req/s")),
        *(("tokens", "tok/s"), ("ttft", "TTFT"), ("p99", "P99"), ("tpot", "TPOT"), ("e2el", "E2EL")),
    )
}
_INDENT = 6
"""Of what is said of a task with a long name."""
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
        "valid": Part("yes" if valid else "NO", LEVELS[answer.measurement.level][0]),
        "service": Part(said, Style.PLAIN if service is None else LEVELS[service.level][0]),
        "ok": Part(ok, LEVELS[answer.outcome.level][0]),
        "requests": Part(number(answer.rates.served)),
        "tokens": Part(number(answer.rates.output_tokens)),
        "ttft": _of(ttft, "Median"),
        "p99": _of(ttft, "P99"),
        "tpot": _of(tpot, "Median"),
        "e2el": _of(e2el, "Median"),
    }


def _of(latency: Latency | None, name: str) -> Part:
    return Part(MISSING if latency is None else value_of(latency, name), weight(name))


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
    """Each statement that is not good: in a line, but why a measurement is INVALID and an SLO not met is whole."""
    answer = task.answer
    for found in filter(None, (answer.service, answer.measurement, answer.outcome, *answer.promises)):
        if found.level == Level.GOOD:
            continue
        style, mark = LEVELS[found.level]
        head = f"  {mark} {answer.subject.task}: "
        said = ": ".join(filter(None, (found.short, DOT.join(found.clauses))))
        if found is answer.measurement:
            said = f"INVALID: {' '.join(reasons(found))}"
        elif found not in answer.promises:
            said = shortened(said, width - columns(head))
        indent = columns(head) if columns(head) < width // 2 else _INDENT
        first, *more = wrapped(said, width - indent)
        if indent == columns(head):
            yield (Part(head, style), Part(first))
        else:
            yield (Part(shortened(head, width), style),)
            more = [first, *more]
        yield from ((Part(" " * indent + line),) for line in more)
    if task.fault is not None:
        yield (Part(shortened(f"  ! {answer.subject.task}: {clean(task.fault)}", width), Style.NOTICE),)


def _pages(pages: Sequence[Path], width: int, linked: bool) -> list[Line]:
    """The page about all of them, where there is one, else the pattern of their names."""
    run = pages[0].parents[2] if len(pages[0].parents) > 2 else pages[0].parent
    index = run / "index.html"
    if index.is_file():
        return [path_line("page", index, width, linked)]
    return [
        (
            *path_line("pages", pages[0].parents[1] / "*" / "*_plot.html", width, linked=False)[:-1],
            Part(f"{pages[0].parents[1]}/*/*_plot.html"),
        )
    ]
