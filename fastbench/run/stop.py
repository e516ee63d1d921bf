"""The user's request to stop: the first drains what is in flight, the second aborts it. And the end of a task of which
enough is known."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Self, TypeVar

T = TypeVar("T")

Listener = Callable[[int], object]
"""Called with the number of requests to stop, by the requesting thread."""


class Stop:
    """The number of requests to stop, and its listeners. Any thread or signal handler may call it."""

    def __init__(self) -> None:
        self.asked = 0
        self.signal = signal.SIGINT
        """The last one that was taken as a request."""
        self.enough = ""
        """Why the task may end, a clause, where nobody asked to stop but enough is known; what is sent then ends by
        itself, and what is not sent is not missed."""
        self._listeners: list[Listener] = []
        # A handler may interrupt this very thread while it holds the lock.
        self._lock = threading.RLock()

    def __call__(self) -> None:
        """Requests a stop."""
        self.take(self.asked + 1)

    def end_early(self, why: str) -> None:
        """Lets the task end, of which enough is known; not if it is to stop already."""
        if not self.asked:
            self.take(1, why)

    def take(self, asked: int, enough: str = "") -> None:
        """Takes over the requests of another one, up to so many."""
        with self._lock:
            while self.asked < asked:
                self.enough = enough
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

    @contextlib.contextmanager
    def within(self) -> Iterator[Self]:
        """One for a part of what this one is for: it hears all requests to this one, and may end by itself."""
        part = type(self)()
        with self.notifying(lambda asked: part.take(asked, self.enough)):
            yield part

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
        load, they raise KeyboardInterrupt, with their number. For the command line only."""

        def on_signal(number: int, _: object) -> None:
            self.signal = signal.Signals(number)
            if not self._listeners:
                self.asked += 1
                raise KeyboardInterrupt(number)
            self()

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, on_signal) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
