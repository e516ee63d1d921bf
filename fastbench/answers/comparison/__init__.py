"""Did it get slower? Sides, each of one or more runs, against a base: pure functions of summaries of runs.

RunSummary ── what a comparison needs of a run: counts and sums by block of time, no recording
Comparison ── the answer: base, one Versus for each other side, each with its Effects, deciles, refusals
"""

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
from fastbench.answers.comparison.sides import STATS, TOLERANCE, Asking, compare_sides, gate_keys, stats_of
from fastbench.answers.comparison.summary import Origin, summarize
from fastbench.answers.comparison.words import percent, sentence_of, span
from fastbench.answers.comparison.workload import config_lines, workload_of

__all__ = [
    "BETTER",
    "CANNOT_TELL",
    "CODES",
    "NOT_WORSE",
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
    "Ratio",
    "RequestColumns",
    "RunSummary",
    "Side",
    "VerdictWord",
    "Versus",
    "Workload",
    "compare_sides",
    "config_lines",
    "gate_keys",
    "percent",
    "sentence_of",
    "span",
    "stats_of",
    "summarize",
    "workload_of",
]
