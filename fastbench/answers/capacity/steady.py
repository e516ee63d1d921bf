"""From when on the requests of a level count, and whether the service falls behind.

Source: MSER-5, White, "An effective truncation heuristic for bias reduction in simulation output", Simulation 69
(1997).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.statistics import first_length_ns, student_quantile

BATCH = 5
"""Values that MSER-5 takes together."""
_LEAST_BATCHES = 4
LEAST_BEHIND = 0.05
"""Of what was sent. A service that leaves less unanswered does not fall behind."""
_CONFIDENCE = 0.99
_LENGTHS = 4
"""A block in which a queue is looked for is so many times as long as others: a service at its limit answers by
chance."""
_LEAST_BLOCKS = 4

Moments = NDArray[np.int64]


def mser5(values: NDArray[Any]) -> int:
    """How many of the first values, in the order of time, are warm-up: leaving them out makes the standard error of the
    mean of the others the least. Values are taken by fives; at most half of them are left out."""
    batches = values.size // BATCH
    if batches < _LEAST_BATCHES:
        return 0
    means = values[: batches * BATCH].astype(np.float64).reshape(batches, BATCH).mean(axis=1)
    # Sums of all from each place on, so that each place costs the same.
    left = np.arange(batches, 0, -1)
    sums = np.cumsum(means[::-1])[::-1]
    squares = np.cumsum((means**2)[::-1])[::-1]
    error = (squares - sums**2 / left) / left**2
    return int(np.argmin(error[: batches // 2 + 1])) * BATCH


def begin_ns(reached_ns: int, p95_e2el_ns: int, token_rate: NDArray[Any], width_ns: int, changed_ns: int) -> int | None:
    """From which moment on the requests of a level count; None = not known yet.

    reached_ns: when the limit was reached; changed_ns: when it was changed. token_rate: (n,), output tokens in each
    stretch of `width_ns` from `changed_ns` on. Until MSER-5 sees a mean that it leaves whole there must be four
    batches.
    """
    since_ns = max(reached_ns, changed_ns) + p95_e2el_ns
    first = max(0, math.ceil((since_ns - changed_ns) / width_ns))
    rest = token_rate[first:]
    if rest.size < _LEAST_BATCHES * BATCH:
        return None
    return since_ns + mser5(rest) * width_ns


def backlog_length_ns(requests: int, time_ns: int, mean_e2el_ns: float) -> int:
    """How long the blocks are in which a queue is looked for."""
    return _LENGTHS * first_length_ns(requests, time_ns, mean_e2el_ns)


def behind(sent_ns: Moments, ended_ns: Moments, begin_ns: int, length_ns: int, blocks: int) -> float:
    """The lower 99 % bound of the share of what is sent that is not answered in its time, over blocks of time: above 0
    the requests that wait become more and more. An open loop's: in a closed one their number is fixed.

    ended_ns: of those that ended, any order. What was sent is known, not drawn: what scatters is what was answered.
    """
    edges = begin_ns + length_ns * np.arange(blocks + 1)
    sent = np.histogram(sent_ns, edges)[0].astype(np.float64)
    ended = np.histogram(ended_ns, edges)[0].astype(np.float64)
    if blocks < 2 or not sent.sum():
        return -math.inf
    mean = float((sent - ended).mean())
    half = student_quantile(_CONFIDENCE, blocks - 1) * float(ended.std(ddof=1)) / math.sqrt(blocks)
    return (mean - half) / float(sent.mean())


def falls_behind(sent_ns: Moments, ended_ns: Moments, begin_ns: int, length_ns: int, blocks: int) -> bool:
    """Whether a queue grows: surely, and by more than 5 % of what is sent. It may be asked after each block.

    begin_ns: three mean E2EL after the rate was set, when answers come; length_ns: `backlog_length_ns`.
    """
    if blocks < _LEAST_BLOCKS:
        return False
    edges = begin_ns + length_ns * np.array([0, blocks])
    sent, ended = (float(np.histogram(moments, edges)[0][0]) for moments in (sent_ns, ended_ns))
    return sent - ended > LEAST_BEHIND * sent and behind(sent_ns, ended_ns, begin_ns, length_ns, blocks) > 0
