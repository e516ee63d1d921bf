"""Did it get slower? Sides, each of one or more runs, against a base: pure functions of summaries of runs.

RunSummary ── what a comparison needs of a run: counts and sums by block of time, no recording
pairs ── slices of two services that were measured in pairs: what their ratios say, and when it is enough
Comparison ── the answer: base, one Versus for each other side, each with its Effects, deciles, refusals
"""

from fastbench.answers.comparison.effects import POINTS
from fastbench.answers.comparison.estimates import RUNS_TO_RESAMPLE, QuantileCurve, quantile_curve
from fastbench.answers.comparison.model import (
    BETTER,
    CANNOT_TELL,
    CODES,
    NOT_WORSE,
    WORSE,
    AchievedLoad,
    Comparison,
    Decile,
    Difference,
    Distribution,
    Effect,
    PairedMetric,
    Pairing,
    Ratio,
    RequestColumns,
    RunSummary,
    Side,
    VerdictWord,
    Versus,
    Workload,
)
from fastbench.answers.comparison.noise import UNSEEN, Known
from fastbench.answers.comparison.pairs import (
    NO_BLUR,
    Pairs,
    coins,
    compare_pairs,
    nothing_compared,
    paired_effects,
    settled,
)
from fastbench.answers.comparison.sides import STATS, TOLERANCE, Asking, compare_sides, gate_keys, stats_of
from fastbench.answers.comparison.summary import DECILES, Origin, summarize
from fastbench.answers.comparison.words import percent, sentence_of, span
from fastbench.answers.comparison.workload import config_lines, workload_of

__all__ = [
    "BETTER",
    "CANNOT_TELL",
    "CODES",
    "DECILES",
    "NOT_WORSE",
    "NO_BLUR",
    "POINTS",
    "RUNS_TO_RESAMPLE",
    "STATS",
    "TOLERANCE",
    "UNSEEN",
    "WORSE",
    "AchievedLoad",
    "Asking",
    "Comparison",
    "Decile",
    "Difference",
    "Distribution",
    "Effect",
    "Known",
    "Origin",
    "PairedMetric",
    "Pairing",
    "Pairs",
    "QuantileCurve",
    "Ratio",
    "RequestColumns",
    "RunSummary",
    "Side",
    "VerdictWord",
    "Versus",
    "Workload",
    "coins",
    "compare_pairs",
    "compare_sides",
    "config_lines",
    "gate_keys",
    "nothing_compared",
    "paired_effects",
    "percent",
    "quantile_curve",
    "sentence_of",
    "settled",
    "span",
    "stats_of",
    "summarize",
    "workload_of",
]
