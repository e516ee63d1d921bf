"""`fastbench.compare`, and what the command shows and writes of a comparison.

sides ── the call; sources ── recordings, runs, work dirs → sides; written ── files of a comparison
"""

from fastbench.answers.comparison import Comparison
from fastbench.api.comparing.sides import compare
from fastbench.api.comparing.written import comparison_lines, write_comparison

__all__ = ["Comparison", "compare", "comparison_lines", "write_comparison"]
