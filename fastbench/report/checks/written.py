"""SLOs and assertions as a person and a machine read them: sentences, tables, csv, JUnit, Markdown."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fastbench.metrics import Metrics, Number
from fastbench.report.answer import Answer
from fastbench.report.cells import escaped as without_marks
from fastbench.report.cells import plain, printable
from fastbench.report.checks.rows import ASSERTION_COLUMNS, LONGEST, SLO_COLUMNS, assertion_rows, slo_rows
from fastbench.report.page.head import markdown as first_screen
from fastbench.report.statements import answered, first_broken, found_of, good, measurement, service_statement

_NO_XML = "[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"  # compiled when first used


class Checked(NamedTuple):
    """A task and its report; metrics: None of one that came to nothing that could be reported, `fault` says why."""

    task: str
    metrics: Metrics | None
    markdown: str = ""
    fault: str = ""


def checked(task: str, metrics: Metrics, said: Answer) -> Checked:
    """A task with its report. said: what the report says."""
    return Checked(task, metrics, first_screen(said, ""))


def goodput_csv(metrics: Metrics) -> bytes:
    """A row for each SLO, and one for each reason that requests broke first."""
    rows: list[Sequence[object]] = [
        (
            *("SLO", "Stage", "Answer", "Requests", "Good", "Share", "Low", "High", "Design Effect"),
            *("Requests per Second", "Output Tokens per Second", "Broke First", "Count"),
        )
    ]
    for one in metrics.slos:
        low, high = one.interval or (None, None)
        figures = (one.share, low, high, one.design_effect, one.request_rate, one.token_rate)
        rows.append((one.slo, metrics.stage, one.word, one.requests, one.good, *map(_cell, figures), "", ""))
        empty = [""] * 9
        rows += ((one.slo, metrics.stage, *empty, reason, count) for reason, count in one.broken.items())
    return _csv(rows)


def intervals_csv(metrics: Metrics) -> bytes:
    """A row for each statistic of what is measured in a unit, with its 95 % interval; without one where the run is too
    short to tell."""
    rows: list[Sequence[object]] = [
        ("Metric", "Stage", "Statistic", "Unit", "Value", "Low", "High", "Blocks"),
    ]
    for row in (*metrics.parameters, *metrics.further):
        for name, value in row.values.items():
            if row.unit and name not in ("Min", "Max"):
                low, high = row.intervals.get(name, (None, None))
                rows.append((row.name, metrics.stage, name, row.unit, *map(_cell, (value, low, high)), row.blocks))
    return _csv(rows)


def _cell(value: Number) -> object:
    return "" if value is None else plain(value)


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


Case = tuple[str, str, str]
"""What is checked; failure, error, or "" where it holds; why."""


def junit(tasks: Sequence[Checked]) -> bytes:
    """JUnit XML: a suite for each task, a case for each SLO and assertion. Not met is a failure; what cannot be told,
    and a task without a report, is an error."""
    return junit_of([(task.task, list(_cases(task))) for task in tasks])


def junit_of(suites: Sequence[tuple[str, Sequence[Case]]]) -> bytes:
    """JUnit XML of suites by name."""
    # Imported late: hardly any report wants it.
    from xml.etree import ElementTree

    root = ElementTree.Element("testsuites", name="fastbench")
    totals = [0, 0, 0]
    for suite_name, cases in suites:
        words = [word for _, word, _ in cases]
        counts = (len(cases), words.count("failure"), words.count("error"))
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        name = _xml(suite_name)
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **_counted(counts)})
        for what, word, why in cases:
            case = ElementTree.SubElement(suite, "testcase", classname=name, name=_xml(what))
            if word:
                ElementTree.SubElement(case, word, message=_xml(why)).text = _xml(why)
    root.attrib.update(_counted(totals))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, "unicode")}\n'.encode()


def _counted(counts: Sequence[int]) -> dict[str, str]:
    return dict(zip(("tests", "failures", "errors"), map(str, counts), strict=True))


def _xml(text: str) -> str:
    return printable(re.sub(_NO_XML, " ", text), LONGEST)


def _cases(task: Checked) -> Iterator[Case]:
    if task.metrics is None:
        yield "the run", "error", task.fault or "there is no report"
        return
    for slo in task.metrics.slos:
        yield slo.slo, _failing(slo.met), f"{answered(slo)}; {good(slo)}; first to break: {first_broken(slo) or 'none'}"
    for one in task.metrics.assertions:
        yield one.text, _failing(one.met), f"{answered(one)}; found {found_of(one)}"


def _failing(met: bool | None) -> str:
    return "error" if met is None else "" if met else "failure"


def markdown(tasks: Sequence[Checked]) -> str:
    """The verdicts, the numbers one looks for first, SLOs and assertions of each task."""
    return "\n".join("\n".join(_markdown(task)) for task in tasks) + "\n"


def _markdown(task: Checked) -> Iterator[str]:
    yield f"## {escaped(task.task)}"
    yield ""
    if task.metrics is None:
        yield escaped(task.fault or "There is no report.")
        return
    metrics = task.metrics
    yield task.markdown or "\n".join(
        f"- {escaped(line)}" for line in (*measurement(metrics), service_statement(metrics))
    )
    if metrics.slos:
        yield from table_lines(SLO_COLUMNS, slo_rows(metrics))
    if metrics.assertions:
        yield from table_lines(ASSERTION_COLUMNS, assertion_rows(metrics))


def table_lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown."""
    yield ""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    yield from (f"| {' | '.join(map(escaped, row))} |" for row in rows)
    yield ""


def escaped(text: str) -> str:
    """On one line, without what Markdown would take for its own."""
    return without_marks(text, LONGEST)
