"""Questions that people bring, answered from recordings: pure functions, which send nothing and print nothing.

    slo = parse_slo("ttft<500ms, tpot<50ms@95%")
    goodput_of(Selection(recording), slo)      # share of good requests with its interval, goodput, what broke first
    judge(gates, compute(recording, statistics_of(gates)))
    answered(compute_for_page(recording, stats), Asked((slo,), gates))    # a report's numbers with all of it

asked ── a report with what was asked of it; goodput ── the requests that keep SLOs (`fastbench.slo`); gates ──
`--assert`; smoothness ── stalls, the reader's deadline; uncertainty ── intervals of a report's numbers
statistics ── blocks of time, intervals, evidence that may be looked at at any time; capacity ── the search for the
greatest load within the SLOs, which is told what was seen and says what to measure next; comparison ── one side against
another; baselines ── the file of what it needs; number_dialects ── the numbers by other tools' rules; result_files ── a
recording as another tool's result file
"""

from fastbench.answers.asked import Asked, answered, code_of
from fastbench.answers.gates import Gate, Judged, check_classes, judge, parse_gate, statistics_of
from fastbench.answers.goodput import Broken, Goodput, good_mask, goodput_of
from fastbench.answers.judging import CLEAR_BIT, Criterion, Judge, criteria_of
from fastbench.answers.smoothness import smoothness_of
from fastbench.slo import Clause, Slo, parse_slo, parse_slos

__all__ = [
    "CLEAR_BIT",
    "Asked",
    "Broken",
    "Clause",
    "Criterion",
    "Gate",
    "Goodput",
    "Judge",
    "Judged",
    "Slo",
    "answered",
    "check_classes",
    "code_of",
    "criteria_of",
    "good_mask",
    "goodput_of",
    "judge",
    "parse_gate",
    "parse_slo",
    "parse_slos",
    "smoothness_of",
    "statistics_of",
]
