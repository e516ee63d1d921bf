"""What a person wants to see of the task at hand while it goes on."""

from collections.abc import Sequence

from rich.text import Text

from fastbench.dashboard.snapshot import Pair, Snapshot
from fastbench.dashboard.texts import STOPPING, UNKNOWN, clock, duration, number, sparkline

HEIGHT = 12
"""Lines at the most."""
_FIRST_TO_GO = ("log", "client lag p99", "output events/s", "time to go", "requests/s", "ITL p50 / p99", "failures")
"""Lines that are left out, in this order, where there is no room for all."""
LABEL = 19
VALUE = 27
"""Columns of a value where a sparkline stands behind it."""
_LEAST_SPARKLINE = 8
_MOST_SPARKLINE = 60


def task_at_hand(snapshots: Sequence[Snapshot]) -> Snapshot | None:
    """The first task that is being carried out, else the last one that was; None before any has begun."""
    begun = [snapshot for snapshot in snapshots if snapshot.started is not None]
    return next((snapshot for snapshot in begun if snapshot.status.active), begun[-1] if begun else None)


def details(snapshot: Snapshot, width: int, room: int = HEIGHT) -> list[Text]:
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
    line = Text(f"  {label:<{LABEL - 2}}").append(value, style)
    room = min(width - LABEL - VALUE, _MOST_SPARKLINE)
    if past and room >= _LEAST_SPARKLINE and line.cell_len <= LABEL + VALUE - 2:
        line.pad_right(LABEL + VALUE - line.cell_len)
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
