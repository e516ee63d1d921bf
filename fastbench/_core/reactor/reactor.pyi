from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench._core.reactor.loop import Loop
from fastbench._core.ring import Batch
from fastbench._core.wire.rules import OutputSpec

def favour_thread() -> bool:
    """Has the system run the calling thread as soon as a busy reactor's, where that is permitted and nobody chose
    another priority for it; whether it does."""

def favour_thread_no_more() -> None:
    """The usual priority for the calling thread."""

class Reactor(Loop):
    """One worker's requests, run by one thread that never holds the GIL.

    spec: the dialect's rules for replies. limit: most requests in flight. openings: (n,) int64, when each slot of a
    closed loop opens, a request goes out whenever a slot is free; None = open loop, a request goes out at its offset.
    closings: when one of the open slots closes for good, each when it is next free. drop_when_full: open loop, what
    finds the limit reached is dropped instead of waiting. spare: connections to hold open beyond those in use.
    retry: attempts after the first, for failures before any byte of a response; retry_pause_ns: before the first of
    them, twice as long before each further one, at most 64 times as long, a quarter more or less.
    request_timeout_ns: of an attempt, from its first byte sent; total_timeout_ns: of a request, from when it goes out,
    with all attempts, connecting and pauses. precise: spin the last 60 us before
    a send. stop_offset_ns: closed loop, no conversation or request begins from then on. row_tokens: output events a
    stream has room for before its stamps move to the heap. Times are ns of CLOCK_MONOTONIC, offsets count from the
    start.

    Raises ValueError for arguments out of range, OSError when the system gives no descriptors.
    """

    running: bool
    ended: bool
    def __init__(
        self,
        spec: OutputSpec,
        *,
        limit: int,
        openings: NDArray[np.int64] | None,
        closings: NDArray[np.int64] | Sequence[int] = (),
        spare: int,
        retry: int = 0,
        precise: bool = False,
        drop_when_full: bool = False,
        request_timeout_ns: int,
        total_timeout_ns: int = ...,
        retry_pause_ns: int = 50_000_000,
        stop_offset_ns: int = ...,
        row_tokens: int = 1024,
    ) -> None: ...
    @property
    def spec(self) -> OutputSpec: ...
    @property
    def limit(self) -> int: ...
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
        due_ns: int = 0,
        sample: int = 0,
        planned_input: int = -1,
        planned_output: int = -1,
        session: int = 0,
        turn: int = 0,
        more: bool = False,
        skip: bool = False,
        stream: bool = True,
        keep_text: bool = False,
        warmup: bool = False,
        class_number: int = 0,
    ) -> None:
        """Queues a finished request. In an open loop `offset_ns` counts from the start and must not fall.

        more: its conversation keeps the slot when it ends, whatever its outcome, and must be answered by the next
        request (which goes out at the moment `due_ns`) or by `release`. skip: it is not sent, only ends as cancelled.
        """

    def submit_many(
        self,
        payloads: bytes,
        ends: NDArray[np.int64],
        requests: NDArray[np.int64],
        offsets_ns: NDArray[np.int64],
        samples: NDArray[np.int64],
        planned_input: NDArray[np.int64],
        planned_output: NDArray[np.int64],
        class_numbers: NDArray[np.int64],
        *,
        stream: bool = True,
        keep_text: bool = False,
        warmup: bool = False,
    ) -> None:
        """As `submit` of each of many requests, whose bytes stand one after the other; all arrays are (n,)."""

    def start(self, start_ns: int) -> None:
        """Nothing is sent before this moment. Connections are opened before it."""

    def close_input(self) -> None:
        """No more will be submitted: `run` returns when all has ended."""

    def release(self) -> None:
        """A conversation has ended, though its last request was submitted with `more`: its slot is free."""

    def ask_for_slots(self, wanted: int, first: int) -> None:
        """A closed loop is to have so many slots, 0 to its limit: `slots_ns` says when. Surplus ones close as their
        requests end. first: what is not sent yet and has a smaller number is forgotten, as it was prepared for the load
        before; numbers must rise. RuntimeError before `start`, and while an earlier change is not done."""

    @property
    def slots_ns(self) -> int | None:
        """The moment at which the slots were last changed, 0 = never; None = it is still to happen."""

    @property
    def known_ns(self) -> int:
        """All requests that went out before this moment have ended, and `take` has had, or has, them."""

    def withdraw(self) -> None:
        """What is not sent yet is forgotten: it was prepared in vain, not planned."""

    def drain(self) -> None:
        """What is not sent yet ends as cancelled; what is in flight goes on."""

    def abort(self, abandon: bool = False, out_of_time: bool = False) -> None:
        """What is in flight ends as cancelled too. abandon: nobody will answer for conversations any more.
        out_of_time: not the user cancels it, but its time to end was over.
        """

    def run(self) -> None:
        """The reactor thread's whole life."""

    def be_patient(self, least: int) -> None:
        """Python looks from now on by itself at what has ended, and wants to be told of it only where fewer than
        `least` requests are prepared, or all has ended; 0 = of each end, where it is told once more of none before."""

    def fileno(self) -> int:
        """A descriptor that is readable when `take` has something, or the reactor has ended."""

    def take(self) -> Batch | None:
        """The requests that finished since the last call, None when none did."""

    def snapshot(self) -> dict[str, Any]:
        """The counters as they stand; read from another thread, so not all of the same instant."""

    def stalls_since(self, seen: int) -> tuple[int, list[tuple[int, int]]]:
        """How many stalls there were in all, and those after the first `seen` as (start, duration) in ns."""
