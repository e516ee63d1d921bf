"""SLOs and assertions as rows of tables: on the screen, on the page, in a job's summary."""

from __future__ import annotations

from fastbench.metrics import Metrics
from fastbench.report.cells import printable
from fastbench.report.statements import answered, between, first_broken, found_of
from fastbench.units import MISSING, quantity, share

SLO_COLUMNS = ("SLO", "Answer", "Good", "95 % Interval", "Goodput", "Of Output", "First to Break")
ASSERTION_COLUMNS = ("Assertion", "Answer", "Found")
LONGEST = 500
"""Characters of a text from outside."""


def slo_rows(metrics: Metrics) -> list[list[str]]:
    """The cells of `SLO_COLUMNS`, an SLO a row."""
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
        for one in metrics.slos
    ]


def assertion_rows(metrics: Metrics) -> list[list[str]]:
    """The cells of `ASSERTION_COLUMNS`."""
    return [[printable(one.text, LONGEST), answered(one), found_of(one)] for one in metrics.assertions]
