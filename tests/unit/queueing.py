"""A service on simulated time: an engine whose steps serve at most so many requests, the rest waits in line."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

STEP_NS = 20_000_000
SLOTS = 16
TOKENS = 50
CAPACITY = SLOTS * 1e9 / (TOKENS * STEP_NS)
"""Requests per second: 16."""

Moments = NDArray[np.int64]


def served(sent: Moments, seed: int, slower: Callable[[int], float] = lambda _: 1.0, slots: int = SLOTS) -> Moments:
    """(n,) when each request ends: exponential lengths of mean 50 tokens, a token a step, first come first served.

    slower: the factor of the time of a request that begins to be served at a moment.
    """
    tokens = np.maximum(1, np.random.default_rng(seed).geometric(1 / TOKENS, sent.size)).tolist()
    free = [0] * slots
    ends = []
    for moment, length in zip(sent.tolist(), tokens, strict=True):
        # It joins the batch at the next step.
        begins = -(-max(moment, heapq.heappop(free)) // STEP_NS) * STEP_NS
        end = begins + int(length * STEP_NS * slower(begins))
        heapq.heappush(free, end)
        ends.append(end)
    return np.array(ends, np.int64)
