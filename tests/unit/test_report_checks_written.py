"""SLOs and assertions as files: csv, JUnit, Markdown."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree

from msgspec.structs import replace
from steady_run import opened

import fastbench as fb
from fastbench.metrics import Assertion, Metrics
from fastbench.report import Checked, junit, markdown
from fastbench.report.checks.written import goodput_csv, intervals_csv
from fastbench.report.console import render

HOSTILE = 'a <b> & "c" | *d* \x00\x1b[31m\ud7ff'


def judged(directory: Path) -> Metrics:
    """One SLO that is met, one that is not, one that cannot be told; a statement of each kind."""
    recording = opened(directory, is_slow=lambda number: number % 20 == 0)
    metrics = fb.compute(recording, slo=["ttft<30ms", "ttft<20ms", "ttft<20ms@95%"])
    statements = [("x<1ms", True, ""), ("y<1ms", False, ""), (HOSTILE, None, "why & <why>")]
    return replace(metrics, assertions=tuple(Assertion(text, 1.5, "ms", met, why) for text, met, why in statements))


def test_junit(tmp_path: Path) -> None:
    """It is XML whatever a name holds: a suite for each task, not met a failure, what cannot be told an error."""
    text = junit([Checked(HOSTILE, judged(tmp_path / "run")), Checked("m/dead", None, fault="refused")])
    root = ElementTree.fromstring(text.decode())
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("7", "2", "3")
    first, second = root.findall("testsuite")
    kinds = [[child.tag for child in case] for case in first.findall("testcase")]
    assert kinds == [[], ["failure"], ["error"], [], ["failure"], ["error"]]
    assert "1,425 of 1,500 good (95.0 %" in first.findall("testcase")[1][0].get("message", "")
    assert second.findall("testcase")[0][0].get("message") == "refused"


def test_markdown(tmp_path: Path) -> None:
    """A table of SLOs and one of assertions, in which no text is taken for Markdown's own."""
    text = markdown([Checked("m/d", judged(tmp_path / "run")), Checked("m/dead", None, fault="refused")])
    assert text.startswith("## m/d\n")
    assert "| ttft\\<20ms for 99 % of requests | not met | 1,425 of 1,500 (95.0 %)" in text
    assert "cannot tell: why & \\<why\\> |" in text
    assert all(line.count("|") - line.count("\\|") in (4, 8) for line in text.splitlines() if line.startswith("|"))
    assert text.endswith("## m/dead\n\nrefused\n")


def test_the_tables_begin_with_what_was_asked_for(tmp_path: Path) -> None:
    """Above the tables stands a line for each SLO and assertion: its answer, what was found, why it cannot be told."""
    head = render(judged(tmp_path / "run"), "m/d").partition("\N{BOX DRAWINGS DOWN SINGLE AND RIGHT DOUBLE}")[0]
    lines = [line.strip() for line in head.splitlines()[3:]]
    assert lines[0].startswith("SLO met: 1,500 of 1,500 good (100 %, 95 % interval 99.7")
    assert lines[0].endswith("; ttft<30ms for 99 % of requests")
    assert lines[1].startswith("SLO not met: 1,425 of 1,500 good (95")
    assert lines[2].startswith("SLO cannot tell: 1,425 of 1,500 good (95")
    assert lines[3:] == [
        "Assertion met: x<1ms; found 1.50 ms",
        "Assertion not met: y<1ms; found 1.50 ms",
        'Assertion cannot tell: a <b> & "c" | *d* [31m; found 1.50 ms; why & <why>',
    ]


def test_goodput_in_csv(tmp_path: Path) -> None:
    """A row for each SLO, and one for each reason that requests broke first."""
    rows = list(csv.DictReader(io.StringIO(goodput_csv(judged(tmp_path / "run")).decode())))
    assert [(row["Answer"], row["Good"], row["Broke First"], row["Count"]) for row in rows] == [
        ("met", "1500", "", ""),
        ("not met", "1425", "", ""),
        ("", "", "ttft<20ms", "75"),
        ("cannot tell", "1425", "", ""),
        ("", "", "ttft<20ms", "75"),
    ]
    assert float(rows[1]["Low"]) < float(rows[1]["Share"]) == 0.95 < float(rows[1]["High"])


def test_intervals_in_csv(tmp_path: Path) -> None:
    """A row for each statistic that can have one, empty where the run is too short to tell."""
    rows = list(csv.DictReader(io.StringIO(intervals_csv(judged(tmp_path / "run")).decode())))
    found = {(row["Metric"], row["Statistic"]): row for row in rows}
    assert (found["ITL", "P90"]["Low"], found["ITL", "P90"]["High"]) == ("5.0", "5.0")
    assert not {"Min", "Max"} & {row["Statistic"] for row in rows}
    assert "InputTokens" not in {row["Metric"] for row in rows}
    short = intervals_csv(fb.compute(opened(tmp_path / "short", count=40))).decode()
    assert "TTFT,total,P99,ms,10.0,,,0" in short
