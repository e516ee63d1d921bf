"""The user's request to stop: the first drains what is in flight, the second aborts it."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

Listener = Callable[[int], object]
"""Called with the number of requests to stop, by the requesting thread."""


class Stop:
    """The number of requests to stop, and its listeners. Any thread or signal handler may call it."""

    def __init__(self) -> None:
        self.asked = 0
        self._listeners: list[Listener] = []
        # A handler may interrupt this very thread while it holds the lock.
        self._lock = threading.RLock()

    def __call__(self) -> None:
        """Requests a stop."""
        with self._lock:
            self.asked += 1
            for listener in list(self._listeners):
                listener(self.asked)

    def at_once(self) -> None:
        """Requests that what is in flight be aborted."""
        while self.asked < 2:
            self()

    @contextlib.contextmanager
    def notifying(self, listener: Listener) -> Iterator[None]:
        """Calls `listener` with the number of requests: now, if there are any, and at each further one."""
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
        """The result of `work`; None if a request to stop cancelled it. For requests made in the running event loop."""
        task = asyncio.ensure_future(work)
        with self.notifying(lambda _: task.cancel()):
            try:
                return await task
            except asyncio.CancelledError:
                if not self.asked:
                    raise
                return None

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Takes SIGINT and SIGTERM as requests to stop, in the main thread; without a listener, before and after a
        load, they raise KeyboardInterrupt. For the command line only."""

        def on_signal(*_: object) -> None:
            if not self._listeners:
                self.asked += 1
                raise KeyboardInterrupt
            self()

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, on_signal) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
