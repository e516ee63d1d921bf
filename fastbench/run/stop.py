"""The user's wish to stop: once, what is in flight ends by itself; twice, it ends now."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

Listener = Callable[[int], object]
"""Told how often the user has asked; by whichever thread asks."""


class Stop:
    """How often the user asked to stop, and who wants to know. Any thread, and a signal's handler, may ask."""

    def __init__(self) -> None:
        self.asked = 0
        self._listeners: list[Listener] = []
        # A handler may interrupt this very thread while it holds the lock.
        self._lock = threading.RLock()

    def __call__(self) -> None:
        """Asks once more."""
        with self._lock:
            self.asked += 1
            for listener in list(self._listeners):
                listener(self.asked)

    def at_once(self) -> None:
        """Asks so often that what is in flight ends now."""
        while self.asked < 2:
            self()

    @contextlib.contextmanager
    def heard_by(self, listener: Listener) -> Iterator[None]:
        """Tells `listener` how often the user has asked, now if he has already, and at each time."""
        with self._lock:
            self._listeners.append(listener)
            if self.asked:
                listener(self.asked)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(listener)

    async def unless_asked(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What `work` comes to; None where the user asked to stop before it was done, for which it is cancelled. For
        wishes that come in the running event loop."""
        task = asyncio.ensure_future(work)
        with self.heard_by(lambda _: task.cancel()):
            try:
                return await task
            except asyncio.CancelledError:
                if not self.asked:
                    raise
                return None

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Takes SIGINT and SIGTERM as wishes to stop, in the main thread; where nobody listens, which is before a load
        and after it, they interrupt what the thread does. For the command line: a library has no say in signals."""

        def hear(*_: object) -> None:
            if not self._listeners:
                self.asked += 1
                raise KeyboardInterrupt
            self()

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, hear) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
