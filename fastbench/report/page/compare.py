"""Several recordings → one page that sets them side by side; the first is what the others are measured against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import zip_longest
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from fastbench.metrics import Computed, Metrics, Number, Parameter, Selection
from fastbench.metrics.samples import InFlight
from fastbench.recording import Recording
from fastbench.report.cells import MISSING, cell, marked
from fastbench.report.console import failure_rows, mark_footnote
from fastbench.report.page.curves import CURVES_NOTE, curves_of
from fastbench.report.page.document import THEME_BUTTON, Figure, document, figure
from fastbench.report.page.over_time import counts_of
from fastbench.report.page.requests import sent_rows
from fastbench.report.page.sections import about_run, table
from fastbench.report.trust_table import trust_rows
from fastbench.units import NS_PER_S

STATS = ("Average", "Median", "P90", "P99")
_SCRIPTS = ("curves.js", "series.js", "compare.js")
_STRETCHES = 300
_MARKS = (attrgetter("marked"), attrgetter("unsure"))


class Compared(NamedTuple):
    """One of the recordings. computed: with the same statistics as the others."""

    name: str
    recording: Recording
    computed: Computed

    @property
    def metrics(self) -> Metrics:
        """Its numbers."""
        return self.computed.metrics


def comparison(runs: Sequence[Compared]) -> bytes:
    """The page. runs: two or more, the first one the base of all differences."""
    data = {"runs": [_data(run) for run in runs]}
    return document("Comparison · fastbench", "".join(_body(runs)), data, _SCRIPTS)


def _data(run: Compared) -> dict[str, Any]:
    whole = Selection(run.recording)
    rows = sent_rows(whole)
    if not rows.size:
        return {"name": run.name, "curves": {}}
    flight = InFlight.of(whole.final)
    first, last = int(flight.starts[0]), int(flight.ends[-1])
    width = -(-(last - first) // _STRETCHES) or 1
    edges = [first + width * step for step in range(_STRETCHES + 1)]
    means = flight.means(np.array(edges))
    return {
        "name": run.name,
        "curves": curves_of(run.computed.selection, run.computed.plugged),
        "rates": counts_of(whole, rows, run.metrics.output.tokens_per_event).packed(),
        "flight": {"x": [(edge - first) / NS_PER_S for edge in edges[:-1]], "y": means.round(4).tolist()},
    }


def _body(runs: Sequence[Compared]) -> Iterator[str]:
    base = runs[0].name
    yield (
        f"<header><div><h1>Comparison of {len(runs)} runs</h1><p class=meta>Differences are against {escape(base)}."
        f"</p></div>{THEME_BUTTON}</header>"
    )
    names = [run.name for run in runs]
    verdicts = ["Verdict", *(run.metrics.verdict.word for run in runs)]
    reasons = ["Reasons", *(" ".join(run.metrics.verdict.sentences) or MISSING for run in runs)]
    stages = ["Stage", *(run.metrics.stage for run in runs)]
    notes = ["Notes", *(" ".join(run.metrics.notes) or MISSING for run in runs)]
    about = ["Asked", *(about_run(run.recording.header) or MISSING for run in runs)]
    rows = [verdicts, reasons, notes, stages, about]
    yield f"<section><h2>Verdicts</h2>{table(('', *names), rows, kind='words')}</section>"
    yield figure(Figure("curves", "Percentiles", CURVES_NOTE, 580))
    yield figure(Figure("rates", "Throughput and requests in flight", "Time since each run's first request.", 520))
    footnote = "".join(f"<p class=note>{escape(text)}</p>" for text in mark_footnote(*(run.metrics for run in runs)))
    yield _section("Performance Parameters", names, _parameter_rows([run.metrics.parameters for run in runs]), footnote)
    if any(run.metrics.further for run in runs):
        yield _section("Further Parameters", names, _parameter_rows([run.metrics.further for run in runs]))
    yield _section("Common Metric", names, _common_rows(runs))
    yield f"<section><h2>Trust</h2>{table(('Trust', *names), _trust(runs), kind='words')}</section>"
    failed = [[run.name, *row] for run in runs for row in failure_rows(run.metrics)]
    if failed:
        head = ("Run", "Failed Requests", "HTTP Status", "Count", "First Message")
        yield f"<section><h2>Failed Requests</h2>{table(head, failed, kind='words')}</section>"


def _section(title: str, names: Sequence[str], rows: Iterator[Sequence[str]], footnote: str = "") -> str:
    return f"<section><h2>{title}</h2>{table((title, *names), rows, kind='numbers')}{footnote}</section>"


def _parameter_rows(of_runs: Sequence[Sequence[Parameter]]) -> Iterator[Sequence[str]]:
    tables = [{row.name: row for row in rows} for rows in of_runs]
    # What only some runs have, such as token times, is shown all the same.
    for name in dict.fromkeys(name for rows in tables for name in rows):
        for stat in STATS:
            values = [rows[name].values[stat] if name in rows else None for rows in tables]
            unit = next(rows[name].unit for rows in tables if name in rows)
            marks = [
                marked("", *(name in rows and stat in names_of(rows[name]) for names_of in _MARKS)) for rows in tables
            ]
            yield [f"{name} {stat}", *compared(values, unit, marks)]
        yield [f"{name} N", *(str(rows[name].n) if name in rows else MISSING for rows in tables)]


def _common_rows(runs: Sequence[Compared]) -> Iterator[Sequence[str]]:
    tables = [{row.name: row for row in run.metrics.common} for run in runs]
    for name in dict.fromkeys(name for rows in tables for name in rows):
        unit = next(rows[name].unit for rows in tables if name in rows)
        yield [name, *compared([rows[name].value if name in rows else None for rows in tables], unit)]


def compared(values: Sequence[Number], unit: str, marks: Sequence[str] = ()) -> list[str]:
    """The cells of one row: each value, and by how many per cent it differs from the first.

    marks: what stands behind each; nothing if empty.
    """
    base = values[0]
    texts = [f"{cell(value, unit)}{mark or ''}" for value, mark in zip_longest(values, marks)]

    def difference(value: Number) -> str:
        if value is None or not base:
            return ""
        # Without a minus before what is nothing.
        return f" ({round((value / base - 1) * 100, 2) + 0.0:+.2f} %)"

    return [texts[0], *(text + difference(value) for text, value in zip(texts[1:], values[1:], strict=True))]


def _trust(runs: Sequence[Compared]) -> Iterator[Sequence[str]]:
    tables = [dict(trust_rows(run.metrics)) for run in runs]
    for name in dict.fromkeys(name for rows in tables for name in rows):
        yield [name, *(rows.get(name, MISSING) for rows in tables)]
