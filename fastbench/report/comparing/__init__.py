"""A comparison as a person reads it on the screen (lines), and as files (written)."""

from fastbench.report.comparing.lines import comparison_lines
from fastbench.report.comparing.written import comparison_json, comparison_junit, comparison_markdown

__all__ = ["comparison_json", "comparison_junit", "comparison_lines", "comparison_markdown"]
