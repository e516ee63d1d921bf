"""Numbers as short texts, for a screen where there is little room; and how far a task is, in numbers."""

from collections.abc import Sequence
from datetime import timedelta

from fastbench.live.files import Snapshot
from fastbench.units import NS_PER_MS, NS_PER_S, NS_PER_US

_UNITS = (("s", NS_PER_S), ("ms", NS_PER_MS), ("us", NS_PER_US))
_BARS = "▁▂▃▄▅▆▇"
"""Without the full block: two lines of it, one above the other, would be one."""
UNKNOWN = "-"
STOPPING = (
    "",
    "stopping: waiting for those in flight; Ctrl-C again stops at once",
    "stopping now",
)
"""By how often the user asked to stop, at most twice."""


def duration(ns: int | None) -> str:
    """Three digits and a unit, such as "20.1 ms"."""
    if ns is None:
        return UNKNOWN
    name, unit = next(((name, unit) for name, unit in _UNITS if ns >= unit), _UNITS[-1])
    return f"{number(ns / unit)} {name}"


def number(value: float | None) -> str:
    """Three digits, or all of a large number: "1.58", "15.8", "158", "1,584"."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{decimals}f}"


def clock(ns: int | None) -> str:
    """Hours, minutes, seconds, such as "0:00:54"."""
    return UNKNOWN if ns is None else str(timedelta(seconds=ns // NS_PER_S))


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The newest `width` values as bars from 0 to the greatest of them; a blank where there is none."""
    shown = values[-width:] if width > 0 else ()
    top = max((value for value in shown if value), default=0)
    return "".join(" " if value is None else _bar(value, top) for value in shown)


def _bar(value: float, top: float) -> str:
    return _BARS[round(value / top * (len(_BARS) - 1)) if top else 0]


def extent(snapshot: Snapshot) -> tuple[int, int | None]:
    """How far the phase is, and how far it goes."""
    if snapshot.planned is not None or snapshot.duration_ns is None:
        return snapshot.ended, snapshot.planned
    length = max(snapshot.duration_ns // NS_PER_S, 1)
    return min(snapshot.elapsed_ns // NS_PER_S, length), length


def counts(snapshot: Snapshot) -> dict[str, int]:
    """POST: requests sent; RECV: replies that came whole; FINISH: requests that ended; FAIL: those that failed."""
    return {"POST": snapshot.sent, "RECV": snapshot.ok, "FINISH": snapshot.ended, "FAIL": snapshot.failed}
