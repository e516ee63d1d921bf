"""The user at the terminal: messages beside the results, Ctrl-C, and the bar of a calculation that takes its time."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from fastbench.errors import Exit, FastbenchError
from fastbench.live import ClosedError, lead_nowhere

if TYPE_CHECKING:
    from fastbench import Stop

STDOUT = 1
SHOWN_AFTER_S = 1.0
"""A calculation that ends sooner shows no bar."""
STEPS = 1000
WIDTH = 24


def say(message: str) -> None:
    """Lines for the user, on standard error. No key is in them."""
    # Imported late: help must not wait for it.
    from fastbench.secrets import KNOWN

    for line in KNOWN.hide(message).splitlines():
        print(f"fastbench: {line}", file=sys.stderr)


def remark(message: str, *, quiet: bool) -> None:
    """As `say`, of what is worth knowing and no fault: not to be told with --quiet."""
    if not quiet:
        say(message)


class InterruptError(FastbenchError):
    """The user pressed Ctrl-C, or sent SIGTERM, while no load was under way. Before the command begins `__main__` hears
    it; what a run makes of it says `run.Stop`."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        """number: of the signal."""
        super().__init__("interrupted")
        self.exit_code = Exit.of_signal(number)


def stopped_by(stop: Stop, code: int) -> int:
    """The exit code of a run: of one that the user stopped by which signal that was."""
    return Exit.of_signal(stop.signal) if code == Exit.INTERRUPTED else code


@contextlib.contextmanager
def as_far_as_read() -> Iterator[None]:
    """What is printed inside goes as far as it is read: where its reader closes it, as `head` does, the rest is not
    printed, and the command goes on quietly."""
    try:
        yield
        sys.stdout.flush()
    except ClosedError:
        lead_nowhere(STDOUT)


def leave_in_order() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, as there is something to be left in order."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def leave_with(code: int) -> None:
    """From now on, as all is done and said, Ctrl-C only ends the process sooner."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(code))


@contextlib.contextmanager
def calculation_bar(name: str, *, quiet: bool = False) -> Iterator[Callable[[float], None] | None]:
    """What a calculation tells its progress, 0 to 1; None where standard error is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        bar = click.progressbar(length=STEPS, label=f"calculating {name}", width=WIDTH, file=sys.stderr)
        shown = False

        def tell(share: float) -> None:
            nonlocal shown
            if not shown and time.monotonic() - begun >= SHOWN_AFTER_S:
                stack.enter_context(bar)
                shown = True
            if shown:
                bar.update(int(share * STEPS) - bar.pos)

        yield tell
