from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from fastbench._core.ring import Batch
from fastbench._core.wire.rules import OutputSpec

LIVES: Final[tuple[str, ...]]
"""The stages of a run, in their order."""
NEVER: Final[int]
"""Later than any moment."""

class DispatcherTrial:
    """The dispatcher exactly as the reactor uses it, for tests. Arguments: those of `Reactor`, but for `precise`.

    Requests are named by their numbers; the caller plays clock and connections. Moments are ns.
    """

    def __init__(
        self,
        spec: OutputSpec,
        *,
        limit: int,
        openings: NDArray[np.int64] | Sequence[int] | None,
        closings: NDArray[np.int64] | Sequence[int] = (),
        spare: int,
        retry: int = 0,
        drop_when_full: bool = False,
        request_timeout_ns: int,
        total_timeout_ns: int = ...,
        retry_pause_ns: int = 50_000_000,
        stop_offset_ns: int = ...,
        row_tokens: int = 1024,
    ) -> None: ...
    def submit_at(
        self, now: int, request: int, *, offset_ns: int = 0, due_ns: int = 0, more: bool = False, skip: bool = False
    ) -> None: ...
    def start_at(self, start_ns: int) -> None: ...
    def enter(
        self,
        life: Literal["running", "withdrawing", "draining", "aborting", "abandoned"],
        now: int,
        *,
        out_of_time: bool = False,
    ) -> None:
        """The run is in this stage from now on: what was not sent ends accordingly."""

    def close_input(self) -> None: ...
    def release_at(self, now: int) -> None:
        """A conversation has ended between two of its turns."""

    def set_slots_at(self, now: int, wanted: int, *, first: int = 0) -> None:
        """So many slots from now on; what is not sent and has a number below `first` is forgotten."""

    def known_at(self, now: int) -> int:
        """The moment before which all that went out has ended."""

    def due(self, now: int) -> int:
        """When the next send is due; NEVER while none is."""

    def send_due(self, now: int) -> int | None:
        """Sends what is due; None where it was dropped. ValueError where nothing is due yet."""

    def send_again(self, now: int) -> int | None:
        """The request that is to be sent once more."""

    def let_wait(self, request: int) -> None:
        """There is no connection for it."""

    def opened(self) -> int | None:
        """A connection stands: the request that it is for."""

    def wanted(self) -> int:
        """How many connections are to be open."""

    def on_connections(self) -> list[int]:
        """The requests that are on one."""

    def put_on_connection(self, request: int, now: int, *, opened_ns: int = 0, sent: bool = True) -> None:
        """sent: its first byte is sent now; else it is still being encrypted."""

    def read(self, request: int, data: bytes, now: int) -> bool:
        """Bytes of its response; whether they completed the message."""

    def end(self, request: int, now: int, *, how: Literal["complete", "closed", "reset"] = "complete") -> None:
        """Its response ended."""

    def lose_connection(
        self, request: int, now: int, *, how: Literal["closed", "reset"] = "closed", served: bool = False
    ) -> None:
        """Its connection ended. served: it had served another request before."""

    def refuse_connection(self, connecting: int, reason: bytes, now: int) -> None:
        """A connection never came to stand, and so many others are being opened."""

    def end_with_run(self, now: int) -> None:
        """Ends what is in flight as far as the stage demands it."""

    def expire(self, now: int) -> None:
        """Ends what took too long by now."""

    def is_over(self, more_submitted: bool = False) -> bool: ...
    def take_ended(self) -> Batch | None:
        """The requests that ended since the last time."""

    def counts(self) -> dict[str, Any]:
        """How many are in flight, occupied, sent, …"""
