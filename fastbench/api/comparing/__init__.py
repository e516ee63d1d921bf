"""`fastbench.compare`, and what the command shows and writes of a comparison; baselines.

sides ── the call; sources ── recordings, runs, work dirs, baselines → sides; written ── files of a comparison;
saving ── runs → a baseline; baselines ── their files
"""

from fastbench.answers.comparison import Comparison
from fastbench.api.comparing.baselines import DIRECTORY, Saved, remove_baseline, saved_baselines
from fastbench.api.comparing.saving import save_baseline
from fastbench.api.comparing.sides import compare
from fastbench.api.comparing.written import comparison_lines, write_comparison

__all__ = [
    "DIRECTORY",
    "Comparison",
    "Saved",
    "compare",
    "comparison_lines",
    "remove_baseline",
    "save_baseline",
    "saved_baselines",
    "write_comparison",
]
