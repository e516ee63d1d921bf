"""What one side says of a number, and how it scatters: by resampling blocks of time, or, of three or more runs, runs
and then the blocks in each.

Sources: blocks as weights, see `statistics.bootstrap`; several levels, Kalibera and Jones, "Rigorous benchmarking in
reasonable time", ISMM 2013, section 9. Of several runs the estimate is the mean of the runs' logarithms, so a ratio of
sides is a ratio of geometric means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.comparison.model import Distribution, Floats, Ratio, RunSummary
from fastbench.answers.statistics import (
    BINS_PER_E,
    LEAST_BLOCKS,
    REPLICATES,
    Interval,
    normal_quantile,
    percentiles_replicates,
    ratio_replicates,
    raw_design_effect,
    share_interval,
    student_quantile,
    weights,
)
from fastbench.metrics.samples import percent_of

RUNS_TO_RESAMPLE = 3
"""From so many runs on a side's runs tell how much runs differ."""
_US_PER_MS = 1_000


class Estimate(NamedTuple):
    """A number of one side, as its logarithm. spread: (replicates,), around 0, as wide as its error is; None: too short
    to tell. degrees: of freedom of that. runs: how many; resampled: whether the spread has the runs' differences.
    points: (runs,), of each."""

    point: float
    spread: Floats | None
    degrees: float
    runs: int
    resampled: bool
    points: tuple[float, ...]

    @property
    def value(self) -> float:
        """The number itself."""
        return math.exp(self.point)

    @property
    def variance(self) -> float:
        """Of the logarithm; 0 where it is not known."""
        return float(self.spread.var()) if self.spread is not None else 0.0

    @property
    def interval(self) -> Interval | None:
        """Of the number, 95 %."""
        if self.spread is None:
            return None
        low, high = quantiles(self.spread, self.degrees, 0.95)
        return Interval(math.exp(self.point + low), math.exp(self.point + high))


def quantiles(spread: Floats, degrees: float, confidence: float) -> tuple[float, float]:
    """Below and above 0, of deviations, widened to Student's t."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(spread, [tail, 1 - tail]).tolist()
    wider = student_quantile(1 - tail, degrees) / normal_quantile(1 - tail)
    return wider * low, wider * high


def latencies(runs: Sequence[RunSummary], name: str, stats: Sequence[str], seed: int) -> Mapping[str, Estimate]:
    """Percentiles of a latency by name; those that a run does not have are left out."""
    distributions = [run.distributions[name] for run in runs if name in run.distributions]
    if len(distributions) != len(runs):
        return {}
    found: dict[str, list[tuple[float, Floats | None, int]]] = {stat: [] for stat in stats}
    for number, one in enumerate(distributions):
        blocks = one.counts.shape[0]
        replicates = None
        if blocks >= LEAST_BLOCKS:
            drawn = weights(blocks, _seed(seed, number))
            replicates = percentiles_replicates(drawn, one.counts, [percent_of(stat) or 0.0 for stat in stats])
        below = shares_up_to(one.counts, [percent_of(stat) or 0.0 for stat in stats])
        for row, stat in enumerate(stats):
            spread = None
            if replicates is not None:
                spread = _centered(replicates[row] / BINS_PER_E, blocks) * dependence(below[row])
            found[stat].append((_log(point_of(one, stat) * _US_PER_MS), spread, blocks - 1))
    return {
        stat: _of_side(parts, _seed(seed, len(runs) + row))
        for row, (stat, parts) in enumerate(found.items())
        if all(math.isfinite(point) for point, _, _ in parts)
    }


def shares_up_to(counts: NDArray[np.int64], percents: Sequence[float]) -> Floats:
    """(percents, blocks): the share of each block's values that lies up to percentiles of all blocks together. counts:
    (blocks, bins)."""
    running = np.cumsum(counts, axis=1).astype(np.float64)
    whole = running.sum(axis=0)
    bins = np.searchsorted(whole, whole[-1] * np.asarray(percents) / 100)
    shares: Floats = (running[:, bins] / np.maximum(running[:, -1:], 1)).T
    return shares


def dependence(values: Floats) -> float:
    """By how much wider a spread is for what neighbouring blocks still have in common. values: (blocks,).

    Blocks are as long as their correlation cannot be told from chance; where they are few that leaves some. The
    variance is taken 1 + 2 r as large, r being the correlation of neighbours, without its bias, where it is positive:
    Newey and West, Econometrica 55 (1987), with one lag of full weight.
    """
    rest = values - values.mean()
    square = float(rest @ rest)
    if values.size < LEAST_BLOCKS or square <= 0:
        return 1.0
    return math.sqrt(1 + 2 * max(0.0, float(rest[1:] @ rest[:-1]) / square + 1 / values.size))


def point_of(one: Distribution, stat: str) -> float:
    """A percentile in its unit: the exact one where it was kept, else from the bins."""
    if stat in one.points:
        return one.points[stat]
    total = one.counts.sum(axis=0, keepdims=True)
    place = percentiles_replicates(np.ones((1, 1)), total, [percent_of(stat) or 0.0])[0, 0]
    return math.exp((one.first_bin + float(place)) / BINS_PER_E) / _US_PER_MS


def rate(runs: Sequence[RunSummary], name: str, seed: int) -> Estimate | None:
    """A throughput; None where a run does not have it."""
    ratios = [run.ratios[name] for run in runs if name in run.ratios]
    if len(ratios) != len(runs) or any(one.value <= 0 for one in ratios):
        return None
    parts: list[tuple[float, Floats | None, int]] = []
    for number, one in enumerate(ratios):
        spread = None
        if one.sums.size >= LEAST_BLOCKS:
            drawn = ratio_replicates(weights(one.sums.size, _seed(seed, number)), one.sums, one.sizes)
            spread = _centered(np.log(np.maximum(drawn, 1e-300)), one.sums.size) * dependence(one.sums / one.sizes)
        parts.append((math.log(one.value), spread, one.sums.size - 1))
    return _of_side(parts, _seed(seed, len(runs)))


@dataclass(frozen=True)
class Share:
    """A share of one side, of 1. count: requests; deff: by how much fewer independent ones tell as much. seen: whether
    the error is known."""

    value: float
    count: float
    deff: float
    runs: int
    seen: bool

    def interval(self, confidence: float = 0.95) -> Interval:
        """The score interval."""
        return share_interval(self.value * self.count, self.count, self.deff, confidence)


def share(runs: Sequence[RunSummary], name: str) -> Share | None:
    """Of all requests of a side's runs together; clusters are the runs where they are three, else blocks of time."""
    ratios = [run.ratios[name] for run in runs if name in run.ratios]
    count = sum(float(one.sizes.sum()) for one in ratios)
    if len(ratios) != len(runs) or count <= 0:
        return None
    hits = sum(one.value * float(one.sizes.sum()) for one in ratios)
    value = hits / count
    deff = raw_design_effect(*_clusters(ratios), value * (1 - value)) or 1.0
    seen = len(runs) >= RUNS_TO_RESAMPLE or all(one.sums.size >= LEAST_BLOCKS for one in ratios)
    return Share(value, count, max(1.0, deff), len(runs), seen)


def _clusters(ratios: Sequence[Ratio]) -> tuple[Floats, Floats]:
    if len(ratios) >= RUNS_TO_RESAMPLE:
        return np.array([one.sums.sum() for one in ratios]), np.array([one.sizes.sum() for one in ratios])
    return np.concatenate([one.sums for one in ratios]), np.concatenate([one.sizes for one in ratios])


def _of_side(parts: Sequence[tuple[float, Floats | None, int]], seed: int) -> Estimate:
    """Of each run: the logarithm, its spread, the spread's degrees of freedom."""
    points = tuple(point for point, _, _ in parts)
    middle = float(np.mean(points))
    if len(parts) >= RUNS_TO_RESAMPLE:
        return Estimate(middle, _resampled(parts, middle, seed), len(parts) - 1, len(parts), True, points)
    spreads = [spread for _, spread, _ in parts if spread is not None]
    degrees = sum(degrees for _, _, degrees in parts)
    if len(spreads) < len(parts):
        return Estimate(middle, None, 0, len(parts), False, points)
    whole: Floats = np.mean(spreads, axis=0)
    return Estimate(middle, whole, degrees, len(parts), False, points)


def _resampled(parts: Sequence[tuple[float, Floats | None, int]], middle: float, seed: int) -> Floats:
    """(replicates,): runs are drawn, then in each a replicate of its blocks."""
    random = np.random.default_rng(seed)
    nothing = np.zeros(REPLICATES)
    each = np.array([point - middle + (nothing if spread is None else spread) for point, spread, _ in parts])
    runs = len(parts)
    drawn = each[random.integers(runs, size=(runs, REPLICATES)), random.integers(REPLICATES, size=(runs, REPLICATES))]
    return _centered(drawn.mean(axis=0), runs)


def _centered(replicates: Floats, units: int) -> Floats:
    """Around 0, and as wide as `units` that were resampled ask for: the variance of a resample is too small by 1 / n.

    Source: Hesterberg, "What teachers should know about the bootstrap", Am. Stat. 69 (2015), section 3.
    """
    centered: Floats = (replicates - np.median(replicates)) * math.sqrt(units / (units - 1))
    return centered


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _seed(seed: int, number: int) -> int:
    return seed * 1_009 + number
