"""Classes of requests in tables, files, the page and exports."""

import csv
import json
from pathlib import Path

import pytest
from recordings import header_of, record
from test_metrics_classes import REQUESTS, request

from fastbench.api import export
from fastbench.api.judging import Asking, judged
from fastbench.recording import Recording
from fastbench.report import Finished, Published, answer_of, publish, summarize
from fastbench.report import plain as text
from fastbench.report.page.head import markdown


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


def test_a_summary_has_a_line_of_each_class(tmp_path: Path) -> None:
    """On the screen and in Markdown, in which a name is not taken for marks: outcomes, SLOs, the first token."""
    record(tmp_path / "run", REQUESTS, header=header_of(classes=["chat", "<code>"]))
    run = Recording.open(tmp_path / "run")
    said = answer_of(judged(run, ("Max",), asking=Asking("ttft<200ms")), "m/d")
    screen = text(summarize([Finished(said)], None)).splitlines()
    assert "  class chat  4 of 4 OK · 100 % good · TTFT median 102 ms" in screen
    assert sum("class" in line for line in screen) == 3
    assert "- class \\<code\\>: 3 of 4 OK · 0 % good · TTFT median 501 ms" in markdown(said, "").splitlines()


def test_of_many_classes_the_worst_is_told(tmp_path: Path) -> None:
    """That of which the fewest requests keep the SLO; without one, that with the longest median."""
    requests = [request(k, k % 4 + 1, (300, 100, 200, 900 if k < 16 else 20)[k % 4]) for k in range(40)]
    record(tmp_path / "run", requests, header=header_of(classes=list("abcd")))
    run = Recording.open(tmp_path / "run")
    titles = [
        [one.title for one in answer_of(judged(run, ("Max",), asking=Asking(slo)), "m/d").classes]
        for slo in (None, "ttft<500ms")
    ]
    assert titles == [["worst of 4 classes: a"], ["worst of 4 classes: d"]]


def test_a_histogram_log_has_lines_of_each_class(tmp_path: Path) -> None:
    """Beside those of all, tagged by the class without what ends a tag, in the order of time, which is that of all."""
    record(tmp_path / "run", REQUESTS, header=header_of(classes=["chat", "a, b"]))
    path = export(Recording.open(tmp_path / "run"), tmp_path / "a.hlog")
    found = [line.split(",")[:2] for line in path.read_text().splitlines() if line.startswith("Tag=TTFT")]
    assert found == [
        ["Tag=TTFT", "0.000"],
        ["Tag=TTFT:chat", "0.000"],
        ["Tag=TTFT:no_class", "0.000"],
        ["Tag=TTFT", "1.000"],
        ["Tag=TTFT:a__b", "1.000"],
    ]
