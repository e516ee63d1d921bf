"""How a run is seen while it goes on: as a screen on a terminal, line by line elsewhere, or not at all."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from fastbench.cli.user import say
from fastbench.live import STOPPING, Progress, attached_view, usable


class Live:
    """The run for the user who watches it. on_screen: whether the terminal is drawn on, and nothing else may be
    written; with --debug the log has the terminal, so there is no screen."""

    def __init__(self, *, quiet: bool, debug: bool) -> None:
        self.on_screen = not quiet and not debug and sys.stderr.isatty() and usable(sys.stderr.fileno())
        self._quiet = quiet
        self._kept: list[str] = []
        self._told_stop = False

    @contextlib.contextmanager
    def shown(self, run: Path) -> Iterator[None]:
        """Shows the run in the directory `run` while the block lasts."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._say_kept)
            if self.on_screen:
                stack.enter_context(attached_view(run))
            elif not self._quiet:
                stack.enter_context(_lines(run))
            yield

    def observe(self, _: str, now: Progress) -> None:
        """Takes a task's progress, which the view has from its status file: without a screen, that Ctrl-C was heard is
        worth a line."""
        if now.stopping and not self._told_stop:
            self._told_stop = True
            if not self.on_screen:
                say(STOPPING[1])

    def say(self, message: str) -> None:
        """One line for the user: now, or when the screen is gone."""
        if self.on_screen:
            self._kept.append(message)
        else:
            say(message)

    def _say_kept(self) -> None:
        for message in self._kept:
            say(message)


@contextlib.contextmanager
def _lines(run: Path) -> Iterator[None]:
    """A line for each task now and then. A run that ends before the first is due shows none."""
    # Imported late: it is not for a terminal.
    from fastbench.live import EVERY_S, follow

    over = threading.Event()

    def tell() -> None:
        if not over.wait(EVERY_S):
            follow(run, lambda text: print(text, file=sys.stderr, flush=True), over.wait)

    thread = threading.Thread(target=tell, name="lines", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
