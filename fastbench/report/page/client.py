"""The client's own error over time: how late it noticed what had arrived, and when it stood still."""

from __future__ import annotations

import itertools
from typing import Any

from fastbench.metrics.client import lag
from fastbench.units import NS_PER_MS, NS_PER_S

LEAST_STATES, MOST_STATES = 2, 600
MOST_STALLS = 2_000


def client_series(health: list[dict[str, Any]], origin_ns: int) -> dict[str, Any] | None:
    """Lag by stretch of time, µs, and the longest stalls, ms; times in s since `origin_ns`. None for fewer states
    than make a line."""
    if len(health) < LEAST_STATES:
        return None
    each = -(-len(health) // MOST_STATES)
    groups = [health[first : first + each] for first in range(0, len(health), each)]
    late = [lag(group).values for group in groups]
    stalls = sorted(
        itertools.chain.from_iterable(record.get("stalls", ()) for record in health), key=lambda stall: -int(stall[1])
    )[:MOST_STALLS]
    return {
        "at": [round((int(group[-1].get("t_ns", origin_ns)) - origin_ns) / NS_PER_S, 6) for group in groups],
        **{name: [values[name] for values in late] for name in ("Median", "P99", "Max")},
        "stalls": sorted([(start - origin_ns) / NS_PER_S, duration / NS_PER_MS] for start, duration in stalls),
    }
