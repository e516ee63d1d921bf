"""A line on standard error for requests that failed: the tables may scroll by unread."""

from collections import Counter

import numpy as np

from fastbench.metrics import Failure, Metrics, Rows
from fastbench.recording import OUTCOMES

KINDS = 3
"""So many kinds of failure are named, the rest as one number."""
_NO_FAILURE = frozenset({"ok", "cancelled", "dropped"})
"""How a request ends that the service had no part in."""

Failed = Counter[tuple[str, int]]
"""Requests by outcome and HTTP status; 0 where the status is not why they failed."""


def failed_of(metrics: Metrics) -> Failed:
    """Those of a report; requests without an outcome are the verdict's to tell."""
    found: Failed = Counter()
    for failure in metrics.failures:
        if is_failed(failure):
            found[_kind(failure.outcome, failure.status)] += failure.count
    return found


def is_failed(failure: Failure) -> bool:
    """Whether it is the service's, and one that the verdict does not tell."""
    return failure.outcome == "others" or (failure.outcome in OUTCOMES and failure.outcome not in _NO_FAILURE)


def failed_in(rows: Rows) -> Failed:
    """Those among the final rows of a recording."""
    kinds, counts = np.unique(rows[["outcome", "status"]], return_counts=True)
    found: Failed = Counter()
    for (code, status), count in zip(kinds.tolist(), counts.tolist(), strict=True):
        if OUTCOMES[code] not in _NO_FAILURE:
            found[_kind(OUTCOMES[code], status)] += count
    return found


def _kind(outcome: str, status: int) -> tuple[str, int]:
    return outcome, status if outcome == "http_error" else 0


def failed_line(failed: Failed, total: int) -> str | None:
    """The line, such as "56 of 60 requests failed: 50 http_error 503, 6 timeout"; None where none failed."""
    if not failed:
        return None
    ranked = sorted(failed.items(), key=lambda found: (-found[1], found[0]))
    told = [f"{count} {outcome}{f' {status}' if status else ''}" for (outcome, status), count in ranked[:KINDS]]
    rest = sum(count for _, count in ranked[KINDS:])
    kinds = ", ".join([*told, *([f"{rest} others"] if rest else [])])
    return f"{failed.total()} of {total} requests failed: {kinds}"
