"""The answer at the end of a terminal: one run or several (summary, tasks), in words, styles and widths (lines)."""
