"""`fastbench.compare`, `compare_live`, and what the command shows and writes of a comparison; baselines.

sides ── the call for recordings; sources ── recordings, runs, work dirs, baselines → sides; written ── files of a
comparison; saving ── runs → a baseline; baselines ── their files
services ── the call for two services; live ── its pairs of slices; slices ── how they are sent; measured ── what they
have shown
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.answers.comparison import Comparison
    from fastbench.api.comparing.baselines import DIRECTORY, Saved, remove_baseline, saved_baselines
    from fastbench.api.comparing.live import LiveComparing
    from fastbench.api.comparing.saving import save_baseline
    from fastbench.api.comparing.services import compare_live, prepare_compare
    from fastbench.api.comparing.sides import compare
    from fastbench.api.comparing.written import (
        comparison_json,
        comparison_lines,
        write_comparison,
        write_comparison_page,
    )
else:
    __getattr__ = lazy(
        __name__,
        {
            "baselines": ("DIRECTORY", "Saved", "remove_baseline", "saved_baselines"),
            "live": ("LiveComparing",),
            "saving": ("save_baseline",),
            "services": ("compare_live", "prepare_compare"),
            "sides": ("compare",),
            "written": (
                "Comparison",
                "comparison_json",
                "comparison_lines",
                "write_comparison",
                "write_comparison_page",
            ),
        },
    )

__all__ = [
    "DIRECTORY",
    "Comparison",
    "LiveComparing",
    "Saved",
    "compare",
    "compare_live",
    "comparison_json",
    "comparison_lines",
    "prepare_compare",
    "remove_baseline",
    "save_baseline",
    "saved_baselines",
    "write_comparison",
    "write_comparison_page",
]
