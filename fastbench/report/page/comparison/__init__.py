"""The page of a comparison: `comparison_page(comparison)` → one HTML file without scripts for its charts."""

from fastbench.report.page.comparison.page import comparison_page

__all__ = ["comparison_page"]
