"""The whole screen: a pure function of the snapshots, the size, the page and the time."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from fastbench.dashboard import detail, table
from fastbench.dashboard.detail import details, task_at_hand
from fastbench.dashboard.snapshot import Snapshot, Status

_KEYS = "Press Up/Down arrow to page,  'P' to PAUSE/RESUME screen refresh, 'Ctrl + C' to exit"
_SHORT_KEYS = "Up/Down: page, P: pause, Ctrl-C: exit"
_HEADER = 5
_ROWS_WANTED = 8
"""Rather than all details of one task."""
_LEAST_DETAILS = 5
_STYLES = {
    Status.FINISH: "green",
    Status.ERROR: "bold red",
    Status.KILLED: "bold red",
    Status.INFERENCING: "bold cyan",
    Status.NOT_START: "dim",
}


class Look(NamedTuple):
    """How the run is looked at."""

    width: int
    height: int
    base: str
    """The run's directory, as the user wrote it."""
    now: float
    """Seconds since 1970."""
    page: int | None = None
    """From 0; None = the one with the task at hand."""
    paused: bool = False


def rows_of_page(count: int, height: int) -> int:
    """Tasks on one page: as many as there is room for above the details of one, some in their place; at least one."""
    if not _is_lean(count, height):
        return max(1, count)
    free = height - _HEADER - table.LEAN_HEIGHT - 1
    wanted = max(free - detail.HEIGHT, min(_ROWS_WANTED, free - _LEAST_DETAILS))
    return max(1, min(count, wanted))


def _is_lean(count: int, height: int) -> bool:
    """Whether the tasks have no room in a table with rules above the details of one."""
    return _HEADER + table.HEIGHT + count * table.ROW_HEIGHT + 1 + detail.HEIGHT > height


def pages(count: int, height: int) -> int:
    """How many there are, at least one."""
    return max(1, -(-count // rows_of_page(count, height)))


def page_shown(snapshots: Sequence[Snapshot], look: Look) -> int:
    """The page that is looked at, from 0."""
    page = look.page
    if page is None:
        at_hand = task_at_hand(snapshots)
        at = 0 if at_hand is None else snapshots.index(at_hand)
        page = at // rows_of_page(len(snapshots), look.height)
    return max(0, min(page, pages(len(snapshots), look.height) - 1))


def screen(snapshots: Sequence[Snapshot], look: Look) -> list[Text]:
    """At most `height` lines, none wider than `width`."""
    rows = rows_of_page(len(snapshots), look.height)
    count = pages(len(snapshots), look.height)
    page = page_shown(snapshots, look)
    lines = _header(look, page, count, len(snapshots))
    shown = snapshots[page * rows : (page + 1) * rows]
    if shown:
        lean = _is_lean(len(snapshots), look.height)
        lines += [_styled(line, shown) for line in table.table(shown, look.width, lean=lean)]
    at_hand = task_at_hand(snapshots)
    if at_hand is not None:
        lines += [Text(), *details(at_hand, look.width, max(0, look.height - len(lines) - 1))]
    for line in lines:
        line.truncate(look.width)
    return lines[: look.height]


def _header(look: Look, page: int, count: int, total: int) -> list[Text]:
    updated = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(look.now))
    at = Text(f"Page: {page + 1}/{count}  Total {total} rows of data")
    if look.paused:
        at.append("  PAUSED", "bold yellow")
    keys = _KEYS if look.width >= len(_KEYS) else _SHORT_KEYS
    return [
        Text(f"Base path of result&log : {look.base}"),
        Text(f"Task Progress Table (Updated at: {updated})"),
        at,
        Text(keys, "dim"),
        Text(),
    ]


def _styled(line: str, shown: Sequence[Snapshot]) -> Text:
    """Each status in its colour: it stands in a cell by itself."""
    text = Text(line)
    for status in {snapshot.status for snapshot in shown} & _STYLES.keys():
        text.highlight_regex(rf"(?<=\| ){status.value}(?= +\|)", _STYLES[status])
    return text
