"""Trust in the numbers: VALID or INVALID, with the reasons.

client, effect ── what the client itself added, and what that changes; output ── token counts; notes; verdict
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.metrics.trust.client import lag
else:
    __getattr__ = lazy(
        __name__,
        {
            "client": ("lag",),
        },
    )

__all__ = [
    "lag",
]
