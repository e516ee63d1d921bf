"""What came of checking replies after a run: from the file of texts to the report."""

import csv
import json
from pathlib import Path

import pytest
from recordings import FOOTER, HEADER, Request, batch_of, record

from fastbench.answers import judge, parse_gate
from fastbench.errors import ConfigError
from fastbench.metrics import StructuredOutput, compute
from fastbench.recording import Recording, RecordingWriter, checked_record
from fastbench.report import export
from fastbench.report.files import trust_json
from fastbench.report.trust_table import trust_rows
from fastbench.run.worker.worker import check_texts
from fastbench.structured import constraints_of

STATS = ("Average",)


def checked(directory: Path, requests: list[Request], *blocks: dict[int, str]) -> Recording:
    """A recording with blocks of what came of checking."""
    writer = RecordingWriter(directory, HEADER)
    writer.append(batch_of(requests))
    writer.flush()
    for faults in blocks:
        writer.checked(checked_record(faults))
    writer.close(FOOTER)
    return Recording.open(directory)


def test_texts_are_checked_by_what_their_requests_ask(tmp_path: Path) -> None:
    """A text counts by its request's own demand, the last attempt alone, no text as an empty one, reasoning not at all;
    a call of a tool and what asks for nothing are left out."""
    texts = tmp_path / "texts.jsonl"
    lines = [
        {"request": 2, "attempt": 0, "text": "a"},
        {"request": 0, "attempt": 0, "text": "b"},
        {"request": 0, "attempt": 1, "text": "a", "reasoning": "b"},
        {"request": 3, "attempt": 0, "text": "", "tool_calls": "{}"},
        {"request": 5, "attempt": 0, "text": "b"},
        {"request": 9, "attempt": 0, "text": "a"},
    ]
    texts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    asked = {request: constraints_of({"regex": "a"}) for request in range(5)} | {
        5: (),
        2: constraints_of({"regex": "c"}),
    }
    attempts = {request: int(request == 0) for request in range(6)}
    wrong = "does not match the regex"
    assert check_texts(texts, attempts, asked.__getitem__) == {0: "", 1: wrong, 2: wrong, 4: wrong}
    assert check_texts(tmp_path / "none.jsonl", {}, asked.__getitem__) == {}


def test_the_share_of_valid_replies(tmp_path: Path) -> None:
    """The row has the share of the checked replies that succeeded, and why the others are not valid."""
    requests = [Request(k, outcome="truncated" if k == 4 else "ok") for k in (3, 0, 1, 2, 4)]
    recording = checked(tmp_path, requests, {3: "", 0: "not JSON", 4: "not JSON"}, {1: "", 7: ""})
    metrics = compute(recording, STATS)
    assert metrics.structured == StructuredOutput(3, 2, {"not JSON": 1})
    assert dict(trust_rows(metrics))["Structured Output Valid"] == "66.6667 % (2 of 3): not JSON 1"
    assert json.loads(trust_json(metrics))["structured_output"] == {
        **{"share": pytest.approx(2 / 3), "checked": 3, "valid": 2, "faults": {"not JSON": 1}},
    }
    (kept, lost) = judge([parse_gate(f"structured_output_valid>={limit}%") for limit in (66, 67)], metrics)
    assert (kept.met, lost.met, kept.value) == (True, False, pytest.approx(200 / 3))


def test_each_request_has_its_own(tmp_path: Path) -> None:
    """Exports have a column of which replies are valid, empty for those that were not checked."""
    recording = checked(tmp_path / "r", [Request(0), Request(1), Request(2)], {0: "", 2: "type at $.age"})
    export(recording, tmp_path / "out.csv", "csv", tokens=False)
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["structured_valid"] for row in rows] == ["1", "", "0"]
    assert [row["structured_fault"] for row in rows] == ["", "", "type at $.age"]


def test_where_nothing_was_checked(tmp_path: Path) -> None:
    """Without a checked reply there is no row, no column and no answer: it is absent, not 0."""
    recording = Recording.open(record(tmp_path / "r", [Request(0)]))
    metrics = compute(recording, STATS)
    assert metrics.structured is None
    assert "Structured Output Valid" not in dict(trust_rows(metrics))
    assert b"structured" not in trust_json(metrics)
    (found,) = judge([parse_gate("structured_output_valid>50%")], metrics)
    assert (found.met, found.why) == (None, "no reply was checked")
    export(recording, tmp_path / "out.csv", "csv", tokens=False)
    assert "structured" not in (tmp_path / "out.csv").read_text()


@pytest.mark.parametrize("text", ["structured_output_valid>0.9", "structured_output_valid.p99>9%"])
def test_it_is_a_share(text: str) -> None:
    """An assertion about it says per cent."""
    with pytest.raises(ConfigError, match="is a share, write structured_output_valid>=99%"):
        parse_gate(text)
