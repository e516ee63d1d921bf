"""The numbers of each class of requests: tables on the screen, csv, json, and a few words for summaries. In tables the
rows of one number stand together."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from fastbench.metrics import E2EL, TTFT, ClassNumbers, Common, Computed, Metrics, Number, Parameter, Table, parameter
from fastbench.metrics import OfClass as Behind
from fastbench.report.cells import cell, printable
from fastbench.report.checks.rows import SLO_COLUMNS, rows_of_slos
from fastbench.report.files import to_json
from fastbench.units import quantity, share

LONGEST = 64
"""Characters of a class's name."""
CLASS = "Class"
MOST = 3
"""Classes that have a line each in a summary; of more the worst alone has one."""
_SHORT = 24
"""Characters of a class's name there."""
_STATS = ("Median", "P99")


class OfClass(NamedTuple):
    """A row of a table, and the class that it is of."""

    name: str
    row: Parameter


def parameter_rows(classes: Sequence[ClassNumbers], table: Table) -> Iterator[OfClass]:
    """Each row of a table that some class has, of one class after the other."""
    found = [
        (printable(one.name, LONGEST), one.parameters if table is Table.PERFORMANCE else one.further) for one in classes
    ]
    names = dict.fromkeys(row.name for _, rows in found for row in rows)
    for name in names:
        yield from (OfClass(one, row) for one, rows in found for row in rows if row.name == name)


def common_rows(classes: Sequence[ClassNumbers]) -> Iterator[tuple[str, Common]]:
    """The same of the table "Common Metric"."""
    names = dict.fromkeys(row.name for one in classes for row in one.common)
    for name in names:
        yield from ((printable(one.name, LONGEST), row) for one in classes for row in one.common if row.name == name)


def class_slo_columns() -> tuple[str, ...]:
    """The columns of `class_slo_rows`."""
    return (CLASS, *SLO_COLUMNS)


def class_slo_rows(classes: Sequence[ClassNumbers]) -> list[list[str]]:
    """The SLOs, of one class after the other each."""
    found = [(printable(one.name, LONGEST), rows_of_slos(one.slos)) for one in classes]
    count = max((len(rows) for _, rows in found), default=0)
    return [[name, *rows[place]] for place in range(count) for name, rows in found]


def classes_csv(metrics: Metrics) -> bytes:
    """Both tables of parameters as csv, a row for each parameter and class; and the common metrics, as `Value`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Table", "Name", CLASS, "Stage", *metrics.stats, "Value", "N"])
    for table in (Table.PERFORMANCE, Table.FURTHER):
        for name, row in parameter_rows(metrics.classes, table):
            values = (cell(row.values[stat], row.unit) for stat in metrics.stats)
            writer.writerow([table.value, row.name, name, metrics.stage, *values, "", row.n])
    for name, common in common_rows(metrics.classes):
        empty = [""] * len(metrics.stats)
        value = cell(common.value, common.unit)
        writer.writerow(["Common Metric", common.name, name, metrics.stage, *empty, value, ""])
    return text.getvalue().encode()


def classes_json(metrics: Metrics) -> bytes:
    """All numbers of each class."""
    return to_json({"stage": metrics.stage, "classes": metrics.classes})


class ClassGlance(msgspec.Struct, frozen=True):
    """A class. name: without control characters. among: the number of classes where it is told as the worst of them, 1
    where each is told. clauses: what is told of it."""

    name: str
    among: int
    clauses: tuple[str, ...]

    @property
    def title(self) -> str:
        """Ahead of the clauses: `class chat`, `worst of 7 classes: chat`."""
        return f"class {self.name}" if self.among == 1 else f"worst of {self.among} classes: {self.name}"


def class_glances(computed: Computed) -> tuple[ClassGlance, ...]:
    """Of each class, or of the worst: of which the fewest requests keep the first SLO, and without one the slowest."""
    classes = computed.metrics.classes
    if not classes:
        return ()
    rows = [_latency(one) for one in computed.by_class]
    places: Sequence[int] = range(len(classes))
    if len(classes) > MOST:
        places = [max(places, key=lambda place: _badness(classes[place], rows[place]))]
    among = 1 if len(classes) <= MOST else len(classes)
    return tuple(
        ClassGlance(printable(classes[place].name, _SHORT), among, tuple(_clauses(classes[place], rows[place])))
        for place in places
    )


def _latency(one: Behind) -> Parameter:
    """TTFT, or E2EL where there are no streams."""
    return parameter(TTFT if TTFT.fits(one.selection) else E2EL, one.selection, _STATS)


def _badness(one: ClassNumbers, row: Parameter) -> tuple[float, float]:
    """What a class is ranked by, the worst has most."""
    good: Number = one.slos[0].share if one.slos else None
    median = row.values["Median"]
    return 0.0 if good is None else -good, float("inf") if median is None else median


def _clauses(one: ClassNumbers, row: Parameter) -> Iterator[str]:
    yield f"{one.success:,} of {one.requests:,} OK"
    for slo in one.slos:
        if slo.share is not None:
            yield f"{share(slo.share)} good"
    if one.structured is not None:
        yield f"{share(one.structured.share)} of structured output valid"
    if row.n:
        rare = "" if "P99" in row.marked else f", P99 {quantity(row.values['P99'], row.unit)}"
        yield f"{row.name} median {quantity(row.values['Median'], row.unit)}{rare}"
