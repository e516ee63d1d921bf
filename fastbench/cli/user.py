"""The user at the terminal: messages beside the results, Ctrl-C, and the bar of a calculation that takes its time."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

import click

from fastbench.errors import Exit, FastbenchError

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


class InterruptError(FastbenchError):
    """The user pressed Ctrl-C while no load was under way. Before the command begins `__main__` hears it; what a run
    makes of it says `run.Stop`."""

    exit_code = Exit.INTERRUPTED


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
