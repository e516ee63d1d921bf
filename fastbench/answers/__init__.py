"""Questions that people bring, answered from recordings: pure functions, which send nothing and print nothing.

    slo = parse_slo("ttft<500ms, tpot<50ms@95%")
    goodput_of(Selection(recording), slo)      # share of good requests with its interval, goodput, what broke first
    judge(gates, compute(recording, statistics_of(gates)))

slo, goodput ── SLOs and the requests that keep them; gates ── `--assert`; smoothness ── stalls, the reader's deadline
statistics ── blocks of time, intervals, evidence that may be looked at at any time; capacity ── the search for the
greatest load within the SLOs, which is told what was seen and says what to measure next
"""

from fastbench.answers.gates import Gate, Judged, Result, exit_code, judge, parse_gate, statistics_of
from fastbench.answers.goodput import Broken, Goodput, good_mask, goodput_of
from fastbench.answers.judging import CLEAR_BIT, Criterion, Judge, criteria_of
from fastbench.answers.slo import Clause, Slo, parse_slo, parse_slos
from fastbench.answers.smoothness import Smoothness, smoothness_of

__all__ = [
    "CLEAR_BIT",
    "Broken",
    "Clause",
    "Criterion",
    "Gate",
    "Goodput",
    "Judge",
    "Judged",
    "Result",
    "Slo",
    "Smoothness",
    "criteria_of",
    "exit_code",
    "good_mask",
    "goodput_of",
    "judge",
    "parse_gate",
    "parse_slo",
    "parse_slos",
    "smoothness_of",
    "statistics_of",
]
