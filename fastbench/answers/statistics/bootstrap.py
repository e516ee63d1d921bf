"""Intervals by resampling blocks of time: for whatever is made of counts or sums by block.

A replicate draws as many blocks as there are, with repetition; that is a vector of weights, and a percentile of 10⁹
gaps is one product of weights and counts. Sources: the block bootstrap, Künsch, "The jackknife and the bootstrap for
general stationary observations", Ann. Stat. 17 (1989); replicates as weights, Rubin, "The Bayesian bootstrap", Ann.
Stat. 9 (1981), here with multinomial weights. With few blocks a bootstrap is too narrow: it is widened to Student's t,
as Hesterberg, "What teachers should know about the bootstrap", Am. Stat. 69 (2015), section 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.statistics.blocks import CONFIDENCE, Blocks, Interval
from fastbench.answers.statistics.laws import normal_quantile, student_quantile
from fastbench.metrics import Selection
from fastbench.metrics.samples import percentile

REPLICATES = 2_000
LOG_BINS = 4_096
_MOST_US = 1 << 42
BINS_PER_E = LOG_BINS / math.log(_MOST_US)
"""Log bins in a factor of e: bin k begins at e^(k / BINS_PER_E) µs."""
_TABLE = 1 << 16
_AT_ONCE = 250

Floats = NDArray[np.float64]


def weights(blocks: int, seed: int, replicates: int = REPLICATES) -> NDArray[np.float64]:
    """(replicates, blocks): how often each block is drawn."""
    random = np.random.default_rng(seed)
    return random.multinomial(blocks, np.full(blocks, 1 / blocks), replicates).astype(np.float64)


def ratio_replicates(drawn: Floats, sums: Floats, sizes: Floats) -> Floats:
    """(replicates,): Σsums / Σsizes, (blocks,) each: a mean, a share, a throughput."""
    return np.asarray((drawn @ sums) / np.maximum(drawn @ sizes, 1e-300), np.float64)


def percentile_replicates(drawn: Floats, counts: NDArray[np.int64], percent: float) -> Floats:
    """(replicates,): the percentile in log bins, as the place in them, a float. counts: (blocks, bins)."""
    places: Floats = percentiles_replicates(drawn, counts, [percent])[0]
    return places


def percentiles_replicates(drawn: Floats, counts: NDArray[np.int64], percents: Sequence[float]) -> Floats:
    """(percents, replicates): the same of several, which costs little more than of one."""
    places = np.empty((len(percents), drawn.shape[0]))
    # Running sums of the blocks are weighed: those of each replicate need not be made.
    running = np.cumsum(counts, axis=1).astype(np.float64)
    for first in range(0, drawn.shape[0], _AT_ONCE):
        sums = drawn[first : first + _AT_ONCE] @ running
        places[:, first : first + sums.shape[0]] = _places_at(sums, np.asarray(percents) / 100)
    return places


def _places_at(sums: Floats, shares: Floats) -> Floats:
    """(shares, n): where each row of running sums, (n, bins), reaches shares of its end, between its bins."""
    rows, bins = sums.shape
    ranks = shares[:, None] * sums[:, -1]
    # All rows as one rising sequence, so that one search finds all.
    begins = np.arange(rows) * (sums[:, -1].max() + 1)
    found = np.searchsorted((sums + begins[:, None]).ravel(), (ranks + begins).ravel()).reshape(ranks.shape)
    at = np.clip(found - np.arange(rows) * bins, 0, bins - 1)
    below = np.where(at > 0, sums[np.arange(rows), at - 1], 0.0)
    places: Floats = at + (ranks - below) / np.maximum(sums[np.arange(rows), at] - below, 1e-300)
    return places


def interval_of(replicates: Floats, point: float, blocks: int, confidence: float = CONFIDENCE) -> Interval:
    """Around a point estimate, from the scatter of its replicates, widened for few blocks."""
    low, high = np.quantile(replicates, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    wider = student_quantile((1 + confidence) / 2, blocks - 1) / normal_quantile((1 + confidence) / 2)
    wider *= math.sqrt(blocks / (blocks - 1))
    middle = float(np.median(replicates))
    return Interval(point - wider * (middle - low), point + wider * (high - middle))


def log_bins(us: NDArray[Any]) -> NDArray[np.int64]:
    """(n,): the bin of each value, some 0.7 % wide; all below 2 µs in the first."""
    bins: NDArray[np.int64] = np.minimum(np.log(np.maximum(us, 1)) * BINS_PER_E, LOG_BINS - 1).astype(np.int64)
    return bins


def bin_value_us(place: float) -> float:
    """The value at a place in the bins."""
    return math.exp(place / BINS_PER_E)


def gap_counts(selection: Selection, blocks: Blocks) -> NDArray[np.int64]:
    """(blocks, LOG_BINS): the gaps of the successful streams by the block in which their request was sent.

    blocks: of `selection.streamed`, in its order.
    """
    table = log_bins(np.arange(_TABLE))
    counts = np.zeros((blocks.number, LOG_BINS), np.int64)
    of_rows = np.full(selection.rows.size, -1, np.int64)
    of_rows[selection.streamed_mask] = blocks.of
    for run in selection.runs:
        events = np.maximum(selection.rows["events"][run.first_row : run.stop_row].astype(np.int64) - 1, 0)
        gaps = run.gaps_us()
        bins = np.where(gaps < _TABLE, table[np.minimum(gaps, _TABLE - 1)], log_bins(gaps))
        block = np.repeat(of_rows[run.first_row : run.stop_row], events)
        inside = block >= 0
        flat = np.bincount(block[inside] * LOG_BINS + bins[inside], minlength=counts.size)
        counts += flat.reshape(counts.shape)
    return counts


def gap_percentile_intervals(
    selection: Selection, blocks: Blocks, percents: Sequence[float], seed: int = 0
) -> dict[float, Interval]:
    """Of percentiles of the gaps, in µs, by percent. The point estimate is the exact one; the bins tell how it
    scatters. Those that there are no gaps for are left out."""
    counts = gap_counts(selection, blocks)
    if not counts.sum() or blocks.number < 2:
        return {}
    drawn = weights(blocks.number, seed)
    found = {}
    for percent in percents:
        exact = _exact(selection, percent)
        places = percentile_replicates(drawn, counts, percent)
        spread = interval_of(places, float(np.median(places)), blocks.number)
        shift = math.log(max(exact, 1.0)) * BINS_PER_E - float(np.median(places))
        found[percent] = Interval(bin_value_us(spread.low + shift), bin_value_us(spread.high + shift))
    return found


def _exact(selection: Selection, percent: float) -> float:
    value = percentile(selection.gaps, percent)
    return 0.0 if value is None else value
