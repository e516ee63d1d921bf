"""Numbers with their uncertainty, from the arrays of a recording: pure functions, each with its source.

blocks ── blocks of time, the design effect, intervals of means, shares and percentiles; bootstrap ── intervals of
everything that is made of counts by block; evidence ── what may be looked at at any time: e-values, anytime-valid
intervals, what a budget can show; laws ── the distributions behind them
"""

from fastbench.answers.statistics.blocks import (
    LEAST_BLOCKS,
    LEAST_IN_BLOCK,
    Blocks,
    Interval,
    blocks_of,
    cut,
    design_effect,
    first_length_ns,
    mean_interval,
    mean_variance,
    neighbours_agree,
    percentile_design_effect,
    percentile_interval,
    percentile_places,
    ratio_interval,
    raw_design_effect,
    share_interval,
)
from fastbench.answers.statistics.bootstrap import (
    gap_counts,
    gap_percentile_intervals,
    interval_of,
    percentile_replicates,
    ratio_replicates,
    weights,
)
from fastbench.answers.statistics.evidence import (
    NOTHING,
    Evidence,
    Showable,
    anytime_interval,
    anytime_percentile,
    anytime_ranks,
    betting,
    evidence_of,
    requests_to_show,
    showable,
)
from fastbench.answers.statistics.laws import normal_quantile, student_quantile

__all__ = [
    "LEAST_BLOCKS",
    "LEAST_IN_BLOCK",
    "NOTHING",
    "Blocks",
    "Evidence",
    "Interval",
    "Showable",
    "anytime_interval",
    "anytime_percentile",
    "anytime_ranks",
    "betting",
    "blocks_of",
    "cut",
    "design_effect",
    "evidence_of",
    "first_length_ns",
    "gap_counts",
    "gap_percentile_intervals",
    "interval_of",
    "mean_interval",
    "mean_variance",
    "neighbours_agree",
    "normal_quantile",
    "percentile_design_effect",
    "percentile_interval",
    "percentile_places",
    "percentile_replicates",
    "ratio_interval",
    "ratio_replicates",
    "raw_design_effect",
    "requests_to_show",
    "share_interval",
    "showable",
    "student_quantile",
    "weights",
]
