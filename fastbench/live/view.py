"""A run for those who watch it: drawn twice a second on a screen, or told line by line where there is none."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from fastbench.live.classic import HEADER_HEIGHT, LEAN_TABLE_HEIGHT, ROW_HEIGHT, TABLE_HEIGHT, header, table_lines
from fastbench.live.files import Snapshot, Status, StatusFiles, run_is_over
from fastbench.live.lines import Line, clock, short_pair
from fastbench.live.panel import panel
from fastbench.live.terminal import Modes, Terminal, readable
from fastbench.units import number

REFRESH_S = 0.5
EVERY_S = 10.0
"""Between two lines of a task whose status stays."""
LOOK_S = 1.0
_ENDS = {signal.SIGTERM, signal.SIGHUP, signal.SIGINT}
_PANEL_HEIGHT = 14
"""Lines of the task at hand below a table: more rows of the table go without their rules first."""
_LEAST_PANEL = 7
_ROWS_WANTED = 8
"""Rather than all lines of one task."""
_RUN_KEYS, _WATCH_KEYS = "Ctrl-C stops · p pauses", "Ctrl-C leaves, the run goes on · p pauses"
READY_S = 5.0
"""How long the load waits for the view, whose start would disturb it."""
GONE_S = 5.0
"""How long the view may take to leave."""
NICE = 10
"""It gives way to the load wherever there is one core less than both could use."""
_CLASSIC = "--classic"


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
    classic: bool = False
    """Whether the table is there for one task too."""
    watching: bool = False
    """Whether Ctrl-C is for the view, not for the run."""


class View:
    """One run on one terminal."""

    def __init__(self, run: Path, fd: int, *, ended_fd: int | None = None, classic: bool = False) -> None:
        """ended_fd: readable when the screen is no longer wanted; Ctrl-C is then for the run, not for the view.

        None = the view ends with the run, and Ctrl-C ends only the view. Raises UsageError for what is no run.
        """
        self._files = StatusFiles(run)
        self._shown: list[Snapshot] = []
        self._viewport = Viewport(0, 0, base=str(run), now=0.0, classic=classic, watching=ended_fd is None)
        self._colours = not os.environ.get("NO_COLOR")
        self._fd = fd
        self._ended_fd = ended_fd
        self._signals: set[int] = set()

    def show(self) -> None:
        """Returns when it is over, or the terminal was closed.

        It takes over the signals of its process: `fastbench watch`, or the one that `attached_view` starts.
        """
        for signal_ in (signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGCONT):
            signal.signal(signal_, self._heard)
        signal.signal(signal.SIGINT, self._heard if self._ended_fd is None else signal.SIG_IGN)
        try:
            with Terminal(self._fd) as terminal:
                self._until_over(terminal)
        except OSError as error:
            if error.errno != errno.EIO:
                raise

    def _heard(self, signal_: int, _: FrameType | None) -> None:
        self._signals.add(signal_)

    def _until_over(self, terminal: Terminal) -> None:
        due, drawn = time.monotonic(), None
        ended = False
        while not ended and not self._signals & _ENDS:
            columns, lines = terminal.size
            self._viewport = self._viewport._replace(width=columns, height=lines)
            if time.monotonic() >= due:
                due = time.monotonic() + REFRESH_S
                ended = self._refresh()
            if self._viewport != drawn:
                drawn = self._viewport
                terminal.draw([line.written(colours=self._colours) for line in screen(self._shown, drawn)])
            if not ended:
                keys, ended = terminal.wait(due - time.monotonic(), self._ended_fd)
                for key in keys:
                    self._press(key)
            if signal.SIGTSTP in self._signals:
                terminal.suspend(lambda: signal.SIGCONT in self._signals)
                self._signals.remove(signal.SIGTSTP)
                drawn = None
            self._signals.discard(signal.SIGCONT)

    def _refresh(self) -> bool:
        """Takes the newest state, unless paused; whether the run is over and the view with it."""
        found = self._files.read()
        if not self._viewport.paused:
            self._shown = found
            self._viewport = self._viewport._replace(now=time.time())
        return self._ended_fd is None and run_is_over(found)

    def _press(self, key: str) -> None:
        viewport = self._viewport
        if key == "p":
            self._viewport = viewport._replace(paused=not viewport.paused)
        else:
            step = -1 if key == "up" else 1
            page = page_shown(self._shown, viewport) + step
            self._viewport = viewport._replace(page=max(0, min(page, pages(len(self._shown), viewport.height) - 1)))


def screen(snapshots: Sequence[Snapshot], viewport: Viewport) -> list[Line]:
    """At most `height` lines, none wider than `width`: one task takes them all, several have a table above it."""
    width, height, keys = viewport.width, viewport.height, _WATCH_KEYS if viewport.watching else _RUN_KEYS
    if len(snapshots) == 1 and not viewport.classic:
        return panel(snapshots[0], width, height, keys=keys, paused=viewport.paused)
    rows, page = rows_of_page(len(snapshots), height), page_shown(snapshots, viewport)
    place = f"Page: {page + 1}/{pages(len(snapshots), height)}  Total {len(snapshots)} rows of data"
    lines = header(viewport.base, viewport.now, width, place, paused=viewport.paused)
    shown = snapshots[page * rows : (page + 1) * rows]
    if shown:
        lines += table_lines(shown, width, lean=_is_lean(len(snapshots), height))
    at_hand = task_at_hand(snapshots)
    if at_hand is not None:
        lines += [Line(), *panel(at_hand, width, max(0, height - len(lines) - 1))]
    return [line.cut(width) for line in lines[:height]]


def task_at_hand(snapshots: Sequence[Snapshot]) -> Snapshot | None:
    """The first task that is being carried out, else the last one that was; None before any has begun."""
    begun = [snapshot for snapshot in snapshots if snapshot.started is not None]
    return next((snapshot for snapshot in begun if snapshot.status.active), begun[-1] if begun else None)


def rows_of_page(count: int, height: int) -> int:
    """Tasks on one page: as many as there is room for above the lines of one, some in their place; at least one."""
    if not _is_lean(count, height):
        return max(1, count)
    free = height - HEADER_HEIGHT - LEAN_TABLE_HEIGHT - 1
    wanted = max(free - _PANEL_HEIGHT, min(_ROWS_WANTED, free - _LEAST_PANEL))
    return max(1, min(count, wanted))


def _is_lean(count: int, height: int) -> bool:
    """Whether the tasks have no room in a table with rules above the lines of one."""
    return HEADER_HEIGHT + TABLE_HEIGHT + count * ROW_HEIGHT + 1 + _PANEL_HEIGHT > height


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


def follow(run: Path, say: Callable[[str], None], over: Callable[[float], bool]) -> None:
    """Says how far each task is: when its status changes, and now and then; returns when the run is over.

    over: waits so many seconds, and says whether nobody wants to hear more. Raises UsageError for what is no run.
    """
    files, reported = StatusFiles(run), dict[str, _Reported]()
    while True:
        snapshots = files.read()
        for snapshot in snapshots:
            now = _Reported(snapshot.status, time.monotonic())
            last = reported.get(snapshot.task, _Reported(Status.NOT_START, now.at))
            if now.status is not last.status or (now.status.active and now.at - last.at >= EVERY_S):
                reported[snapshot.task] = now
                say(f"{_stamp()} {told(snapshot)}")
        if run_is_over(snapshots) or over(LOOK_S):
            return


class _Reported(NamedTuple):
    """The last line about a task."""

    status: Status
    at: float


def told(snapshot: Snapshot) -> str:
    """How far one task is, in a line."""
    done, total = snapshot.extent
    unit = " s" if snapshot.planned is None and total is not None else ""
    parts = [
        snapshot.status.value,
        f"{done}{unit}" if total is None else f"{done}/{total}{unit}",
        " ".join(f"{name}={count}" for name, count in snapshot.counts.items()),
    ]
    if snapshot.status is Status.INFERENCING:
        parts += [f"{snapshot.in_flight:,} in flight", *_speed(snapshot)]
        if snapshot.to_go_ns is not None:
            parts.append(f"about {clock(snapshot.to_go_ns)} to go")
    return f"{snapshot.task}: {', '.join(parts)}"


def _speed(snapshot: Snapshot) -> list[str]:
    """How fast it is, and how long users wait: the median and the P99."""
    asked = "" if snapshot.asked_per_s is None else f" of {number(snapshot.asked_per_s)}/s asked"
    parts = [f"{number(snapshot.requests_per_s)}/s answered{asked}"]
    if snapshot.overloaded_ns is not None:
        parts.append("overloaded")
    for name, spread in (("TTFT", snapshot.ttft), ("TPOT", snapshot.tpot)):
        if spread is not None:
            parts.append(f"{name} {short_pair(spread.p50_ns, spread.p99_ns)}")
    return parts


def _stamp() -> str:
    now = time.time()
    return f"[{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))},{int(now * 1000) % 1000:03}] [fastbench] [INFO]"


@contextlib.contextmanager
def attached_view(run: Path, *, classic: bool = False) -> Iterator[None]:
    """Draws on standard error, which is a terminal, while the block lasts; afterwards the terminal is as it was.

    The view is a process of its own, so that nothing of it disturbs the load.
    classic: with AISBench's progress table, also for one task.
    """
    before = Modes.of(sys.stderr.fileno())
    ended, ours = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "fastbench.live.view", str(run), str(ended), *([_CLASSIC] if classic else [])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        pass_fds=(ended,),
    )
    os.close(ended)
    assert process.stdout is not None
    try:
        readable([process.stdout.fileno()], READY_S)
        yield
    finally:
        os.close(ours)
        process.stdout.close()
        try:
            process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode:
            before.restore()


def main() -> None:
    """The whole life of the process that `attached_view` starts: `python -m fastbench.live.view RUN ENDED [--classic]`.

    It says with a byte on standard output that it can draw, and goes when ENDED, the number of a pipe's end, is closed
    at its other end.
    """
    run, ended, *rest = sys.argv[1:]
    os.nice(NICE)
    view = View(Path(run), sys.stderr.fileno(), ended_fd=int(ended), classic=_CLASSIC in rest)
    os.write(sys.stdout.fileno(), b".")
    view.show()


if __name__ == "__main__":
    main()
