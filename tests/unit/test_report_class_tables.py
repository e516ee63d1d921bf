"""Classes of requests in tables, files, the page and exports."""

import csv
import json
from pathlib import Path

import pytest
from recordings import header_of, record
from test_metrics_classes import REQUESTS

from fastbench.api import export
from fastbench.recording import Recording
from fastbench.report import Published, publish


@pytest.fixture
def published(tmp_path: Path) -> Published:
    record(tmp_path / "a_recording", REQUESTS, header=header_of(classes=["chat", "<code>"]))
    return publish(Recording.open(tmp_path / "a_recording"), tmp_path, "a", ("Median", "P99"))


def test_tables_by_class_on_the_screen(published: Published) -> None:
    """Each table stands once more, with a row for each number and class, the classes of a number together."""
    lines = [line for line in published.text.splitlines() if line.startswith(("│ TTFT ", "| TTFT "))]
    assert [line.split()[3] for line in lines[1:4]] == ["chat", "<code>", "no"]
    assert published.text.count("Common Metric") == 2


def test_files_by_class(published: Published, tmp_path: Path) -> None:
    """csv has a row for each table, number and class, json all numbers of each class."""
    assert {tmp_path / "a_classes.csv", tmp_path / "a_classes.json"} <= set(published.paths)
    rows = list(csv.DictReader((tmp_path / "a_classes.csv").open()))
    ttft = [(row["Class"], row["Median"], row["N"]) for row in rows if row["Name"] == "TTFT"]
    assert ttft == [("chat", "101.5000 ms", "4"), ("<code>", "501.0000 ms", "3"), ("no class", "50.0000 ms", "1")]
    total = [row["Value"] for row in rows if row["Name"] == "Total Requests"]
    assert total == ["4", "4", "1"]
    told = json.loads((tmp_path / "a_classes.json").read_text())
    assert [one["name"] for one in told["classes"]] == ["chat", "<code>", "no class"]


def test_the_page_has_a_section_of_classes(published: Published, tmp_path: Path) -> None:
    """With their names, escaped."""
    page = (tmp_path / "a_plot.html").read_text()
    assert "<section id=classes>" in page
    assert "<td>&lt;code&gt;</td>" in page


def test_an_export_names_the_class(published: Published, tmp_path: Path) -> None:
    """The requests' columns have it, and nothing for those without one; other recordings have no such column."""
    export(Recording.open(tmp_path / "a_recording"), tmp_path / "a.csv")
    found = {row["request"]: row["class"] for row in csv.DictReader((tmp_path / "a.csv").open())}
    assert [found[at] for at in ("0", "4", "8")] == ["chat", "<code>", ""]
    record(tmp_path / "b_recording", REQUESTS)
    export(Recording.open(tmp_path / "b_recording"), tmp_path / "b.csv")
    assert "class" not in next(csv.reader((tmp_path / "b.csv").open()))
