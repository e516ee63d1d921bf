"""Blocks of time: how much the requests of one run depend on each other, and intervals that take it into account.

Requests are put into blocks by the moment at which they were sent. Sources: batch means, Schmeiser, "Batch size effects
in the analysis of simulation output", Operations Research 30 (1982); the test of their independence, Fishman, "Grouping
observations in digital simulation", Management Science 24 (1978); the design effect of clusters, Kish, "Survey
Sampling" (1965); intervals of percentiles by order statistics, Hahn and Meeker, "Statistical Intervals" (1991), section
5.2.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.statistics.laws import binomial_below, normal_quantile, rising_root, student_quantile
from fastbench.metrics.server import neighbours_z

LEAST_BLOCKS = 6
"""Fewer say nothing of how much they scatter: too short to tell."""
LEAST_IN_BLOCK = 20
LATENCIES = 3.0
"""A block is at least so many mean E2EL long."""
MOST_Z = 2.0
"""Blocks whose means depend on their neighbours by more, in units of its scatter, are too short."""
CONFIDENCE = 0.95
_MANY = 100
"""From a binomial variance of so much on its normal approximation gives ranks to a fifth of a sample."""

Moments = NDArray[np.int64]
Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """Where a number lies with 95 % confidence."""

    low: float
    high: float


class Blocks(NamedTuple):
    """Equal stretches of time, one after the other. begin_ns: of the first; length_ns: of each; number: how many.

    of: (requests,), the number of each request's block; -1 for one in none.
    """

    begin_ns: int
    length_ns: int
    number: int
    of: NDArray[np.int64]

    def sums(self, values: NDArray[Any]) -> Floats:
        """(blocks,): the values, (requests,), of each block added up."""
        inside = self.of >= 0
        return np.bincount(self.of[inside], weights=values[inside].astype(np.float64), minlength=self.number).astype(
            np.float64
        )

    @property
    def sizes(self) -> Floats:
        """(blocks,): requests in each."""
        return self.sums(np.ones(self.of.size))


def cut(sent_ns: Moments, begin_ns: int, end_ns: int, length_ns: int) -> Blocks:
    """As many whole blocks of about `length_ns` as fit between two moments; none where not even one does.

    sent_ns: (requests,), in any order. The blocks are made longer so that they fill the time.
    """
    count = (end_ns - begin_ns) // max(1, length_ns)
    if count < 1:
        return Blocks(begin_ns, length_ns, 0, np.full(sent_ns.size, -1, np.int64))
    length = (end_ns - begin_ns) // count
    number = (sent_ns - begin_ns) // length
    inside = (number >= 0) & (number < count)
    return Blocks(begin_ns, int(length), int(count), np.where(inside, number, -1))


def first_length_ns(requests: int, time_ns: int, mean_e2el_ns: float) -> int:
    """The shortest length of blocks: three mean E2EL, and the time in which 20 requests are sent."""
    return math.ceil(max(LATENCIES * mean_e2el_ns, LEAST_IN_BLOCK * time_ns / max(1, requests), 1))


def time_needed_ns(sent_ns: Moments, mean_e2el_ns: float) -> int:
    """For how long a stage that `blocks_of` finds too short should be at the least: for so many of the shortest blocks
    as it takes, or twice as long, where it had these and they depend on each other."""
    lasted = int(np.ptp(sent_ns)) + 1
    least = LEAST_BLOCKS * first_length_ns(sent_ns.size, lasted, mean_e2el_ns)
    return least if least > lasted else 2 * lasted


def blocks_of(sent_ns: Moments, values: NDArray[Any], mean_e2el_ns: float) -> Blocks | None:
    """The blocks of a stage: their length doubles from `first_length_ns` on until the means of neighbours do not depend
    on each other. None where that leaves fewer than 6: too short to tell.

    sent_ns, values: (requests,), the values being what the number in question is made of.
    """
    if not sent_ns.size:
        return None
    begin, end = int(sent_ns.min()), int(sent_ns.max()) + 1
    length = first_length_ns(sent_ns.size, end - begin, mean_e2el_ns)
    while (end - begin) // length >= LEAST_BLOCKS:
        blocks = cut(sent_ns, begin, end, length)
        sizes = blocks.sizes
        means = blocks.sums(values)[sizes > 0] / sizes[sizes > 0]
        if means.size >= LEAST_BLOCKS and neighbours_agree(means):
            return blocks
        length *= 2
    return None


def neighbours_agree(means: Floats) -> bool:
    """Whether the means of neighbouring blocks do not depend on each other."""
    return abs(neighbours_z(means)) <= MOST_Z


def mean_variance(sums: Floats, sizes: Floats) -> float:
    """The variance of Σsums / Σsizes by the scatter of the blocks, (blocks,) each; inf for fewer than two blocks."""
    blocks, size = sums.size, float(sizes.sum())
    if blocks < 2 or size <= 0:
        return math.inf
    rest = sums - sums.sum() / size * sizes
    return float(rest @ rest) * blocks / (blocks - 1) / size**2


def raw_design_effect(sums: Floats, sizes: Floats, variance: float) -> float | None:
    """The variance of the mean by blocks over that of as many independent requests. variance: of one request. None
    where that cannot be told."""
    size = float(sizes.sum())
    if sums.size < 2 or size <= 0 or variance <= 0:
        return None
    return mean_variance(sums, sizes) / (variance / size)


def design_effect(blocks: Blocks, values: NDArray[Any]) -> float:
    """By how much fewer independent requests would tell as much of the mean of values, (requests,); never below 1."""
    inside = values[blocks.of >= 0].astype(np.float64)
    variance = float(inside.var(ddof=1)) if inside.size > 1 else 0.0
    return max(1.0, raw_design_effect(blocks.sums(values), blocks.sizes, variance) or 1.0)


def mean_interval(blocks: Blocks, values: NDArray[Any]) -> Interval:
    """Of the mean of values, (requests,), by Student's t over the blocks."""
    return ratio_interval(blocks.sums(values), blocks.sizes)


def ratio_interval(sums: Floats, sizes: Floats, confidence: float = CONFIDENCE) -> Interval:
    """Of Σsums / Σsizes, (blocks,) each: a mean, or with the blocks' lengths in s a throughput."""
    if sums.size < 2:
        return Interval(-math.inf, math.inf)
    middle = float(sums.sum() / sizes.sum())
    half = student_quantile((1 + confidence) / 2, sums.size - 1) * math.sqrt(mean_variance(sums, sizes))
    return Interval(middle - half, middle + half)


def share_interval(good: float, count: float, deff: float = 1.0, confidence: float = CONFIDENCE) -> Interval:
    """Of a share: the score interval at effective counts. Source: Wilson, J. Am. Stat. Assoc. 22 (1927)."""
    if count <= 0:
        return Interval(0.0, 1.0)
    effective, share = count / deff, good / count
    z = student_quantile((1 + confidence) / 2, max(1.0, effective - 1))
    middle = (share + z * z / (2 * effective)) / (1 + z * z / effective)
    half = z / (1 + z * z / effective) * math.sqrt(share * (1 - share) / effective + z * z / (4 * effective**2))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def percentile_interval(
    values: NDArray[Any], percent: float, deff: float = 1.0, confidence: float = CONFIDENCE
) -> Interval | None:
    """Of a percentile (0 … 100) by the order statistics of values, any order, as if there were 1/deff as many.

    None where there are too few for both ends.
    """
    ordered = np.sort(values)
    places = percentile_places(ordered.size, percent, deff, confidence)
    return None if places is None else Interval(float(ordered[places[0]]), float(ordered[places[1]]))


def percentile_places(
    count: int, percent: float, deff: float = 1.0, confidence: float = CONFIDENCE
) -> tuple[int, int] | None:
    """The places, from 0, of the two of `count` values in rising order between which the percentile lies; None where
    there are too few for both ends."""
    effective = count / deff
    ranks = percentile_ranks(effective, percent / 100, confidence) if effective >= 2 else None
    if ranks is None:
        return None
    low, high = math.floor(ranks[0] * deff), math.ceil(ranks[1] * deff)
    return max(0, low - 1), min(count, max(1, high)) - 1


def percentile_ranks(effective: float, share: float, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """The ranks, from 1, of the two of `effective` samples between which the quantile of `share` lies; None where there
    are none."""
    tail = (1 - confidence) / 2
    # The sample of rank l is above the quantile when fewer than l lie below it; that of rank u below it when u do.
    if share**effective > tail or (1 - share) ** effective > tail:
        return None
    if effective * share * (1 - share) > _MANY:
        half = normal_quantile(1 - tail) * math.sqrt(effective * share * (1 - share))
        return effective * share - half, effective * share + half
    low = rising_root(lambda rank: binomial_below(rank - 1, effective, share) - tail, 1.0, effective)
    high = rising_root(lambda rank: binomial_below(rank - 1, effective, share) - (1 - tail), 1.0, effective)
    return low, high


def percentile_design_effect(blocks: Blocks, values: NDArray[Any], percent: float) -> float:
    """The design effect for a percentile: of the share of values up to it."""
    inside = values[blocks.of >= 0]
    if not inside.size:
        return 1.0
    return design_effect(blocks, values <= np.percentile(inside, percent))
