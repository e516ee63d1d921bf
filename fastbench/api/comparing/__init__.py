"""`fastbench.compare`, `compare_live`, and what the command shows and writes of a comparison.

sides ── the call for recordings; sources ── recordings, runs, work dirs → sides; written ── files of a comparison
services ── the call for two services; live ── its pairs of slices; slices ── how they are sent; measured ── what they
have shown
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.answers.comparison import Comparison
    from fastbench.api.comparing.live import LiveComparing
    from fastbench.api.comparing.services import compare_live, prepare_compare
    from fastbench.api.comparing.sides import compare
    from fastbench.api.comparing.written import comparison_lines, write_comparison, write_comparison_page
else:
    __getattr__ = lazy(
        __name__,
        {
            "live": ("LiveComparing",),
            "services": ("compare_live", "prepare_compare"),
            "sides": ("compare",),
            "written": ("Comparison", "comparison_lines", "write_comparison", "write_comparison_page"),
        },
    )

__all__ = [
    "Comparison",
    "LiveComparing",
    "compare",
    "compare_live",
    "comparison_lines",
    "prepare_compare",
    "write_comparison",
    "write_comparison_page",
]
