"""The client's own state, second by second, as the recording keeps it; and how fast this machine reads replies."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench._core.reactor import Reactor
from fastbench._core.wire import OutputSpec, ReplyReader
from fastbench.registry import DIALECTS

_COUNTED = ("reads", "unstamped_reads", "turns", "starved", "cpu_ns", "ordinary_ns", "real_time_ns")
TOGETHER = 32
"""Neighbouring buckets of lag that become one entry, so that a second costs some 3 kB and not 50: each value is told
as the uppermost of its 32 buckets, at most 3.2 % (below 1 us: 31 ns) too high."""


class HealthLog:
    """Turns a reactor's running counters into what happened since the record before."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._counts = np.zeros_like(reactor.lag.counts)
        self._stalls = 0
        self._before = dict.fromkeys(_COUNTED, 0)

    def record(self) -> dict[str, Any]:
        """One health record, as `docs/recording-format.md` describes it."""
        now = self._reactor.snapshot()
        counts = self._reactor.lag.counts_now()
        risen = counts - self._counts
        self._stalls, stalls = self._reactor.stalls_since(self._stalls)
        since = {name: now[name] - self._before[name] for name in _COUNTED}
        self._counts = counts
        self._before = {name: now[name] for name in _COUNTED}
        return {
            "t_ns": time.monotonic_ns(),
            "lag": together(risen),
            "stalls": [list(stall) for stall in stalls],
            "in_flight": now["in_flight"],
            **since,
        }


def together(counts: NDArray[np.int64]) -> list[list[int]]:
    """[index, count] for each `TOGETHER` neighbouring buckets that are not all empty; index: of the uppermost one."""
    sums = counts.reshape(-1, TOGETHER).sum(axis=1)
    where = np.flatnonzero(sums)
    entries: list[list[int]] = np.column_stack((where * TOGETHER + TOGETHER - 1, sums[where])).tolist()
    return entries


_EVENTS = 20_000
_ROUNDS = 3
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
_EVENT = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}\n\n'


def event_ns() -> float:
    """CPU time of one ordinary output event, ns: the least of a few rounds."""
    events = _EVENT * _EVENTS
    return min(_round_ns(events) for _ in range(_ROUNDS)) / _EVENTS


def _round_ns(events: bytes) -> int:
    reader = ReplyReader(OutputSpec(DIALECTS.get("openai_chat").rules))
    reader.feed(_HEAD)
    begun = time.thread_time_ns()
    reader.feed(events)
    return time.thread_time_ns() - begun
