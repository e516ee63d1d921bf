"""SLOs and assertions as rows of tables: on the screen, on the page, in a job's summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastbench.metrics import GoodRequests, Metrics
from fastbench.report.cells import printable
from fastbench.report.statements import answered, between, first_broken, found_of, good
from fastbench.units import MISSING, quantity, share

SLO_COLUMNS = ("SLO", "Answer", "Good", "95 % Interval", "Goodput", "Of Output", "First to Break")
ASSERTION_COLUMNS = ("Assertion", "Answer", "Found")
LONGEST = 500
"""Characters of a text from outside."""


def promise_lines(metrics: Metrics) -> Iterator[str]:
    """A line for each SLO and each assertion: whether it is kept, or why that cannot be told."""
    for slo in metrics.slos:
        yield f"SLO {slo.word}: {'; '.join(filter(None, (good(slo), slo.slo, slo.why)))}"
    for one in metrics.assertions:
        told = (printable(one.text, LONGEST), f"found {found_of(one)}", one.why)
        yield f"Assertion {one.word}: {'; '.join(filter(None, told))}"


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
