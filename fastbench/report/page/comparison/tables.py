"""What differs, and all numbers of all sides beside each other: tables that a narrow screen stacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from fastbench.answers.comparison import Comparison, Distribution, RunSummary
from fastbench.metrics import ITL, Common, Metrics, Number, Parameter
from fastbench.metrics.samples import samples_needed
from fastbench.report.cells import cell, marked, printable, shortened
from fastbench.report.console import MESSAGE_CHARS, failure_rows, mark_footnote
from fastbench.report.page.comparison.words import load, value
from fastbench.report.trust_table import trust_rows
from fastbench.units import MISSING, NS_PER_S, number, quantity, share

MOST_COLUMNS = 8
"""Runs that stand beside each other in one table."""
_UNSET = "not set"
_FEW = "* Too few requests for this percentile at 99 % confidence."


def beside(columns: Sequence[str], rows: Sequence[Sequence[str]], *, kind: str = "numbers") -> str:
    """A table whose cells name their columns where there is no room for these. columns: texts, of all but the first."""
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in ("", *columns))
    body = "".join(f"<tr><th scope=row>{escape(first)}</th>{_cells(columns, rest)}</tr>" for first, *rest in rows)
    return f'<table class="stacked {kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cells(columns: Sequence[str], cells: Sequence[str]) -> str:
    return "".join(
        f'<td data-of="{escape(name)}">{escape(text)}</td>' for name, text in zip(columns, cells, strict=True)
    )


def differing(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """The names of the sides, and the lines of the configs that are not the same in all of them."""
    base = {one.name: one.a for versus in comparison.versus for one in versus.differs}
    own = [{one.name: one.b for one in versus.differs} for versus in comparison.versus]
    # What a side has not among its differences is as in the base.
    rows = [[name, *(_set(lines.get(name, a)) for lines in ({}, *own))] for name, a in base.items()]
    return [side.label for side in comparison.sides], [row for row in rows if len(set(row[1:])) > 1]


def _set(text: str) -> str:
    """Settings that an older version did not know are those that are not set."""
    return _UNSET if text in ("", "null", "[]", "{}") else text


def numbers(comparison: Comparison) -> str:
    """A column for each run, the runs of a side one after the other; of many several tables, one below the other."""
    named = [
        (side.label if len(side.runs) == 1 else f"{side.label} {place}", run)
        for side in comparison.sides
        for place, run in enumerate(side.runs, 1)
    ]
    if len(named) <= MOST_COLUMNS:
        return _numbers(named)
    parts = [named[first : first + MOST_COLUMNS] for first in range(0, len(named), MOST_COLUMNS)]
    return "".join(
        f"<details><summary>{escape(part[0][0])} to {escape(part[-1][0])}</summary>{_numbers(part)}</details>"
        for part in parts
    )


def _numbers(named: Sequence[tuple[str, RunSummary]]) -> str:
    columns, runs = [name for name, _ in named], [run for _, run in named]
    parts = [_titled("Run", columns, list(_about(runs)))]
    reports = [run.metrics for run in runs if run.metrics is not None]
    if len(reports) == len(runs):
        return "".join((*parts, *_of_reports(columns, reports)))
    # A baseline has no report.
    rows = [*_rates(runs), *_latencies(runs)]
    few = f"<p class=note>{_FEW}</p>" if any(" *" in text for row in rows for text in row) else ""
    return "".join((*parts, _titled("Numbers", columns, rows), few))


def _titled(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, kind: str = "numbers") -> str:
    return f"<h3>{escape(title)}</h3>{beside(columns, rows, kind=kind)}"


def _about(runs: Sequence[RunSummary]) -> Iterator[Sequence[str]]:
    yield "Recorded as", *(run.label for run in runs)
    yield "Measurement", *("valid" if run.valid else "INVALID" for run in runs)
    yield "Load", *(load(run) or MISSING for run in runs)
    yield "Duration", *(quantity(run.length_s * NS_PER_S) for run in runs)
    yield "Requests", *(f"{run.requests:,}" for run in runs)
    yield "Succeeded", *(f"{run.ok:,}" for run in runs)
    yield "Input tokens, average", *(number(run.input_tokens) for run in runs)
    yield "Output tokens, average", *(number(run.output_tokens) for run in runs)
    if any(run.cached_share is not None for run in runs):
        yield "Cached share of the input", *(share(run.cached_share) for run in runs)
    if len({run.stage for run in runs}) > 1 or runs[0].stage != "total":
        yield "Stage", *(run.stage for run in runs)


# --------------------------------------------------------------------------------------------------------- of summaries
def _rates(runs: Sequence[RunSummary]) -> Iterator[Sequence[str]]:
    for name in dict.fromkeys(name for run in runs for name in run.ratios):
        found = [run.ratios.get(name) for run in runs]
        yield name, *(MISSING if one is None else value(one.value, one.unit) for one in found)


def _latencies(runs: Sequence[RunSummary]) -> Iterator[Sequence[str]]:
    for name in dict.fromkeys(name for run in runs for name in run.distributions):
        found = [run.distributions.get(name) for run in runs]
        points = dict.fromkeys(point for one in found if one is not None for point in one.points)
        for point in sorted(points, key=_percent):
            yield f"{name} {point}", *(_point(run, one, point) for run, one in zip(runs, found, strict=True))
        yield f"{name} N", *(MISSING if one is None else f"{one.samples:,}" for one in found)


def _percent(point: str) -> float:
    return float(point.removeprefix("P"))


def _point(run: RunSummary, one: Distribution | None, point: str) -> str:
    if one is None or point not in one.points:
        return MISSING
    # Gaps of one stream depend on each other: requests count.
    samples = run.ok if one.name == ITL.name else one.samples
    return marked(value(one.points[point], one.unit), samples < samples_needed(_percent(point)))


# ----------------------------------------------------------------------------------------------------------- of reports
def _of_reports(columns: Sequence[str], reports: Sequence[Metrics]) -> Iterator[str]:
    """The tables of each run's own report."""
    yield _titled("Performance Parameters", columns, list(_parameters([one.parameters for one in reports])))
    yield "".join(f"<p class=note>{escape(text)}</p>" for text in mark_footnote(*reports))
    if any(one.further for one in reports):
        yield _titled("Further Parameters", columns, list(_parameters([one.further for one in reports])))
    yield _titled("Common Metric", columns, list(_common([one.common for one in reports])))
    yield _titled("Trust", columns, list(_trust(reports)), kind="words")
    failed = [[name, *row] for name, one in zip(columns, reports, strict=True) for row in failure_rows(one)]
    if failed:
        heads = ("Failed Requests", "HTTP Status", "Count", "First Message")
        yield f"<h3>Failed Requests</h3>{beside(heads, failed, kind='words')}"
    notes = [
        f"{name}: {shortened(printable(note, MESSAGE_CHARS))}"
        for name, one in zip(columns, reports, strict=True)
        for note in one.notes
    ]
    yield "".join(f"<p class=note>{escape(note)}</p>" for note in notes)


def _parameters(of_runs: Sequence[Sequence[Parameter]]) -> Iterator[Sequence[str]]:
    tables = [{row.name: row for row in rows} for rows in of_runs]
    # What only some runs have, such as token times, is shown all the same.
    for name in dict.fromkeys(name for rows in tables for name in rows):
        rows = [table.get(name) for table in tables]
        for stat in dict.fromkeys(stat for row in rows if row is not None for stat in row.values):
            yield f"{name} {stat}", *(_statistic(row, stat) for row in rows)
        yield f"{name} N", *(MISSING if row is None else f"{row.n:,}" for row in rows)


def _statistic(row: Parameter | None, stat: str) -> str:
    if row is None or stat not in row.values:
        return MISSING
    return marked(quantity(row.values[stat], row.unit), stat in row.marked, stat in row.unsure)


def _common(of_runs: Sequence[Sequence[Common]]) -> Iterator[Sequence[str]]:
    tables = [{row.name: row for row in rows} for rows in of_runs]
    for name in dict.fromkeys(name for rows in tables for name in rows):
        rows = [table.get(name) for table in tables]
        yield name, *(MISSING if row is None else _common_value(row.value, row.unit) for row in rows)


def _common_value(amount: Number, unit: str) -> str:
    return cell(amount, unit) if isinstance(amount, int) and not unit else quantity(amount, unit)


def _trust(reports: Sequence[Metrics]) -> Iterator[Sequence[str]]:
    tables = [dict(trust_rows(one)) for one in reports]
    for name in dict.fromkeys(name for rows in tables for name in rows):
        yield name, *(shortened(rows.get(name, MISSING)) for rows in tables)
