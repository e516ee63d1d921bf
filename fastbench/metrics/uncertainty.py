"""When the bounds of a statistic are too wide."""

from __future__ import annotations

from fastbench.metrics.model import Parameter

JUDGED = ("Average", "Median", "P90")
"""Of a latency these decide on the verdict; others are marked where they are too uncertain."""
JUDGED_SHARE = 0.01
RARE_SHARE = 0.05
LEAST_MS = 0.05
"""Less uncertainty than this never counts."""


def unsure(row: Parameter) -> tuple[str, ...]:
    """The statistics of a latency that may be off by more than they may."""
    # A bound at the limit is not beyond it, however floats differ in their last bits.
    return tuple(name for name in row.bounds if off_ms(row, name) > _allowed_ms(row, name) * (1 + 1e-9))


def off_ms(row: Parameter, name: str) -> float:
    """By how much a statistic may be off at most."""
    value = row.values[name] or 0.0
    low, high = row.bounds.get(name, (value, value))
    return max(value - low, high - value)


def _allowed_ms(row: Parameter, name: str) -> float:
    share = JUDGED_SHARE if name in JUDGED else RARE_SHARE
    return max(share * (row.values[name] or 0), LEAST_MS)
