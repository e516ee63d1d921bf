"""The progress bar of a report that takes its time, on a terminal only."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

import click

SHOWN_AFTER_S = 1.0
"""A calculation that ends sooner shows nothing."""
STEPS = 1000
WIDTH = 24


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
