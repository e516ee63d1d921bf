"""The screen of a run, drawn twice a second until the run is over or nobody wants to see it any more."""

from __future__ import annotations

import errno
import signal
import time
from pathlib import Path
from types import FrameType

from fastbench.live.files import Snapshot, StatusFiles, run_is_over
from fastbench.live.screen import Viewport, page_shown, pages, screen
from fastbench.live.terminal import Terminal

REFRESH_S = 0.5
_ENDS = {signal.SIGTERM, signal.SIGHUP, signal.SIGINT}


class View:
    """One run on one terminal."""

    def __init__(self, run: Path, fd: int, *, ended_fd: int | None = None) -> None:
        """ended_fd: readable when the screen is no longer wanted; Ctrl-C is then for the run, not for the view.

        None = the view ends with the run, and Ctrl-C ends only the view. Raises UsageError for what is no run.
        """
        self._files = StatusFiles(run)
        self._shown: list[Snapshot] = []
        self._viewport = Viewport(0, 0, base=str(run), now=0.0)
        self._fd = fd
        self._ended_fd = ended_fd
        self._signals: set[int] = set()

    def show(self) -> None:
        """Returns when it is over, or the terminal was closed.

        It takes over the signals of its process: `fastbench watch`, or the one that `attached_view` starts.
        """
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGCONT):
            signal.signal(number, self._heard)
        signal.signal(signal.SIGINT, self._heard if self._ended_fd is None else signal.SIG_IGN)
        try:
            with Terminal(self._fd) as terminal:
                self._until_over(terminal)
        except OSError as error:
            if error.errno != errno.EIO:
                raise

    def _heard(self, number: int, _: FrameType | None) -> None:
        self._signals.add(number)

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
                terminal.draw(screen(self._shown, drawn))
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
