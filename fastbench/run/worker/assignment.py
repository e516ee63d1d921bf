"""What one worker is to do, and its link to its coordinator."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from fastbench.client import Gate, at_once
from fastbench.plan import Queue, Share, TaskPlan
from fastbench.recording import Reading
from fastbench.run.stop import Stop


class Assignment(NamedTuple):
    """One worker's part of a task; picklable."""

    plan: TaskPlan
    recording: Path
    """The directory of the task's recording."""
    log: Path | None = None
    """None = standard error."""
    share: Share = Share()
    queue: Queue | None = None
    """Where it takes the places of a closed loop's plan; None = they are dealt out like all others."""
    run_id: str | None = None
    """One for all workers of a task; None = the worker makes it."""
    start_at_ns: int | None = None
    """Of the wall clock, where a time that all were given and no coordinator says when the load begins."""

    @property
    def part(self) -> int:
        """Which file of the recording it writes."""
        remainder = self.plan.remainder
        return self.share.number + (0 if remainder is None else remainder.part)

    @property
    def leads(self) -> bool:
        """Whether it does what one worker does for all: the warm-up."""
        return self.share.number == 0


class Link(Protocol):
    """A worker's connection to whoever coordinates it."""

    @property
    def gate(self) -> Gate:
        """Opens when all workers are ready."""
        ...

    def stopping(self, stop: Stop) -> AbstractContextManager[None]:
        """Hands the user's wishes to stop on to `stop` meanwhile, in a running event loop."""
        ...

    @property
    def clock(self) -> Callable[[], Reading | None]:
        """What is known by now of this host's clock against the coordinator's."""
        ...


def one_clock() -> None:
    """What a worker on its coordinator's host has to know of the clock: nothing, there is but one."""


class Alone:
    """The link of a worker without a coordinator: it hears the user and waits for nobody."""

    gate = staticmethod(at_once)
    clock = staticmethod(one_clock)

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def stopping(self, stop: Stop) -> AbstractContextManager[None]:
        """From whichever thread the wish comes."""
        return heard_in_loop(self._stop, stop)


@contextlib.contextmanager
def heard_in_loop(outside: Stop, inside: Stop) -> Iterator[None]:
    """Hands the wishes of any thread on to one that only the running event loop knows."""
    loop = asyncio.get_running_loop()

    def take(asked: int) -> None:
        while inside.asked < asked:
            inside()

    with outside.heard_by(lambda asked: loop.call_soon_threadsafe(take, asked)):
        yield
    take(outside.asked)  # what the loop has not come to
