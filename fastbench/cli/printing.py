"""Reports on standard output: the guide's tables, and on a terminal the summary, which comes last."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

import click

from fastbench.cli.user import as_far_as_read, say
from fastbench.errors import Exit, RecordingError
from fastbench.options import JSON, QUIET, TABLES

if TYPE_CHECKING:
    from fastbench.api import Asking, Finished, Line, Style

tables_option = click.option("--tables", is_flag=True, help=TABLES)
json_option = click.option("--json", "json_file", metavar="FILE|-", help=JSON)
quiet_option = click.option("-q", "--quiet", is_flag=True, help=QUIET)
OUTPUT = "-"
"""In place of a file: standard output."""

_LINKING = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio", "WarpTerminal", "contour"})
"""Values of TERM_PROGRAM."""
_LINKING_TERMS = frozenset({"xterm-kitty", "xterm-ghostty", "alacritty", "foot", "foot-extra", "wezterm", "contour"})
_LINKING_VARIABLES = ("KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION", "ALACRITTY_WINDOW_ID", "DOMTERM")
_BORDERS = frozenset("╒╞├╘│")
_BELOW = 2
"""Lines of a terminal that are the prompt's, which may have two, and not the summary's."""
_VTE, _TMUX = 5000, (3, 4)
"""The first versions that have links."""


class Checks(NamedTuple):
    """What decides the exit code. asking: SLOs and assertions, None: those of the recordings; junit, summary: files
    that say how they stand."""

    asking: Asking | None = None
    junit: str | None = None
    summary: str | None = None


class Showing(NamedTuple):
    """What the user wants to see of a run, and which exit code."""

    quiet: bool = False
    """No view, no progress, no remarks."""
    classic: bool = False
    """AISBench's progress table instead of the view of one task."""
    plot: bool = True
    """The report page too."""
    tables: bool = False
    """AISBench's tables, also on a terminal where they do not fit."""
    strict: bool = False
    """An INVALID run is a failure."""
    checks: Checks = Checks()
    json: str | None = None
    """The file that gets the whole result; "-": standard output does, and nothing else."""

    @property
    def for_people(self) -> bool:
        """Whether standard output gets what people read."""
        return self.json != OUTPUT


class Terminal(NamedTuple):
    """What standard output is. styles: whether bold and dim can be shown; colours: how many; links: whether a file's
    name can be one."""

    is_one: bool
    columns: int
    lines: int
    styles: bool = False
    colours: int = 0
    links: bool = False

    @classmethod
    def of_output(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """That of this process."""
        columns, lines = shutil.get_terminal_size()
        if not sys.stdout.isatty():
            return cls(False, columns, lines)
        styles = environment.get("TERM", "") not in {"", "dumb"}
        return cls(True, columns, lines, styles, _colours(environment) if styles else 0, styles and _links(environment))


def print_reports(tables: Sequence[str], tasks: Sequence[Finished], again: str | None, *, wanted: bool) -> None:
    """The tables, then on a terminal the summary.

    tables: of each task, and what else belongs to them. again: the command that prints them. wanted: whether they are
    to be seen on a terminal also where they do not fit, that is, where their widest line, or they all with the summary
    below, need more columns and lines than it has. Where the reader closes standard output the rest is left out.
    """
    with as_far_as_read():
        _print_reports(tables, tasks, again, Terminal.of_output(), wanted=wanted)


def _print_reports(
    tables: Sequence[str], tasks: Sequence[Finished], again: str | None, terminal: Terminal, *, wanted: bool
) -> None:
    if not terminal.is_one or not tasks:
        for text in tables:
            click.echo(text)
        return
    from fastbench.api import summarize

    height = terminal.lines - _BELOW
    lines = summarize(tasks, again, terminal.columns, height, linked=terminal.links)
    if wanted or _fits(tables, len(lines), terminal):
        for text in tables:
            click.echo(text)
        click.echo()
        lines = summarize(tasks, None, terminal.columns, height, linked=terminal.links)
    print_lines(lines, terminal)


def write_json(content: bytes, target: str | None) -> int:
    """A result as a document, to the file `target` or where that is "-" to standard output; None = nowhere. Returns the
    exit code of that: a file that cannot be written is told."""
    if target is None:
        return Exit.DONE
    if target == OUTPUT:
        with as_far_as_read():
            click.echo(content.decode(), nl=False)
        return Exit.DONE
    from fastbench.api import save_json

    try:
        save_json(content, target)
    except RecordingError as error:
        say(str(error))
        return error.exit_code
    return Exit.DONE


def print_lines(lines: Iterable[Line], terminal: Terminal) -> None:
    """Lines with their styles, as far as the terminal has them."""
    for line in _drawn(lines, terminal):
        click.echo(line, color=True)


def _fits(tables: Iterable[str], below: int, terminal: Terminal) -> bool:
    """Whether no table is wider than the terminal, and all of it, where sentences may be wrapped, not higher."""
    lines = [line for text in tables for line in text.splitlines()]
    widest = max((len(line) for line in lines if line[:1] in _BORDERS), default=0)
    height = sum(max(1, -(-len(line) // terminal.columns)) for line in lines)
    # One line is for the prompt, one is between.
    return widest <= terminal.columns and height + below + 2 <= terminal.lines


def _drawn(lines: Iterable[Line], terminal: Terminal) -> Iterator[str]:
    for line in lines:
        text = "".join(_linked(_styled(part.text, part.style, terminal), part.link, terminal) for part in line)
        yield text if terminal.styles else text.rstrip()


def _styled(text: str, style: Style, terminal: Terminal) -> str:
    code = _code(style.name, terminal.colours)
    return f"\x1b[{code}m{text}\x1b[0m" if terminal.styles and code and text.strip() else text


def _code(style: str, colours: int) -> str:
    """Of a verdict its colour; where there is none it is bold."""
    if style in {"GOOD", "NOTICE", "BAD"} and not colours:
        return "1"
    # Yellow cannot be read on white; orange can on both.
    notice = "38;5;166" if colours >= 256 else "33"
    return {"STRONG": "1", "DIM": "2", "GOOD": "32", "NOTICE": notice, "BAD": "1;31"}.get(style, "")


def _linked(text: str, path: os.PathLike[str] | None, terminal: Terminal) -> str:
    if path is None or not terminal.links:
        return text
    from pathlib import Path
    from socket import gethostname
    from urllib.parse import quote

    target = f"file://{gethostname()}{quote(str(Path(path).resolve()))}"
    return f"\x1b]8;;{target}\x1b\\{text}\x1b]8;;\x1b\\"


def _colours(environment: Mapping[str, str]) -> int:
    if environment.get("NO_COLOR"):
        return 0
    many = "256color" in environment.get("TERM", "") or environment.get("COLORTERM") in {"truecolor", "24bit"}
    return 256 if many else 8


def _links(environment: Mapping[str, str]) -> bool:
    """Whether the terminal is known to have them: to ask it would take the keys that the user has pressed already."""
    forced = environment.get("FORCE_HYPERLINK")
    if forced is not None:
        return forced not in {"", "0", "false"}
    program, term = environment.get("TERM_PROGRAM", ""), environment.get("TERM", "")
    if "TMUX" in environment or term.startswith(("screen", "tmux")):
        return program == "tmux" and _version(environment.get("TERM_PROGRAM_VERSION", "")) >= _TMUX
    vte = environment.get("VTE_VERSION", "")
    return (
        program in _LINKING
        or term in _LINKING_TERMS
        or (vte.isdecimal() and int(vte) >= _VTE)
        or any(name in environment for name in _LINKING_VARIABLES)
    )


def _version(text: str) -> tuple[int, ...]:
    """Its numbers: of "3.4a" 3 and 4."""
    return tuple(int("".join(filter(str.isdecimal, part)) or 0) for part in text.split(".")[:2])
