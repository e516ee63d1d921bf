"""Trust in the numbers: VALID or INVALID, with the reasons.

client, effect ── what the client itself added, and what that changes; output ── token counts; notes; verdict;
limits ── how near the verdict's figures came to their limits
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.metrics.trust.client import lag
    from fastbench.metrics.trust.limits import Check, checks, reach_ms
else:
    __getattr__ = lazy(
        __name__,
        {
            "limits": ("Check", "checks", "reach_ms"),
            "client": ("lag",),
        },
    )

__all__ = [
    "Check",
    "checks",
    "lag",
    "reach_ms",
]
