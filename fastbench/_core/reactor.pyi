from typing import Any, Final

from fastbench._core.connections import Connections
from fastbench._core.output import OutputSpec
from fastbench._core.ring import Batch

SLOT_STEP: Final[int]
"""Closed loop: at the start the slots become free one after the other, so many ns apart."""

class Reactor(Connections):
    """One worker's requests, run by one thread that never holds the GIL.

    spec: the backend's rules for replies. limit: most requests in flight. closed_loop: a request goes out when a
    slot is free, else at its offset from the start. spare: connections to hold open beyond those in use. retry:
    attempts after the first, for failures before any byte of a response. precise: spin the last 60 us before a
    send. row_tokens: output events a stream has room for before its stamps move to the heap. Times are ns of
    CLOCK_MONOTONIC.

    Raises ValueError for arguments out of range, OSError when the system gives no descriptors.
    """

    spec: OutputSpec
    limit: int
    running: bool
    ended: bool
    def __init__(
        self,
        spec: OutputSpec,
        *,
        limit: int,
        closed_loop: bool,
        spare: int,
        retry: int = 0,
        precise: bool = False,
        request_timeout_ns: int,
        row_tokens: int = 1024,
    ) -> None: ...
    @property
    def backlog(self) -> int:
        """Requests submitted and not yet sent."""

    @property
    def backlog_bytes(self) -> int: ...
    def submit(
        self,
        payload: bytes,
        *,
        request: int,
        offset_ns: int = 0,
        sample: int = 0,
        planned_input: int = -1,
        planned_output: int = -1,
        stream: bool = True,
        keep_text: bool = False,
        warmup: bool = False,
    ) -> None:
        """Queues a finished request. In an open loop `offset_ns` counts from the start and must not fall."""

    def start(self, start_ns: int) -> None:
        """Nothing is sent before this moment. Connections are opened before it."""

    def close_input(self) -> None:
        """No more will be submitted: `run` returns when all has ended."""

    def drain(self) -> None:
        """What is not sent yet ends as cancelled; what is in flight goes on."""

    def abort(self) -> None:
        """What is in flight ends as cancelled too."""

    def run(self) -> None:
        """The reactor thread's whole life."""

    def fileno(self) -> int:
        """A descriptor that is readable when `take` has something, or the reactor has ended."""

    def take(self) -> Batch | None:
        """The requests that finished since the last call, None when none did."""

    def snapshot(self) -> dict[str, Any]:
        """The counters as they stand; read from another thread, so not all of the same instant."""

    def stalls_since(self, seen: int) -> tuple[int, list[tuple[int, int]]]:
        """How many stalls there were in all, and those after the first `seen` as (start, duration) in ns."""
