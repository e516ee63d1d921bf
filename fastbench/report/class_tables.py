"""The numbers of each class of requests: tables on the screen, csv, json. Rows of one number stand together."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fastbench.metrics import ClassNumbers, Common, Metrics, Parameter, Table
from fastbench.report.cells import cell, printable
from fastbench.report.checks.rows import SLO_COLUMNS, rows_of_slos
from fastbench.report.files import to_json

LONGEST = 64
"""Characters of a class's name."""
CLASS = "Class"


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
