"""A worker's place among those of its task."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from fastbench.client.engine import Gate, at_once
from fastbench.load.rest import Rest
from fastbench.load.sharing import Queue, Share
from fastbench.load.stop import Stop
from fastbench.recording.clocks import Reading


class Link(Protocol):
    """A worker's connection to whoever coordinates it."""

    @property
    def gate(self) -> Gate:
        """Opens when all workers are ready."""
        ...

    def stopping(self, stop: Stop) -> AbstractContextManager[None]:
        """Hands the user's wishes to stop on to `stop` meanwhile, in a running event loop."""
        ...


class Alone:
    """The link of a worker without a coordinator: it hears the user himself and waits for nobody."""

    gate = staticmethod(at_once)

    def stopping(self, stop: Stop) -> AbstractContextManager[None]:
        """Takes SIGINT and SIGTERM as wishes to stop."""
        return stop.on_signals()


def one_clock() -> None:
    """What a worker on its coordinator's host has to know of the clock: nothing, there is but one."""


class Post(NamedTuple):
    """Which part of the task a worker has, and whom it hears."""

    share: Share = Share()
    queue: Queue | None = None
    """Where it takes the places of a closed loop's plan; None = they are dealt out like all others."""
    part: int = 0
    """Which file of the recording it writes."""
    leads: bool = True
    """Whether it does what one worker does for all: the warm-up."""
    run_id: str | None = None
    tokens_per_word: float = 1.0
    """What the service makes of a word of the prompts, where no tokenizer tells."""
    link: Link = Alone()
    start_at_ns: int | None = None
    """Of the wall clock, where a time that all were given and no coordinator says when the load begins."""
    rest: Rest | None = None
    """What an interrupted run has left; None = the whole plan."""
    clock: Callable[[], Reading | None] = one_clock
    """What is known by now of this host's clock against the coordinator's."""
