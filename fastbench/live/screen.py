"""What is drawn of a run: pure functions of the snapshots, the size, the page and the time.

The whole screen has a header, the progress table with the columns of AISBench, and the details of the task at hand.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from fastbench.live.files import Pair, Snapshot, Status
from fastbench.live.texts import STOPPING, UNKNOWN, clock, counts, duration, extent, number, sparkline
from fastbench.units import NS_PER_S

TABLE_HEIGHT, ROW_HEIGHT = 3, 2
"""Lines of a table beside those of its rows, and of a row."""
LEAN_TABLE_HEIGHT = 4
"""Of one without rules between its rows, beside them: one line each."""
_SHORTEST_NAME = 8
_COLUMNS = ("Task Name", "Process", "Progress", "Time Cost", "Status", "Log Path", "Extend Parameters")
DETAILS_HEIGHT = 12
"""Lines at the most."""
_FIRST_TO_GO = ("log", "client lag p99", "output events/s", "time to go", "requests/s", "ITL p50 / p99", "failures")
"""Lines that are left out, in this order, where there is no room for all."""
_LABEL = 19
_VALUE = 27
"""Columns of a value where a sparkline stands behind it."""
_LEAST_SPARKLINE = 8
_MOST_SPARKLINE = 60
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


class Viewport(NamedTuple):
    """How much of the run is seen, and where."""

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
    free = height - _HEADER - LEAN_TABLE_HEIGHT - 1
    wanted = max(free - DETAILS_HEIGHT, min(_ROWS_WANTED, free - _LEAST_DETAILS))
    return max(1, min(count, wanted))


def _is_lean(count: int, height: int) -> bool:
    """Whether the tasks have no room in a table with rules above the details of one."""
    return _HEADER + TABLE_HEIGHT + count * ROW_HEIGHT + 1 + DETAILS_HEIGHT > height


def pages(count: int, height: int) -> int:
    """How many there are, at least one."""
    return max(1, -(-count // rows_of_page(count, height)))


def page_shown(snapshots: Sequence[Snapshot], viewport: Viewport) -> int:
    """The page that is looked at, from 0."""
    page = viewport.page
    if page is None:
        at_hand = task_at_hand(snapshots)
        at = 0 if at_hand is None else snapshots.index(at_hand)
        page = at // rows_of_page(len(snapshots), viewport.height)
    return max(0, min(page, pages(len(snapshots), viewport.height) - 1))


def screen(snapshots: Sequence[Snapshot], viewport: Viewport) -> list[Text]:
    """At most `height` lines, none wider than `width`."""
    rows = rows_of_page(len(snapshots), viewport.height)
    count = pages(len(snapshots), viewport.height)
    page = page_shown(snapshots, viewport)
    lines = _header(viewport, page, count, len(snapshots))
    shown = snapshots[page * rows : (page + 1) * rows]
    if shown:
        lean = _is_lean(len(snapshots), viewport.height)
        lines += [_styled(line, shown) for line in table(shown, viewport.width, lean=lean)]
    at_hand = task_at_hand(snapshots)
    if at_hand is not None:
        lines += [Text(), *details(at_hand, viewport.width, max(0, viewport.height - len(lines) - 1))]
    for line in lines:
        line.truncate(viewport.width)
    return lines[: viewport.height]


def _header(viewport: Viewport, page: int, count: int, total: int) -> list[Text]:
    updated = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(viewport.now))
    at = Text(f"Page: {page + 1}/{count}  Total {total} rows of data")
    if viewport.paused:
        at.append("  PAUSED", "bold yellow")
    keys = _KEYS if viewport.width >= len(_KEYS) else _SHORT_KEYS
    return [
        Text(f"Base path of result&log : {viewport.base}"),
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
        if cell_len(lines[0]) <= width:
            return lines
    longest = max(cell_len(snapshot.task) for snapshot in snapshots)
    excess = cell_len(lines[0]) - width
    return _draw(snapshots, _FORMS[-1], max(_SHORTEST_NAME, longest - excess), lean)


def _draw(snapshots: Sequence[Snapshot], form: _Form, name_width: int | None, lean: bool) -> list[str]:
    columns = [name for name in _COLUMNS if name not in form.without]
    rows = [[_cell(snapshot, name, form.bar, name_width) for name in columns] for snapshot in snapshots]
    align = ["right" if name == "Process" else "left" for name in columns]
    drawn: str = tabulate(rows, columns, tablefmt="outline" if lean else "grid", disable_numparse=True, colalign=align)
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
            return clock(snapshot.took_ns)
        case "Status":
            return snapshot.status.value
        case "Log Path":
            return snapshot.log or "-"
        case _:
            return str(extend_parameters(snapshot))


def shortened(text: str, width: int | None) -> str:
    """`text` in so many columns at the most."""
    if width is None or cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def progress(snapshot: Snapshot, bar: int) -> str:
    """`[####      ] done/total [x it/s]`: in requests, or in seconds where only the time is planned."""
    done, total = extent(snapshot)
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
        return dict(counts(snapshot))
    return {
        "Total Count": snapshot.planned,
        "Success Count": snapshot.ok,
        "Failed Count": snapshot.failed,
        "Failed Reasons": snapshot.failures,
    }


def task_at_hand(snapshots: Sequence[Snapshot]) -> Snapshot | None:
    """The first task that is being carried out, else the last one that was; None before any has begun."""
    begun = [snapshot for snapshot in snapshots if snapshot.started is not None]
    return next((snapshot for snapshot in begun if snapshot.status.active), begun[-1] if begun else None)


def details(snapshot: Snapshot, width: int, room: int = DETAILS_HEIGHT) -> list[Text]:
    """Its lines, none wider than `width`, not more than `room`."""
    past = snapshot.history
    lines = [
        Text(snapshot.task, "bold"),
        _line("time to go", _to_go(snapshot), (), width),
        _line("requests", _requests(snapshot), (), width),
        _line("in flight", f"{snapshot.in_flight:,}", past.in_flight, width),
        _line("requests/s", number(snapshot.requests_per_s), past.requests_per_s, width),
        _line("output events/s", number(snapshot.events_per_s), past.events_per_s, width),
        _line("TTFT p50 / p99", _latencies(snapshot.ttft), past.ttft_p99_ns, width),
        _line("ITL p50 / p99", _latencies(snapshot.itl), past.itl_p99_ns, width),
        _line("client lag p99", _lag(snapshot), (), width, "yellow" if snapshot.stalls else ""),
        _line("failures", _failures(snapshot), (), width, "red" if snapshot.failed else ""),
        _line("log", snapshot.log or "the terminal", (), width),
    ]
    if snapshot.growing_per_s:
        lines.insert(4, _line("service", _behind(snapshot), (), width, "yellow"))
    if snapshot.stopping:
        lines.append(Text(STOPPING[min(snapshot.stopping, 2)], "bold yellow"))
    for label in _FIRST_TO_GO[: max(0, len(lines) - room)]:
        lines = [line for line in lines if not line.plain.startswith(f"  {label} ")]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines[:room]


def _to_go(snapshot: Snapshot) -> str:
    known = snapshot.status.active and snapshot.to_go_ns is not None
    return f"about {clock(snapshot.to_go_ns)}" if known else UNKNOWN


def _behind(snapshot: Snapshot) -> str:
    """How it goes so far; the verdict, over the whole time of sending, is the report's."""
    grows, answered = number(snapshot.growing_per_s), number(snapshot.requests_per_s)
    return f"overloaded so far: in flight grows by {grows}/s, {answered}/s answered"


def _requests(snapshot: Snapshot) -> str:
    told = f"{snapshot.sent:,} sent, {snapshot.ok:,} ok, {snapshot.failed:,} failed"
    return f"{told}, {snapshot.not_sent:,} not sent" if snapshot.not_sent else told


def _line(label: str, value: str, past: Sequence[float | None], width: int, style: str = "") -> Text:
    line = Text(f"  {label:<{_LABEL - 2}}").append(value, style)
    room = min(width - _LABEL - _VALUE, _MOST_SPARKLINE)
    if past and room >= _LEAST_SPARKLINE and line.cell_len <= _LABEL + _VALUE - 2:
        line.pad_right(_LABEL + _VALUE - line.cell_len)
        line.append(sparkline(past, room), "cyan")
    return line


def _latencies(pair: Pair | None) -> str:
    if pair is None:
        return UNKNOWN
    return f"{duration(pair.p50_ns)} / {duration(pair.p99_ns)}"


def _lag(snapshot: Snapshot) -> str:
    stalls = f", {snapshot.stalls} stalls" if snapshot.stalls else ""
    return f"{duration(snapshot.lag_p99_ns)}{stalls}"


def _failures(snapshot: Snapshot) -> str:
    most_first = sorted(snapshot.failures.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {reason}" for reason, count in most_first) or "none"
