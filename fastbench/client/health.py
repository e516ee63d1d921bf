"""The client's own state, second by second, as the recording keeps it."""

import time
from typing import Any

import numpy as np

from fastbench._core.reactor import Reactor

_COUNTED = ("reads", "unstamped_reads", "turns", "starved", "cpu_ns")


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
        counts = self._reactor.lag.counts.copy()
        risen = counts - self._counts
        where = np.flatnonzero(risen)
        self._stalls, stalls = self._reactor.stalls_since(self._stalls)
        since = {name: now[name] - self._before[name] for name in _COUNTED}
        self._counts = counts
        self._before = {name: now[name] for name in _COUNTED}
        return {
            "t_ns": time.monotonic_ns(),
            "lag": np.column_stack((where, risen[where])).tolist(),
            "stalls": [list(stall) for stall in stalls],
            "in_flight": now["in_flight"],
            **since,
        }
