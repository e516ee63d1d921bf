"""Ctrl-C: once, what is in flight ends by itself; twice, it ends now."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator


class Stop:
    """How often the user asked to stop, and who wants to know."""

    def __init__(self) -> None:
        self.asked = 0
        self._listeners: list[Callable[[int], None]] = []

    def __call__(self) -> None:
        """Asks once more."""
        self.asked += 1
        for listener in list(self._listeners):
            listener(self.asked)

    @contextlib.contextmanager
    def heard_by(self, listener: Callable[[int], None]) -> Iterator[None]:
        """Tells `listener` how often the user has asked, now if he has already, and at each time."""
        self._listeners.append(listener)
        if self.asked:
            listener(self.asked)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    @contextlib.contextmanager
    def on_plain_signals(self) -> Iterator[None]:
        """Takes SIGINT and SIGTERM as wishes to stop, in a main thread without an event loop."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, lambda *_: self()) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Takes SIGINT and SIGTERM as wishes to stop, in the running event loop; none is lost at the block's end, as
        one of `loop.add_signal_handler` would be."""
        loop = asyncio.get_running_loop()
        heard = 0

        def hear(*_: object) -> None:
            nonlocal heard
            heard += 1
            loop.call_soon_threadsafe(take)

        def take() -> None:
            nonlocal heard
            if heard:
                heard -= 1
                self()

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, hear) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
            while heard:
                take()
