"""Limits of the two verdicts by which a run is judged while it goes on, too."""

LATENESS_MS, LATENESS_SHARE = 1.0, 0.01
"""The P99 of send lateness may be so high, or so large a share of the median TTFT where that is more."""
LEAST_ANSWERED = 0.95
"""Of what was sent. A service that answers more is not overloaded."""
FEW_FAILED = 0.05
"""Of the requests that ended. Where more failed, they are what a run is about."""


def lateness_limit_ms(median_ttft_ms: float | None) -> float:
    """How late requests may be sent. median_ttft_ms: None or 0 = without streams."""
    return max(LATENESS_MS, LATENESS_SHARE * (median_ttft_ms or 0))
