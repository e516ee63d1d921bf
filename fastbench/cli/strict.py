"""`--strict`: an exit code for a measured run whose numbers are not to be trusted."""

from collections.abc import Iterable

from fastbench.metrics.model import Metrics

INVALID = 4


def strict_code(code: int, reports: Iterable[Metrics], *, strict: bool) -> int:
    """The exit code; if it is to be strict at least 4 where a verdict is INVALID."""
    return max(code, INVALID) if strict and any(not metrics.verdict.valid for metrics in reports) else code
