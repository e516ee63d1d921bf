"""fastbench's own metrics, and those that packages bring."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugged_metrics import installed
from recordings import MS, Request, record

from fastbench.errors import ConfigError
from fastbench.metrics import Metric, Metrics, Table, Values, compute
from fastbench.metrics.common import COMMON_METRICS
from fastbench.metrics.own import OWN_METRICS
from fastbench.metrics.plugged import all_plugged, plugged
from fastbench.recording import Recording
from fastbench.registry import METRICS
from fastbench.report import export, publish

ROOT = Path(__file__).parents[2]
STATS = ("Average", "Median", "Max")
REQUESTS = [Request(k, connect_ns=(k + 1) * MS) for k in range(9)] + [
    Request(9),
    Request(10, connect_ns=MS, outcome="reset"),
]
SOURCE = """
from fastbench.metrics import Metric, Table, Values

def connect(rows):
    return Values(rows["connect_ns"], rows["connect_ns"] > 0)

good = Metric("ConnectTime", "ms", "time that a new connection took", "connect_ns", values=connect, scale=1e6,
              column="connect_ms", in_intervals=True, headlines=("Median",), has_curve=True)
greedy = Metric("Greedy", "", "wants AISBench's table", "attempt", table=Table.PERFORMANCE,
                values=lambda rows: Values.all(rows["attempt"]))
raising = Metric("Raising", "", "raises", "?", values=lambda rows: rows["no such field"], column="raising")
short = Metric("Short", "", "has too few values", "?", values=lambda rows: Values.all(rows["status"][1:]))
taken = Metric("Taken", "", "has another's column", "status", values=lambda rows: Values.all(rows["status"]),
               column="status")
"""


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Nine successful requests that opened a connection, one that did not, and one that failed."""
    return Recording.open(record(tmp_path / "r", REQUESTS))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package with a metric that is as it should be."""
    with installed(tmp_path / "site", SOURCE, {"ConnectTime": "good"}, monkeypatch):
        yield


def rows_of(metrics: Metrics) -> dict[str, list[str]]:
    """The names of the rows of the three tables."""
    return {
        "parameters": [row.name for row in metrics.parameters],
        "common": [row.name for row in metrics.common],
        "further": [row.name for row in metrics.further],
    }


def test_the_registry_has_the_own_ones_in_their_order() -> None:
    """Each of fastbench's metrics is in the registry under its own name, in the order of the tables' rows."""
    assert METRICS.names()[: len(OWN_METRICS)] == tuple(metric.name for metric in OWN_METRICS)
    assert all(METRICS.get(metric.name) is metric for metric in OWN_METRICS)


def test_no_two_have_a_name_or_a_column_in_common() -> None:
    """Names and columns of exports are each of one metric."""
    columns = [metric.column for metric in OWN_METRICS if metric.column]
    assert len({metric.name for metric in OWN_METRICS}) == len(OWN_METRICS)
    assert len(set(columns)) == len(columns)


@pytest.mark.parametrize("metric", OWN_METRICS, ids=lambda metric: metric.name)
def test_the_definition_has_every_metric_with_its_formula(metric: Metric) -> None:
    """A line of `docs/metrics.md` names each metric and its formula as the registry has it."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").replace("\N{MINUS SIGN}", "-")
    assert any(metric.name.lower() in line.lower() and metric.formula in line for line in text.splitlines())


def test_a_packages_metric_is_in_every_report(recording: Recording, package: None, tmp_path: Path) -> None:
    """A metric that an installed package brings stands in the further table of console, json and page, there also
    among the headlines and the curves, and in AISBench's tables nothing changes."""
    published = publish(recording, tmp_path, "x", STATS)
    assert re.search(r"ConnectTime\W+total\W+5.0000 ms\W+5.0000 ms\W+9.0000 ms\W+9\b", published.text)
    (row,) = (
        row for row in json.loads((tmp_path / "x_trust.json").read_text())["further"] if row["name"] == "ConnectTime"
    )
    assert (row["unit"], row["n"], row["values"]) == ("ms", 9, {"Average": 5.0, "Median": 5.0, "Max": 9.0})
    page = (tmp_path / "x_plot.html").read_text()
    assert re.search(r">ConnectTime</a></abbr> </span><b>5.00 <i>ms median</i></b>", page)
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert json.loads(data)["runs"][0]["curves"]["ConnectTime"]["samples"] == 9
    table = [line.split(",")[0] for line in (tmp_path / "x.csv").read_text().splitlines()]
    assert table == [
        "Performance Parameters",
        *(metric.name for metric in OWN_METRICS if metric.table is Table.PERFORMANCE),
    ]
    assert len(json.loads((tmp_path / "x.json").read_text())) == len(COMMON_METRICS) - 2  # two are of windows alone


def test_a_packages_metric_is_in_every_export(recording: Recording, package: None, tmp_path: Path) -> None:
    """It has a column with its values where it is known, and lines of its own in a histogram log."""
    export(recording, tmp_path / "x.csv", "csv", tokens=False)
    with (tmp_path / "x.csv").open(newline="") as file:
        assert [row["connect_ms"] for row in csv.DictReader(file)] == [*(f"{k}.0" for k in range(1, 10)), "", ""]
    export(recording, tmp_path / "x.hlog", "hlog", tokens=False)
    text = (tmp_path / "x.hlog").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("Tag=ConnectTime,"))
    assert float(line.split(",")[3]) == pytest.approx(9, rel=1e-3)


def test_without_packages_there_are_the_own_ones(recording: Recording) -> None:
    """No row of a report is of another metric than fastbench's own where no package brings one."""
    assert all_plugged() == ((), ())
    assert set(rows_of(compute(recording, STATS))["further"]) <= {metric.name for metric in OWN_METRICS}


@pytest.mark.parametrize(
    ("name", "thing", "words"),
    [
        (
            "Raising",
            "raising",
            r"the metric Raising of the package plugged-metrics cannot be computed \(ValueError: no field of name",
        ),
        (
            "Short",
            "short",
            r"the metric Short .* cannot be computed \(its `values` gives \(9,\) values and \(9,\) known for 10",
        ),
        ("TTFT", "good", "the metric TTFT of the package plugged-metrics has the name of one of fastbench's own"),
        ("Missing", "missing", "the metric Missing of the package plugged-metrics cannot be loaded"),
        (
            "Renamed",
            "good",
            "the metric Renamed of the package plugged-metrics is named ConnectTime; give it and its entry",
        ),
    ],
)
def test_a_package_cannot_spoil_a_report(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, thing: str, words: str
) -> None:
    """Where a package's metric cannot be had or computed, the report has all other rows and a note with the reason."""
    plain = compute(recording, STATS)
    with installed(tmp_path / "site", SOURCE, {name: thing}, monkeypatch):
        metrics = compute(recording, STATS)
        assert rows_of(metrics) == rows_of(plain)
        (note,) = set(metrics.notes) - set(plain.notes)
        assert re.match(f"A row is left out: {words}", note)
        publish(recording, tmp_path, "x", STATS)


@pytest.mark.parametrize(
    ("name", "thing", "words"),
    [
        ("Raising", "raising", "the metric Raising of the package plugged-metrics cannot be computed"),
        (
            "Taken",
            "taken",
            "the metric Taken of the package plugged-metrics has the column status, which an export has",
        ),
    ],
)
def test_a_column_that_cannot_be_is_left_out(
    recording: Recording,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    thing: str,
    words: str,
) -> None:
    """Where a package's column cannot be written, the export has all others, once each, and the log says why."""
    export(recording, tmp_path / "plain.csv", "csv", tokens=False)
    with installed(tmp_path / "site", SOURCE, {name: thing, "ConnectTime": "good"}, monkeypatch):
        export(recording, tmp_path / "x.csv", "csv", tokens=False)
    plain, found = (next(csv.reader((tmp_path / file).open(newline=""))) for file in ("plain.csv", "x.csv"))
    assert found == [*plain[:-1], "connect_ms", plain[-1]]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"A column is left out: {words}")


def test_the_table_of_aisbench_is_its_own(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package's metric that asks for AISBench's table stands in the further one."""
    with installed(tmp_path / "site", SOURCE, {"Greedy": "greedy"}, monkeypatch):
        assert plugged("Greedy").table is Table.FURTHER
        rows = rows_of(compute(recording, STATS))
        assert "Greedy" in rows["further"]
        assert "Greedy" not in rows["parameters"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "the metric X must have either values or samples"),
        ({"samples": len, "column": "x"}, "the metric X has no values of each request for the column x"),
        ({"samples": len, "in_intervals": True}, "the metric X has samples, and so needs timed to be in intervals"),
        ({"values": Values.all, "has_curve": True}, "the metric X is in no unit: intervals and curves hold ms"),
        ({"values": Values.all, "name": "X Y", "unit": "ms", "in_intervals": True}, "the metric X Y has a blank"),
    ],
)
def test_a_metric_that_contradicts_itself_is_refused(more: dict[str, object], words: str) -> None:
    """What a metric lacks for the places that it asks for is told when it is made."""
    with pytest.raises(ConfigError, match=words):
        Metric(**{"name": "X", "unit": "", "about": "", "formula": "", **more})  # type: ignore[arg-type]
