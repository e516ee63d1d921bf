"""SLOs and assertions as rows of tables: on the screen, on the page, in a job's summary."""

from __future__ import annotations

from collections.abc import Sequence

from fastbench.metrics import GoodRequests, Metrics
from fastbench.report.cells import printable
from fastbench.report.statements import answered, between, first_broken, found_of
from fastbench.units import MISSING, quantity, share

SLO_COLUMNS = ("SLO", "Answer", "Good", "95 % Interval", "Goodput", "Of Output", "First to Break")
ASSERTION_COLUMNS = ("Assertion", "Answer", "Found")
LONGEST = 500
"""Characters of a text from outside."""


def slo_rows(metrics: Metrics) -> list[list[str]]:
    """The cells of `SLO_COLUMNS`, an SLO a row."""
    return rows_of_slos(metrics.slos)


def rows_of_slos(slos: Sequence[GoodRequests]) -> list[list[str]]:
    """The same of some SLOs."""
    return [
        [
            one.slo,
            answered(one),
            f"{one.good:,} of {one.requests:,} ({share(one.share)})",
            MISSING if one.interval is None else between(one.interval),
            quantity(one.request_rate, "requests/s"),
            quantity(one.token_rate, "tokens/s"),
            first_broken(one) or MISSING,
        ]
        for one in slos
    ]


def assertion_rows(metrics: Metrics) -> list[list[str]]:
    """The cells of `ASSERTION_COLUMNS`."""
    return [[printable(one.text, LONGEST), answered(one), found_of(one)] for one in metrics.assertions]
