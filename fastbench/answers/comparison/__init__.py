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

__all__ = [
    "BETTER",
    "CANNOT_TELL",
    "CODES",
    "NOT_WORSE",
    "WORSE",
    "AchievedLoad",
    "Comparison",
    "Decile",
    "Difference",
    "Distribution",
    "Effect",
    "PairedMetric",
    "Pairing",
    "Ratio",
    "RequestColumns",
    "RunSummary",
    "Side",
    "VerdictWord",
    "Versus",
    "Workload",
]
