"""The progress table as AISBench draws it, with its header: pure functions of the snapshots, the size and the page."""

import re
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from fastbench.live.files import Snapshot, Status
from fastbench.live.lines import Line
from fastbench.text import columns, shortened
from fastbench.units import NS_PER_S

TABLE_HEIGHT, ROW_HEIGHT = 3, 2
"""Lines of a table beside those of its rows, and of a row."""
LEAN_TABLE_HEIGHT = 4
"""Of one without rules between its rows, beside them: one line each."""
HEADER_HEIGHT = 5
_SHORTEST_NAME = 8
_COLUMNS = ("Task Name", "Process", "Progress", "Time Cost", "Status", "Log Path", "Extend Parameters")
_KEYS = "Press Up/Down arrow to page,  'P' to PAUSE/RESUME screen refresh, 'Ctrl + C' to exit"
_SHORT_KEYS = "Up/Down: page, P: pause, Ctrl-C: exit"
_STYLES = {
    Status.FINISH: "green",
    Status.ERROR: "bold red",
    Status.KILLED: "bold red",
    Status.INFERENCING: "bold cyan",
    Status.NOT_START: "dim",
}


def header(base: str, now: float, width: int, place: str, *, paused: bool) -> list[Line]:
    """base: the run's directory, as the user wrote it. now: seconds since 1970. place: which page it is."""
    updated = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    return [
        Line(f"Base path of result&log : {base}"),
        Line(f"Task Progress Table (Updated at: {updated})"),
        Line(place).append("  PAUSED" if paused else "", "bold yellow"),
        Line(_KEYS if width >= len(_KEYS) else _SHORT_KEYS, "dim"),
        Line(),
    ]


def table_lines(snapshots: Sequence[Snapshot], width: int, *, lean: bool = False) -> list[Line]:
    """`table` with each status in its colour: it stands in a cell by itself."""
    statuses = "|".join({snapshot.status.value for snapshot in snapshots})
    return [_styled(line, statuses) for line in table(snapshots, width, lean=lean)]


def _styled(text: str, statuses: str) -> Line:
    match = re.search(rf"(?<=\| )({statuses})(?= +\|)", text)
    if match is None:
        return Line(text)
    style = _STYLES.get(Status(match[0]), "")
    return Line(text[: match.start()]).append(match[0], style).append(text[match.end() :])


class _Form(NamedTuple):
    """A way to draw the table: what is left out, and how long a bar is."""

    without: tuple[str, ...]
    bar: int


_FORMS = (
    _Form((), 30),
    _Form((), 10),
    _Form(("Log Path",), 30),
    _Form(("Log Path",), 10),
    _Form(("Log Path", "Process"), 10),
    _Form(("Log Path", "Extend Parameters"), 30),
    _Form(("Log Path", "Extend Parameters"), 10),
    _Form(("Log Path", "Extend Parameters", "Process"), 10),
    _Form(("Log Path", "Extend Parameters", "Process", "Time Cost"), 10),
    _Form(("Log Path", "Extend Parameters", "Process", "Time Cost"), 0),
    _Form(("Log Path", "Extend Parameters", "Process", "Time Cost", "Status"), 0),
)
"""From AISBench's own to the poorest."""


def table(snapshots: Sequence[Snapshot], width: int, *, lean: bool = False) -> list[str]:
    """The lines of the table, none wider than `width` as long as that is at least some 30 columns.

    lean: without rules between the rows.
    """
    for form in _FORMS:
        lines = _draw(snapshots, form, None, lean)
        if columns(lines[0]) <= width:
            return lines
    longest = max(columns(snapshot.task) for snapshot in snapshots)
    excess = columns(lines[0]) - width
    return _draw(snapshots, _FORMS[-1], max(_SHORTEST_NAME, longest - excess), lean)


def _draw(snapshots: Sequence[Snapshot], form: _Form, name_width: int | None, lean: bool) -> list[str]:
    # Imported late: it is slow to import, and of one task there is no table.
    from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

    names = [name for name in _COLUMNS if name not in form.without]
    rows = [[_cell(snapshot, name, form.bar, name_width) for name in names] for snapshot in snapshots]
    align = ["right" if name == "Process" else "left" for name in names]
    drawn: str = tabulate(rows, names, tablefmt="outline" if lean else "grid", disable_numparse=True, colalign=align)
    return drawn.splitlines()


def _cell(snapshot: Snapshot, column: str, bar: int, name_width: int | None) -> str:
    match column:
        case "Task Name":
            return shortened(snapshot.task, name_width)
        case "Process":
            return str(snapshot.pid or "-")
        case "Progress":
            return progress(snapshot, bar)
        case "Time Cost":
            return str(timedelta(seconds=snapshot.took_ns // NS_PER_S))
        case "Status":
            return snapshot.status.value
        case "Log Path":
            return snapshot.log or "-"
        case _:
            return str(extend_parameters(snapshot))


def progress(snapshot: Snapshot, bar: int) -> str:
    """`[####      ] done/total [x it/s]`: in requests, or in seconds where only the time is planned."""
    done, total = snapshot.extent
    of = f"{done}" if total is None else f"{done}/{total}"
    if not bar:
        return of
    share = 0.0 if not total else min(1.0, done / total)
    marks = "#" * int(share * bar)
    return f"[{marks:<{bar}}] {of} [{_rate(snapshot):.1f} it/s]"


def _rate(snapshot: Snapshot) -> float:
    """Requests that ended per second since the phase's start."""
    return snapshot.ended * NS_PER_S / snapshot.elapsed_ns if snapshot.elapsed_ns else 0.0


def extend_parameters(snapshot: Snapshot) -> dict[str, object]:
    """The counts of the phase under AISBench's names."""
    if snapshot.status not in (Status.WARMUP, Status.WARMUP_FINISHED):
        return dict(snapshot.counts)
    return {
        "Total Count": snapshot.planned,
        "Success Count": snapshot.ok,
        "Failed Count": snapshot.failed,
        "Failed Reasons": snapshot.failures,
    }
