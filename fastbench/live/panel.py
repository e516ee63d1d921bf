"""A task on the whole of a screen, or on what a table leaves of it: pure functions of its snapshot and the size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from fastbench.live.files import STOPPING, Snapshot, Spread, Status
from fastbench.live.lines import Line, bar, clock, graph, whole
from fastbench.text import columns
from fastbench.units import MISSING, NS_PER_MS, NS_PER_S, number, quantity, share
from fastbench.verdict_limits import FEW_FAILED, LEAST_ANSWERED, lateness_limit_ms

_LABEL, _VALUE = 13, 11
_LEFT = 1 + _LABEL + _VALUE + 2
"""Columns in front of a graph; what is noted of a row has them too where the graph has several lines."""
_AXIS, _RANGE, _NOTE = 9, 19, 24
"""Columns of a graph's ends one above the other, side by side, and of what is noted behind them."""
_LEAST_GRAPH = 12
_MOST_HEIGHT = 6
_AIRY = 3
"""Above this height a graph gives a line for the blank one between it and the next."""
_MINUTE = 60
_TALL = 22
"""Lines of a screen that has one for the URL alone."""
_LEAST_BAR = 8
_WORDS = {
    Status.NOT_START: "waiting to begin",
    Status.START: "starting",
    Status.WARMUP: "warm-up",
    Status.WARMUP_FINISHED: "warmed up",
    Status.INFERENCING: "measuring",
    Status.WRITE_CACHE: "computing the report",
    Status.FINISH: "finished",
    Status.ERROR: "failed: see the log",
    Status.KILLED: "killed",
}


class Row(NamedTuple):
    """A figure with its past."""

    label: str
    value: str
    note: str
    past: Sequence[float | None]
    form: Callable[[float, float], tuple[str, str]]
    """The ends of its graph as texts."""
    style: str = "cyan"
    scale: tuple[float, float] | None = None
    """None = from the least value of the past to the greatest."""


class _Judged(NamedTuple):
    """How one side of the run stands."""

    label: str
    bad: bool
    text: str
    style: str


def panel(snapshot: Snapshot, width: int, height: int, *, keys: str = "", paused: bool = False) -> list[Line]:
    """At most `height` lines, none wider than `width`. keys: what they do, for its last line."""
    top = [*_head(snapshot, width, paused, tall=height >= _TALL), _progress(snapshot, width)]
    top += _stopping(snapshot, width)
    judged = list(_judgements(snapshot))
    rows = {row.label: row for row in _rows(snapshot, max(0, width - _LEFT - _AXIS))}
    kept = _kept(len(top), rows, judged, height)
    shown = [row for label, row in rows.items() if label in kept]
    tall, airy = _heights(len(shown), height - len(top) - len(kept), width)
    lines = top + [Line()] * ("gap" in kept)
    for place, row in enumerate(shown):
        lines += [Line()] * (place > 0 and airy)
        lines += _drawn(row, width, tall)
    below = [Line()] * ("second gap" in kept)
    below += [_verdict_line(found) for found in judged if found.label in kept]
    if "foot" in kept:
        foot = " · ".join(filter(None, (keys, f"log {snapshot.log or 'on the terminal'}")))
        below.append(Line(" ").append(foot, "dim"))
    # What stands below the graphs stands at the end of the screen.
    lines += [Line() for _ in range(height - len(lines) - len(below))] if keys else []
    return [line.cut(width) for line in [*lines, *below][:height]]


def _kept(used: int, rows: dict[str, Row], judged: Sequence[_Judged], height: int) -> set[str]:
    """What there is room for, with one line for each graph."""
    order = ("TTFT median", "asked/s", "answered/s", "in flight", "output tok/s", "output ev/s", "TPOT median")
    wanted = [found.label for found in judged if found.bad]
    wanted += [label for label in order if label in rows]
    wanted += [found.label for found in judged if not found.bad]
    wanted += ["foot", "gap", "second gap"]
    if height >= used + len(wanted) + len(rows) * _AIRY:
        wanted += [label for label in rows if label not in wanted]
    return set(wanted[: max(0, height - used)])


def _heights(count: int, spare: int, width: int) -> tuple[int, bool]:
    """Of each graph, lines; 0 = there is no room for graphs. And whether there are blank lines between them.

    spare: lines beside one for each graph.
    """
    if not count or width < _LEFT + _AXIS + _LEAST_GRAPH:
        return 0, False
    tall = min(_MOST_HEIGHT, 1 + spare // count)
    if tall == 1:
        return int(width >= _LEFT + _LEAST_GRAPH + _RANGE + _NOTE + 4), False
    airy = spare - (tall - 1) * count >= count - 1
    if not airy and tall > _AIRY:
        return tall - 1, True
    return tall, airy


def _head(snapshot: Snapshot, width: int, paused: bool, *, tall: bool) -> Iterator[Line]:
    """What meets what, where, under what load, and how far it is; in a second line what the first has no room for."""
    state = ("PAUSED", "bold reverse") if paused else (_WORDS[snapshot.status], _state_style(snapshot))
    line, below = Line(" ").append(snapshot.task, "bold"), Line(" ")
    for text, style in ((snapshot.load, ""), (snapshot.url, "dim")):
        if text and not below.plain.strip() and line.width + columns(text) + columns(state[0]) + 6 <= width:
            line.append("   ").append(text, style)
        elif text:
            below.append("   " * (len(below.pieces) > 1)).append(text, style)
    room = width - 1 - columns(state[0])
    yield line.cut(max(0, room - 1)).pad(room).append(*state)
    if tall and below.plain.strip():
        yield below


def _state_style(snapshot: Snapshot) -> str:
    if snapshot.status in (Status.ERROR, Status.KILLED):
        return "bold red"
    return "" if snapshot.status.active else "dim"


def _progress(snapshot: Snapshot, width: int) -> Line:
    """The bar, how far it is, how long it took, and how long it will."""
    done, total = snapshot.extent
    unit = " s" if snapshot.planned is None and total is not None else ""
    of = f"{done:,}{unit}" if total is None else f"{done:,} of {total:,}{unit}"
    parts = [of, clock(snapshot.elapsed_ns)]
    if _all_sent(snapshot):
        parts[0] += ", all sent"
    if snapshot.status.active and snapshot.to_go_ns is not None and not snapshot.stopping:
        parts.append(f"about {clock(snapshot.to_go_ns)} left")
    text = " · ".join(parts)
    room = width - 4 - columns(text)
    if total is None or room < _LEAST_BAR:
        return Line(" ").append(text)
    done_part, left_part = bar(done / total if total else 0.0, room)
    return Line(" ").append(done_part, "bold cyan").append(left_part, "dim").append(f"  {text}")


def _all_sent(snapshot: Snapshot) -> bool:
    """Whether only answers are waited for."""
    gone = snapshot.planned is not None and snapshot.sent + snapshot.not_sent >= snapshot.planned
    return gone and snapshot.in_flight > 0 and snapshot.asked_per_s is not None


def _stopping(snapshot: Snapshot, width: int) -> Iterator[Line]:
    """That Ctrl-C was heard, over the whole width."""
    if snapshot.stopping and snapshot.status.active:
        text = STOPPING[min(snapshot.stopping, 2)].replace("those", f"the {snapshot.in_flight:,}")
        yield Line(f" {text[0].upper()}{text[1:]}", "bold yellow").cut(width)


def _rows(snapshot: Snapshot, cells: int) -> Iterator[Row]:
    """cells: of a graph."""
    past = snapshot.history
    seconds = min(len(past.in_flight), 2 * cells)
    span = f"graphs: last {f'{seconds} s' if seconds < _MINUTE else clock(seconds * NS_PER_S)}" if seconds else ""
    if snapshot.asked_per_s is None:
        yield Row("answered/s", number(snapshot.requests_per_s), span, past.requests_per_s, _numbers)
    else:
        both = _ends([*past.asked_per_s, *past.requests_per_s])
        yield Row("asked/s", number(snapshot.asked_per_s), span, past.asked_per_s, _numbers, "yellow", both)
        yield Row(
            "answered/s", number(snapshot.requests_per_s), _share(snapshot), past.requests_per_s, _numbers, "cyan", both
        )
    yield Row("in flight", whole(snapshot.in_flight), _flight_note(snapshot), past.in_flight, _wholes)
    yield _tokens(snapshot)
    for name, spread, medians in (
        ("TTFT", snapshot.ttft, past.ttft_ns),
        ("TPOT", snapshot.tpot, past.tpot_ns),
        ("ITL", snapshot.itl, past.itl_ns),
    ):
        value = quantity(None if spread is None else spread.p50_ns)
        yield Row(f"{name} median", value, _tail(spread), medians, _durations)


def _tokens(snapshot: Snapshot) -> Row:
    """Tokens where the service counts them, else the events that carry them."""
    past, each = snapshot.history.events_per_s, snapshot.tokens_per_event
    label, times = ("output ev/s", 1.0) if each is None else ("output tok/s", each)
    events = snapshot.events_per_s
    value = MISSING if events is None else whole(events * times)
    tpot = None if snapshot.tpot is None else snapshot.tpot.p50_ns
    note = f"{number(NS_PER_S / tpot)}/s per user decoding" if tpot and each is not None else ""
    return Row(label, value, note, [rate * times for rate in past], _wholes)


def _share(snapshot: Snapshot) -> str:
    asked, answered = snapshot.asked_per_s, snapshot.requests_per_s
    return f"{share(answered / asked)} of what is asked" if asked and answered is not None else ""


def _flight_note(snapshot: Snapshot) -> str:
    grows = "" if snapshot.growing_per_s is None else f"▲ growing {number(snapshot.growing_per_s)}/s"
    overdue = f"+{snapshot.overdue:,} overdue" if snapshot.overdue else ""
    dropped = f"{snapshot.not_sent:,} dropped" if snapshot.not_sent else ""
    return " ".join(filter(None, (overdue, dropped, grows))) or _at_work(snapshot)


def _at_work(snapshot: Snapshot) -> str:
    """How many of those in flight the service is answering; a reply that comes at once tells nothing of that."""
    if snapshot.itl is None or not snapshot.in_flight:
        return ""
    return f"{snapshot.answering:,} decoding · {max(0, snapshot.in_flight - snapshot.answering):,} waiting"


def _tail(spread: Spread | None) -> str:
    return "" if spread is None else f"p90 {quantity(spread.p90_ns)}  p99 {quantity(spread.p99_ns)}"


def _ends(values: Sequence[float | None]) -> tuple[float, float]:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else (0.0, 0.0)


def _numbers(low: float, high: float) -> tuple[str, str]:
    return number(low), number(high)


def _wholes(low: float, high: float) -> tuple[str, str]:
    return whole(low), whole(high)


def _durations(low: float, high: float) -> tuple[str, str]:
    return quantity(round(low)), quantity(round(high))


def _drawn(row: Row, width: int, tall: int) -> list[Line]:
    """Its lines; tall: of the graph."""
    first = Line(f" {row.label:<{_LABEL}}").append(f"{row.value:>{_VALUE}}", "bold")
    known = [value for value in row.past if value is not None]
    if not tall:
        return [first.append("  ").append(row.note, "dim")]
    if tall == 1:
        return [_in_one_line(row, first, width, known)]
    scale = row.scale or _ends(known)
    drawn = graph(row.past, width - _LEFT - _AXIS, tall, scale)
    low, high = row.form(*scale) if known else ("", "")
    lines = [first, Line(" " * (_LEFT - 2 - min(columns(row.note), _LEFT - 3))).append(row.note, "dim")]
    lines += [Line() for _ in range(tall - 2)]
    for line, dots in zip(lines, drawn, strict=True):
        line.pad(_LEFT).append(dots, row.style)
    lines[0].append(f" {high}", "dim")
    lines[-1].append(f" {low}" if low != high else "", "dim")
    return lines


def _in_one_line(row: Row, line: Line, width: int, known: Sequence[float]) -> Line:
    scale = row.scale or _ends(known)
    (dots,) = graph(row.past, width - _LEFT - _RANGE - _NOTE - 4, 1, scale)
    low, high = row.form(*scale) if known else ("", "")
    ends = f"{low} to {high}" if known else ""
    line.append("  ").append(dots, row.style).append(f"  {ends:<{_RANGE}}", "dim")
    return line.append(f"  {row.note}", "dim")


def _judgements(snapshot: Snapshot) -> Iterator[_Judged]:
    """How it stands so far; the verdicts over the whole time are the report's."""
    if snapshot.late_p99_ns is not None or snapshot.lag_p99_ns is not None:
        yield _client(snapshot)
    if snapshot.asked_per_s is not None or snapshot.overloaded_ns is not None:
        yield _service(snapshot)
    if snapshot.judged:
        found = snapshot.good / snapshot.judged
        yield _Judged("SLO", False, f"{share(found)} of {snapshot.judged:,} good so far", "")
    yield _failed(snapshot)


def _client(snapshot: Snapshot) -> _Judged:
    median = 0 if snapshot.ttft is None else snapshot.ttft.p50_ns
    limit = round(lateness_limit_ms(median / NS_PER_MS) * NS_PER_MS)
    lags = [("send lag", snapshot.late_p99_ns or 0), ("read lag", snapshot.lag_p99_ns or 0)]
    above = [(name, ns) for name, ns in lags if ns > limit]
    told = ", ".join(f"{name} {quantity(ns)}" for name, ns in above or lags) + f" (limit {quantity(limit)})"
    if not above:
        return _Judged("measurement", False, f"✓ sound so far: {told}", "green")
    stalls = f", {snapshot.stalls} stalls" if snapshot.stalls else ""
    return _Judged("measurement", True, f"! client too slow: {told}{stalls}", "bold yellow")


def _service(snapshot: Snapshot) -> _Judged:
    answered, asked = number(snapshot.requests_per_s), number(snapshot.asked_per_s)
    if snapshot.overloaded_ns is None:
        told = f"{answered}/s answered of {asked}/s asked"
        if (snapshot.requests_per_s or 0.0) < LEAST_ANSWERED * (snapshot.asked_per_s or 0.0):
            return _Judged("service", False, f"· not clear yet: {told}", "dim")
        return _Judged("service", False, f"✓ keeps up so far: {told}", "green")
    since = f"! overloaded since {clock(snapshot.overloaded_ns)}: "
    queue = f"{snapshot.in_flight:,} in flight{f', {snapshot.overdue:,} overdue' if snapshot.overdue else ''}"
    of = f" of {asked}" if snapshot.asked_per_s else ""
    return _Judged("service", True, f"{since}{answered}{of}/s answered, {queue}", "bold yellow")


def _failed(snapshot: Snapshot) -> _Judged:
    ended = snapshot.ok + snapshot.failed
    if not snapshot.failed:
        return _Judged("failed", False, f"0 of {ended:,}" + (" (0 %)" if ended else ""), "")
    most_first = sorted(snapshot.failures.items(), key=lambda item: (-item[1], item[0]))
    reasons = " · ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in most_first)
    told = f"{snapshot.failed:,} of {ended:,} ({share(snapshot.failed / ended)}): {reasons}"
    if snapshot.failed > FEW_FAILED * ended:
        return _Judged("failed", True, f"✗ {told}", "bold red")
    return _Judged("failed", True, f"! {told}", "bold yellow")


def _verdict_line(found: _Judged) -> Line:
    mark, _, text = found.text.partition(" ")
    if not found.style:
        return Line(f" {found.label:<{_LABEL + 2}}{found.text}")
    line = Line(f" {found.label:<{_LABEL}}").append(mark, found.style).append(" ")
    if found.bad:
        return line.append(text, found.style)
    head, colon, rest = text.partition(":")
    return line.append(head, found.style).append(colon + rest)
