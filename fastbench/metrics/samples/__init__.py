"""The samples of a recording: which requests count, in which window, and what each took.

Selection, Rows, Window (selection, window) ── the requests that a report is about; latencies, gaps, bounds ── what each
took, and how sure that is; statistics ── percentiles and how many samples they need; timeline ── over time
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.metrics.samples.gaps import GapSamples, count_groups
    from fastbench.metrics.samples.latencies import has_tpot
    from fastbench.metrics.samples.selection import (
        OK,
        Mask,
        Rows,
        Selection,
        Window,
        is_streamed,
        output_tokens,
        section,
    )
    from fastbench.metrics.samples.statistics import (
        CONFIDENCE,
        ArraySamples,
        Histogram,
        Samples,
        histogram,
        percent_of,
        percentile,
        samples_needed,
        statistic,
        too_few,
    )
    from fastbench.metrics.samples.timeline import NO_TIMES, InFlight, TokenTimes, arrivals, token_times
    from fastbench.metrics.samples.window import STABLE, TOTAL, find_window, shown_window
else:
    __getattr__ = lazy(
        __name__,
        {
            "gaps": ("GapSamples", "count_groups"),
            "latencies": ("has_tpot",),
            "selection": ("OK", "Mask", "Rows", "Selection", "Window", "is_streamed", "output_tokens", "section"),
            "statistics": (
                "CONFIDENCE",
                "ArraySamples",
                "Histogram",
                "Samples",
                "histogram",
                "percent_of",
                "percentile",
                "samples_needed",
                "statistic",
                "too_few",
            ),
            "timeline": ("NO_TIMES", "InFlight", "TokenTimes", "arrivals", "token_times"),
            "window": ("STABLE", "TOTAL", "find_window", "shown_window"),
        },
    )

__all__ = [
    "CONFIDENCE",
    "NO_TIMES",
    "OK",
    "STABLE",
    "TOTAL",
    "ArraySamples",
    "GapSamples",
    "Histogram",
    "InFlight",
    "Mask",
    "Rows",
    "Samples",
    "Selection",
    "TokenTimes",
    "Window",
    "arrivals",
    "count_groups",
    "find_window",
    "has_tpot",
    "histogram",
    "is_streamed",
    "output_tokens",
    "percent_of",
    "percentile",
    "samples_needed",
    "section",
    "shown_window",
    "statistic",
    "token_times",
    "too_few",
]
