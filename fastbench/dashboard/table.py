"""The progress table: one line for each task, in the columns of the guide as far as the screen is wide enough."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from fastbench.dashboard.snapshot import Snapshot, Status
from fastbench.dashboard.texts import clock
from fastbench.units import NS_PER_S

HEIGHT, ROW_HEIGHT = 3, 2
"""Lines of a table beside those of its rows, and of a row."""
LEAN_HEIGHT, LEAN_ROW_HEIGHT = 4, 1
"""The same of one without rules between its rows."""
_SHORTEST_NAME = 8
_COLUMNS = ("Task Name", "Process", "Progress", "Time Cost", "Status", "Log Path", "Extend Parameters")


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
"""From the guide's own to the poorest."""


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


def extent(snapshot: Snapshot) -> tuple[int, int | None]:
    """How far the phase is, and how far it goes."""
    if snapshot.planned is not None or snapshot.duration_ns is None:
        return snapshot.ended, snapshot.planned
    length = max(snapshot.duration_ns // NS_PER_S, 1)
    return min(snapshot.elapsed_ns // NS_PER_S, length), length


def _rate(snapshot: Snapshot) -> float:
    """Requests that ended per second since the phase's start."""
    return snapshot.ended * NS_PER_S / snapshot.elapsed_ns if snapshot.elapsed_ns else 0.0


def extend_parameters(snapshot: Snapshot) -> dict[str, object]:
    """The counts of the phase under the guide's names."""
    if snapshot.status not in (Status.WARMUP, Status.WARMUP_FINISHED):
        return dict(counts(snapshot))
    return {
        "Total Count": snapshot.planned,
        "Success Count": snapshot.ok,
        "Failed Count": snapshot.failed,
        "Failed Reasons": snapshot.failures,
    }


def counts(snapshot: Snapshot) -> dict[str, int]:
    """POST: requests sent; RECV: replies that came whole; FINISH: requests that ended; FAIL: those that failed."""
    return {"POST": snapshot.sent, "RECV": snapshot.ok, "FINISH": snapshot.ended, "FAIL": snapshot.failed}
