"""What packages' metrics may give, and what a fault of theirs costs: their own row."""

from pathlib import Path

import pytest
from plugged_metrics import installed
from recordings import MS, Request, record

from fastbench.metrics import compute
from fastbench.recording import Recording
from fastbench.report import export, publish

STATS = ("Average", "Median", "Max")
# By name: further arguments of the metric, and what is said of it.
FAULTS = {
    "Writes": ("values=writes", "is read-only"),
    "WritesTwo": ("samples=lambda s: s.ok_mask.fill(False)", "is read-only"),
    "Plain": ('values=lambda r: r["end_ns"]', "its `values` gives ndarray, not Values"),
    "Nothing": ("values=lambda r: None", "its `values` gives NoneType, not Values"),
    "NoKnown": ('values=lambda r: Values(r["end_ns"], None)', "and () known for 3 requests, not one each"),
    "Floats": ("values=lambda r: Values(np.ones(r.size), np.ones(r.size))", "gives known of float64, not of bool"),
    "Texts": ('values=lambda r: Values.all(np.full(r.size, "x"))', "gives values of <U1, not of int64 or float64"),
    "Complex": ("values=lambda r: Values.all(np.full(r.size, 1j))", "gives values of complex128, not of int64"),
    "Nan": ("values=lambda r: Values.all(np.full(r.size, np.nan))", "gives a value that is nan or infinite"),
    "Bare": ("samples=lambda s: np.ones(3)", "its `samples` gives ndarray, not ArraySamples"),
    "NanSamples": ("samples=lambda s: ArraySamples(np.array([1, np.nan]))", "its `samples` gives a value that is no"),
    "TextSamples": ('samples=lambda s: ArraySamples(np.array(["a"]))', "TypeError: must be real number, not str"),
    "Each": (
        "samples=ones, each=lambda s: Values.all(np.ones(7))",
        "its `each` gives (7,) values and (7,) known for 3",
    ),
    "Requests": ('samples=ones, requests=lambda s: "3"', "its `requests` gives '3', not a whole number"),
    "Bounds": ("values=status, bounds=lambda s, n: 3", "its `bounds` gives int, not a dict"),
    "Scale": ("values=status, scale=0", "its scale is 0, not a number above 0"),
    "Headlines": ('values=status, headlines=("Mode",)', "its headlines are ('Mode',), not a tuple of statistics"),
    "Leaves": ("values=lambda r: sys.exit(3)", "SystemExit: 3"),
    "Lines": ("values=lines", "ValueError: two lines"),
    "Timed": ('unit="ms", samples=ones, timed=lambda s: [3], in_intervals=True', None),
}
SOURCE = """
import sys

import numpy as np

from fastbench.metrics import ArraySamples, Metric, Values

def writes(rows):
    took = rows["end_ns"]
    took -= rows["sent_ns"]
    return Values.all(took)

def lines(rows):
    raise ValueError("two\\n  lines")

def status(rows):
    return Values.all(rows["status"])

def ones(selection):
    return ArraySamples(np.ones(3))

def metric(name, unit="", **more):
    return Metric(name, unit, "", "", **more)

"""


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording.open(record(tmp_path / "r", [Request(k, connect_ns=(k + 1) * MS) for k in range(3)]))


def test_a_fault_costs_its_own_row(recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a package's metric writes, raises or gives, all other numbers and the verdict are as without it, and a
    note on one line says what is wrong, of which package."""
    plain = compute(recording, STATS)
    source = SOURCE + "\n".join(f"{name} = metric({name!r}, {more})" for name, (more, _) in FAULTS.items())
    with installed(tmp_path / "site", source, {name: name for name in FAULTS}, monkeypatch):
        found = compute(recording, STATS)
        publish(recording, tmp_path, "x", STATS)
    rows = {row.name: row for row in found.further}
    assert [row for name, row in rows.items() if name not in FAULTS] == list(plain.further)
    assert rows.keys() & FAULTS.keys() == {"Timed"}
    assert (found.parameters, found.common, found.verdict) == (plain.parameters, plain.common, plain.verdict)
    notes = [note for note in found.notes if note not in plain.notes]
    said = {name: words for name, (_, words) in FAULTS.items() if words is not None}
    assert len(notes) == len(said)
    for name, words in said.items():
        (note,) = [note for note in notes if f" {name} of" in note]
        assert note.startswith(f"A row is left out: the metric {name} of the package plugged-metrics cannot be ")
        assert words in note
        assert "\n" not in note


def test_a_fault_costs_its_own_lines_of_a_histogram_log(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A histogram log has all metrics but the one that gives no pairs, which the log names."""
    pytest.importorskip("hdrh.histogram")
    source = SOURCE + f"Timed = metric('Timed', {FAULTS['Timed'][0]})"
    export(recording, tmp_path / "plain.hlog", "hlog", tokens=True)
    with installed(tmp_path / "site", source, {"Timed": "Timed"}, monkeypatch):
        export(recording, tmp_path / "x.hlog", "hlog", tokens=True)
    assert (tmp_path / "x.hlog").read_bytes() == (tmp_path / "plain.hlog").read_bytes()
    assert "its `timed` gives int, not pairs of moments and samples" in caplog.text
