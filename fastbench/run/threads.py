"""Work in a thread of its own, in the caller's context."""

import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_S = 0.2
"""How long Ctrl-C may go unnoticed."""


def in_thread(work: Callable[[], T], name: str, interrupted: Callable[[], None] | None = None) -> T:
    """Returns or raises what `work` does. interrupted: called on Ctrl-C in the caller's thread; the work is waited for
    all the same, and KeyboardInterrupt raised when it has ended, whatever the work raised."""
    results: list[T] = []
    errors: list[BaseException] = []
    begun, over = threading.Event(), threading.Event()
    given_up = False

    def run() -> None:
        begun.wait()
        if given_up:
            return
        try:
            results.append(work())
        # Raised in the caller's thread.
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            over.set()

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(run,), name=f"fastbench {name}")
    try:
        thread.start()
    except BaseException:
        # Ctrl-C may come before the thread's start is known.
        given_up = True
        begun.set()
        raise
    interrupt = _waited_for(thread, begun, over, interrupted)
    if errors and (interrupt is None or interrupted is None):
        raise errors[0]
    if interrupt is not None:
        raise interrupt from (errors[0] if errors else None)
    return results[0]


def _waited_for(
    thread: threading.Thread, begun: threading.Event, over: threading.Event, interrupted: Callable[[], None] | None
) -> KeyboardInterrupt | None:
    """Lets the thread work, and returns when it has ended; the last Ctrl-C that came meanwhile."""
    interrupt: KeyboardInterrupt | None = None
    while True:
        # All of it inside: wherever Ctrl-C comes, the thread is waited for.
        try:
            begun.set()
            if interrupt is not None and interrupted is not None:
                interrupted()
            # Not by `join` alone: up to Python 3.12 it takes a thread for ended when Ctrl-C interrupts it. In pieces:
            # a signal that comes just before a wait, or to another thread, does not end the wait.
            while not over.wait(LOOK_S):
                pass
            thread.join()
            return interrupt
        except KeyboardInterrupt as error:
            interrupt = error
