"""What summaries are made of: styled parts of lines, verdicts, paths, and texts that are wrapped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

from fastbench.metrics import Parameter
from fastbench.report.answer import Answer, Latency, Level, Statement
from fastbench.text import columns, cut
from fastbench.units import MISSING, quantity

DOT = " \N{MIDDLE DOT} "
CUT = "\N{HORIZONTAL ELLIPSIS}"


class Style(Enum):
    """What a part means for its reader."""

    PLAIN = auto()
    STRONG = auto()
    DIM = auto()
    GOOD = auto()
    NOTICE = auto()
    BAD = auto()


LEVELS = {
    Level.GOOD: (Style.GOOD, "\N{HEAVY CHECK MARK}"),
    Level.NOTICE: (Style.NOTICE, "!"),
    Level.BAD: (Style.BAD, "\N{HEAVY BALLOT X}"),
}


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


def plain(lines: Iterable[Line]) -> str:
    """Without styles and links."""
    return "".join(f"{text_of(line)}\n" for line in lines)


def text_of(line: Line) -> str:
    """A line without styles and links."""
    return "".join(part.text for part in line).rstrip()


def joined(blocks: Sequence[list[Line]], height: int) -> list[Line]:
    """The blocks, with as many blank lines between them as there is room for, the last ones first."""
    room = height - sum(map(len, blocks))
    lines = list(blocks[0])
    for left, block in zip(range(len(blocks) - 1, 0, -1), blocks[1:], strict=True):
        lines += [(), *block] if left <= room else block
    return lines


def label(name: str) -> str:
    """A statistic's, as it stands above its column."""
    return name if name.startswith("P") else name.lower()


def weight(name: str) -> Style:
    """The middle stands out."""
    return Style.STRONG if name == "Median" else Style.PLAIN


def value_of(one: Latency, name: str) -> str:
    """A statistic of a latency, marked where it is uncertain."""
    if is_rash(one.row, name):
        return MISSING
    return quantity(one.row.values[name], "ms") + ("~" if name in one.row.unsure else "")


def is_rash(row: Parameter, name: str) -> bool:
    """Whether a percentile is of so few requests that it is not shown. The middle of what there was always is."""
    return name != "Median" and name in row.marked


def path_line(label: str, path: Path, width: int, linked: bool) -> Line:
    """A path that is too long is cut in its middle where it is a link; elsewhere it begins at the line's start, and is
    wrapped by the terminal if need be."""
    head = f"  {label:<6}  "
    room = width - len(head)
    if linked and columns(str(path)) > room:
        tail = f"/{CUT}/{path.name}"
        return (Part(head, Style.DIM), Part(cut(str(path), max(0, room - columns(tail))) + tail, link=path))
    if columns(str(path)) <= room:
        return (Part(head, Style.DIM), Part(str(path), link=path))
    return (Part(str(path), link=path),)


MARKED = "~ uncertain: the client read late, several events at once"


def again_lines(command: str | None, width: int) -> list[Line]:
    """The command that prints the tables."""
    if command is None:
        return []
    head = "  tables  "
    fits = columns(head + command) <= width
    line: Line = (Part(head, Style.DIM), Part(command)) if fits else (Part(command),)
    about = "   (prints every figure)"
    return [(*line, Part(about, Style.DIM)) if fits and columns(head + command + about) <= width else line]


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines, words whole."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def reasons(found: Statement) -> list[str]:
    """Why a measurement is INVALID, in sentences: effects of one cause have it, and its remedy, once."""
    effects: dict[str, list[str]] = {}
    for clause, remedy in zip(found.clauses, found.remedies, strict=True):
        effects.setdefault(remedy, []).append(clause)
    return [f"{'; '.join(clauses)}, because {remedy}." for remedy, clauses in effects.items()]


def flowed(clauses: Iterable[str], width: int) -> list[str]:
    """Clauses between dots, on as few lines as they take, broken between clauses where that is possible."""
    lines: list[str] = []
    for clause in clauses:
        if lines and columns(lines[-1] + DOT + clause) <= width:
            lines[-1] += DOT + clause
        else:
            lines += wrapped(clause, width)
    return lines


def flowed_parts(groups: Sequence[Line], width: int) -> list[Line]:
    """Groups of parts, on as few lines as they take."""
    lines: list[Line] = []
    for group in groups:
        size = columns(text_of(group))
        if lines and columns(text_of(lines[-1])) + 3 + size <= width:
            lines[-1] = (*lines[-1], Part("   "), *group)
        else:
            lines.append((Part("  "), *group))
    return lines
