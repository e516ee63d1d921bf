"""The pages of the documentation, and the commands that they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from nursery import ROOT

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + [
    page
    for page in sorted((ROOT / "docs").glob("*.md"))
    # These three only name the file above that they show.
    if page.name not in ("index.md", "contributing.md", "changelog.md")
]
SHELL = ("", "sh", "bash", "console")
ENDS = {"|", ";", "&", "&&", ">", ">>"}


class Shown(NamedTuple):
    """A command line on a page: where it stands, and its words from `fastbench` on."""

    place: str
    words: list[str]


def blocks(page: Path) -> list[tuple[int, str]]:
    """(number, text) of each line of an indented block or of a fenced one that is no other language."""
    found, fence, before = [], None, ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if mark := re.match(r" *```(\w*)", line):
            fence = None if fence is not None else mark[1]
        elif fence is not None:
            found += [(number, line)] if fence in SHELL else []
        elif line.startswith("    ") and not before.lstrip().startswith(("- ", "1. ", "* ")):
            found.append((number, line[4:]))
            continue
        before = line
    return found


def commands(page: Path) -> list[Shown]:
    """Each command line of `fastbench` in the page's blocks, without remarks and without what it is piped to."""
    found, pending, start = [], "", 0
    for number, line in blocks(page):
        start = start if pending else number
        pending += line.strip()
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        whole, pending = pending, ""
        if not whole.startswith("fastbench "):
            continue
        # A remark stands behind `#`, or behind two blanks.
        lexer = shlex.shlex(re.split(r"  +(?=[^-\s])", whole)[0], posix=True, punctuation_chars=";&<>")
        lexer.whitespace_split = True
        found += [Shown(f"{page.name}:{start}", words) for words in simple(list(lexer))]
    return found


def simple(words: list[str]) -> list[list[str]]:
    """The commands of `fastbench` in a line of several."""
    found: list[list[str]] = [[]]
    for word in words:
        if word in ENDS:
            found.append([])
        else:
            found[-1].append(word)
    return [one for one in found if one[:1] == ["fastbench"]]
