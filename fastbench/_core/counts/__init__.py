"""Counts of what was recorded: HdrHistogram's layout, token gaps, arrivals over time, gaps moved to their earliest."""

from fastbench._core.counts.hdr import GAP_VALUES, Hdr, count_gaps, move_gaps
from fastbench._core.counts.timeline import count_arrivals

__all__ = ["GAP_VALUES", "Hdr", "count_arrivals", "count_gaps", "move_gaps"]
