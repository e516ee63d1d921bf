"""Fidelity of the load: was what was asked for sent, at the times and in the number that were planned?

load ── sent against planned; sends, pacing ── how late each send was, rates over time;
arrival_fit ── the test of the law
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.metrics.fidelity.load import OFF_SHARE, SHORT_NS, Kind, Moments, kinds, smoothed, starts_of
else:
    __getattr__ = lazy(
        __name__,
        {
            "load": (
                "Kind",
                "Moments",
                "OFF_SHARE",
                "SHORT_NS",
                "kinds",
                "smoothed",
                "starts_of",
            ),
        },
    )

__all__ = [
    "OFF_SHARE",
    "SHORT_NS",
    "Kind",
    "Moments",
    "kinds",
    "smoothed",
    "starts_of",
]
