"""Pairs by identical prompt: where two runs sent the same prompts, request k of both is one pair.

Blocks are then of requests by their number, the same in both runs, and a replicate weighs both sides alike: what a long
prompt does to both falls out of the difference. Source: Efron and Tibshirani, "An Introduction to the Bootstrap"
(1993), section 8.3, with blocks as Künsch, Ann. Stat. 17 (1989).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fastbench.answers.comparison.estimates import dependence, shares_up_to
from fastbench.answers.comparison.model import (
    Counts,
    Floats,
    PairedMetric,
    Pairing,
    RequestColumns,
    RunSummary,
    Side,
)
from fastbench.answers.statistics import (
    BINS_PER_E,
    LEAST_BLOCKS,
    LOG_BINS,
    Interval,
    interval_of,
    log_bins,
    percentiles_replicates,
    weights,
)
from fastbench.metrics.samples import percent_of
from fastbench.units import NS_PER_US

LEAST_PAIRS = 100
_STEP = 0.002
"""Width of a bin of ln(B / A) when pairs are resampled."""
_REACH = 3.0
_SHOWN_BINS = 40


class Pairs(NamedTuple):
    """Of one metric. a, b: (pairs,), ns, in the order of the requests' numbers. blocks: of neighbouring pairs."""

    a: Floats
    b: Floats
    blocks: int

    @property
    def block(self) -> Counts:
        """(pairs,): the block of each."""
        return np.arange(self.a.size) * self.blocks // self.a.size


def pairs_of(base: Side, other: Side) -> Mapping[str, Pairs]:
    """By metric; {} where there are none: several runs, other prompts, or too few that both answered."""
    if len(base.runs) != 1 or len(other.runs) != 1:
        return {}
    first, second = base.runs[0], other.runs[0]
    prompts = first.workload.prompts
    if not prompts or prompts != second.workload.prompts or first.columns is None or second.columns is None:
        return {}
    return dict(_pairs(first, second, first.columns, second.columns))


def _pairs(
    first: RunSummary, second: RunSummary, left: RequestColumns, right: RequestColumns
) -> list[tuple[str, Pairs]]:
    _, in_a, in_b = np.intersect1d(left.number, right.number, return_indices=True)
    found = []
    for name in left.values:
        if name not in right.values:
            continue
        a, b = left.values[name][in_a], right.values[name][in_b]
        both = np.isfinite(a) & np.isfinite(b) & (a > 0) & (b > 0)
        blocks = min(_blocks(first, name), _blocks(second, name))
        if blocks >= LEAST_BLOCKS and np.count_nonzero(both) >= max(LEAST_PAIRS, blocks):
            found.append((name, Pairs(a[both], b[both], blocks)))
    return found


def _blocks(run: RunSummary, name: str) -> int:
    return run.distributions[name].counts.shape[0] if name in run.distributions else 0


def joint_spreads(pairs: Pairs, stats: Sequence[str], seed: int) -> dict[str, Floats]:
    """(replicates,) by percentile: ln(B / A), around 0, both sides weighed alike."""
    drawn = weights(pairs.blocks, seed)
    percents = [percent_of(stat) or 0.0 for stat in stats]
    counts = [_counted(values, pairs) for values in (pairs.a, pairs.b)]
    a, b = (percentiles_replicates(drawn, each, percents) for each in counts)
    wider = math.sqrt(pairs.blocks / (pairs.blocks - 1))
    difference = (b - a) / BINS_PER_E
    centered = (difference - np.median(difference, axis=1, keepdims=True)) * wider
    shares = shares_up_to(counts[1], percents) - shares_up_to(counts[0], percents)
    spreads = zip(stats, centered, shares, strict=True)
    return {stat: spread * dependence(share) for stat, spread, share in spreads}


def _counted(values: Floats, pairs: Pairs) -> Counts:
    """(blocks, bins), those bins that are used."""
    bins = log_bins(values / NS_PER_US)
    flat = np.bincount(pairs.block * LOG_BINS + bins, minlength=pairs.blocks * LOG_BINS).reshape(-1, LOG_BINS)
    return _used(flat)


def _used(counts: Counts) -> Counts:
    columns = np.flatnonzero(counts.any(axis=0))
    return counts[:, int(columns[0]) : int(columns[-1]) + 1]


def pairing(pairs: Mapping[str, Pairs], seed: int, *, same_words: bool) -> Pairing | None:
    """What the pairs say by themselves: the median of B / A over prompts; None without pairs. same_words: whether the
    two of a pair are the same, or only as long."""
    if not pairs:
        return None
    of = "identical prompts" if same_words else "prompts of the same lengths"
    return Pairing(of, tuple(_paired(name, each, seed) for name, each in pairs.items()))


def _paired(name: str, pairs: Pairs, seed: int) -> PairedMetric:
    logs = np.log(pairs.b / pairs.a)
    bins = np.clip((np.clip(logs, -_REACH, _REACH) + _REACH) / _STEP, 0, 2 * _REACH / _STEP - 1).astype(np.int64)
    number = int(2 * _REACH / _STEP)
    counts = np.bincount(pairs.block * number + bins, minlength=pairs.blocks * number).reshape(-1, number)
    places = percentiles_replicates(weights(pairs.blocks, seed), _used(counts), [50.0])[0]
    middle = float(np.median(logs))
    # Where the first bin that is used begins does not matter to how they scatter.
    low, high = interval_of(places * _STEP, middle, pairs.blocks)
    shown, edges = np.histogram(np.expm1(logs), bins=_SHOWN_BINS, range=_range(np.expm1(logs)))
    return PairedMetric(
        name,
        int(logs.size),
        math.expm1(middle),
        Interval(math.expm1(low), math.expm1(high)),
        tuple(edges.tolist()),
        tuple(shown.tolist()),
    )


def _range(changes: Floats) -> tuple[float, float]:
    """Of a histogram: where 98 % of the changes lie, 0 among them."""
    low, high = np.percentile(changes, [1, 99]).tolist()
    return min(low, -0.01), max(high, 0.01)
