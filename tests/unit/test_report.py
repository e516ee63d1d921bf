"""Tables on the terminal and files, as the guide has them."""

import csv
import dataclasses
import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from recordings import MS, Request, header_of, record

from fastbench.errors import RecordingError, UsageError
from fastbench.recording import Recording
from fastbench.report import Published, publish, replace
from fastbench.report.cells import cell, plain, printable

STATS = ("Average", "Min", "Max", "Median", "P75", "P90", "P99")
REQUESTS = [
    Request(k, token_ns=(1_100 * MS, 1_100 * MS + 20_123_000 + k * 1000), end_ns=1_141 * MS, input_tokens=1512 + k % 2)
    for k in range(8)
]


def published(directory: Path, requests: list[Request], stats: tuple[str, ...] = STATS, **header: Any) -> Published:
    """The report of a run of these requests."""
    record(directory / "gsm8k_recording", requests, header=header_of(**header))
    return publish(Recording.open(directory / "gsm8k_recording"), directory, "gsm8k", stats)


def test_csv_is_the_first_table(tmp_path: Path) -> None:
    """The csv has the guide's header and rows, latencies with 4 decimals and unit, counts as plain numbers."""
    published(tmp_path, REQUESTS)
    lines = (tmp_path / "gsm8k.csv").read_text().splitlines()
    assert lines[0] == "Performance Parameters,Stage,Average,Min,Max,Median,P75,P90,P99,N"
    rows = {row[0]: row[1:] for row in csv.reader(lines[1:])}
    assert list(rows) == [
        "E2EL",
        "TTFT",
        "TPOT",
        "ITL",
        "InputTokens",
        "OutputTokens",
        "OutputTokenThroughput",
        "PrefillTokenThroughput",
    ]
    assert rows["E2EL"] == ["total", *["141.0000 ms"] * 7, "8"]
    assert rows["ITL"][1:5] == ["20.1265 ms", "20.1230 ms", "20.1300 ms", "20.1265 ms"]
    assert rows["InputTokens"][:4] == ["total", "1512.5", "1512.0", "1513.0"]
    assert rows["OutputTokenThroughput"][1] == "14.1844 token/s"


def test_json_is_the_second_table(tmp_path: Path) -> None:
    """The json has the guide's names in its order; counts are numbers, all else text with a unit."""
    published(tmp_path, REQUESTS)
    found = json.loads((tmp_path / "gsm8k.json").read_text())
    assert list(found.items()) == [
        ("Benchmark Duration", {"total": "141.0000 ms"}),
        ("Total Requests", {"total": 8}),
        ("Failed Requests", {"total": 0}),
        ("Success Requests", {"total": 8}),
        ("Concurrency", {"total": 8.0}),
        ("Max Concurrency", {"total": 4}),
        ("Request Throughput", {"total": "56.7376 req/s"}),
        ("Total Input Tokens", {"total": 12100}),
        ("Prefill Token Throughput", {"total": "15125.0000 token/s"}),
        ("Total Generated Tokens", {"total": 16}),
        ("Input Token Throughput", {"total": "85815.6028 token/s"}),
        ("Output Token Throughput", {"total": "113.4752 token/s"}),
        ("Total Token Throughput", {"total": "85929.0780 token/s"}),
    ]


def test_columns_follow_the_statistics(tmp_path: Path) -> None:
    """The statistics asked for are the columns, in their order, fractional percentiles among them."""
    published(tmp_path, REQUESTS, ("P99.9", "Average"))
    header = (tmp_path / "gsm8k.csv").read_text().splitlines()[0]
    assert header == "Performance Parameters,Stage,P99.9,Average,N"


def test_trust_values_are_numbers(tmp_path: Path) -> None:
    """The trust file has verdict, outcomes, load and client error, as numbers and without units in them."""
    published(tmp_path, REQUESTS)
    trust = json.loads((tmp_path / "gsm8k_trust.json").read_text())
    assert trust["verdict"] == "VALID"
    assert trust["outcomes"] == {"ok": 8}
    assert trust["load"]["response_time"]["values"]["Median"] == 141
    assert trust["client"]["uncertain_gap_share"] == 0
    assert trust["too_few_samples"]["TTFT"] == ["P75", "P90", "P99"]


def test_terminal_text(tmp_path: Path) -> None:
    """The verdict stands above, both tables and the trust block follow, and marked cells have their footnote."""
    text = published(tmp_path, REQUESTS).text
    lines = text.splitlines()
    assert lines[0] == "Performance Results of task: mock/synthetic: VALID"
    assert lines[1:3] == ["  Measurement valid", "  Service answered all 8"]
    assert lines[3].startswith("╒")
    order = ["Performance Parameters", "Common Metric", "Trust", "* Too few samples"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "│ 141.0000 ms *" in text
    assert "needed: P75 17, P90 44, P99 459." in text
    assert "Failed Requests   │ HTTP" not in text


@pytest.mark.parametrize(("stats", "count"), [(STATS, 8), (("Average",), 8), (("Average",), 500)])
def test_percentiles_of_the_trust_block_are_marked(tmp_path: Path, stats: tuple[str, ...], count: int) -> None:
    """A percentile of too few samples is marked in the trust block too, with its footnote, whatever the columns are."""
    requests = [Request(k, end_ns=1_141 * MS) for k in range(count)]
    text = published(tmp_path, requests, stats).text
    (line,) = [line for line in text.splitlines() if line.startswith("│ Response Time")]
    assert ("P99 141.0000 ms *, Max" in line) == ("P99 459." in text) == (count < 459)
    assert "Median 141.0000 ms," in line


@pytest.mark.parametrize(
    ("spent", "told"),
    [
        ({"ordinary_ns": 1, "real_time_ns": 3}, "real-time for 75.0000 % of the time"),
        ({"ordinary_ns": 4, "real_time_ns": 0}, "ordinary"),
        ({}, None),
    ],
)
def test_the_clients_priority_is_told(tmp_path: Path, spent: dict[str, int], told: str | None) -> None:
    """The trust block says for how much of the time the client was real-time, and nothing where nobody knows."""
    record(tmp_path / "gsm8k_recording", REQUESTS, header=header_of(), health=[{"t_ns": 1_100 * MS, **spent}])
    text = publish(Recording.open(tmp_path / "gsm8k_recording"), tmp_path, "gsm8k", STATS).text
    lines = [line.split("│")[2].strip() for line in text.splitlines() if line.startswith("│ Client Priority")]
    assert lines == ([told] if told else [])


def test_the_gaps_of_a_stream_are_one_request(tmp_path: Path) -> None:
    """ITL's percentiles are marked by the number of requests, however many gaps each of them has."""
    tokens = tuple(range(1_100 * MS, 2_100 * MS, MS))
    published(tmp_path, [Request(0, token_ns=tokens, end_ns=tokens[-1])])
    trust = json.loads((tmp_path / "gsm8k_trust.json").read_text())
    assert trust["too_few_samples"]["ITL"] == ["Median", "P75", "P90", "P99"]


def test_invalid_runs_say_why_first(tmp_path: Path) -> None:
    """Above the tables of an INVALID run stand all of its reasons, a sentence each; the trust file has their parts."""
    load = {"kind": "open", "arrival": "constant", "rate": 50.0}
    late = [Request(0, intended_ns=900 * MS), Request(1, sent_ns=0, token_ns=(), outcome="dropped")]
    made = published(tmp_path, late, load=load)
    lines = made.text.splitlines()
    assert lines[0].endswith(": INVALID")
    told = [line.removeprefix("  Measurement not to be trusted: ") for line in lines[1:3]]
    assert [sentence.split(" ")[0] for sentence in told] == ["1", "Requests"]
    trust = json.loads((tmp_path / "gsm8k_trust.json").read_text())
    assert trust["reasons"] == told
    assert [set(reason) for reason in trust["invalid_because"]] == [{"effect", "cause", "remedy"}] * 2


def test_what_stalls_leave_uncertain_is_marked(tmp_path: Path) -> None:
    """A percentile whose bounds are too wide has a ~ in the tables and a footnote with its bounds, as has the file."""
    tokens = tuple(range(1_100 * MS, 1_340 * MS, 20 * MS))
    requests = [Request(k, token_ns=tokens, end_ns=1_400 * MS) for k in range(100)]
    requests[:5] = [dataclasses.replace(request, marks=((1, 1, 10_000),)) for request in requests[:5]]
    made = published(tmp_path, requests, ("Median", "P99", "P99.9"))
    assert made.text.splitlines()[0].endswith(": VALID")
    assert made.text.count("20.0000 ms * ~") == 1
    told = "~ The client read too late to know this exactly: ITL P99.9 is between 20.0000 ms and 30.0000 ms."
    assert told in made.text.splitlines()
    trust = json.loads((tmp_path / "gsm8k_trust.json").read_text())
    assert trust["uncertain"] == {"ITL": ["P99.9"]}
    assert trust["bounds"] == {"ITL": {"Median": [20, 20], "P99": [20, 20], "P99.9": [20, 30]}}
    assert trust["effect"]["off_ms"]["ITL"] == {"Median": 0, "P99": 0}


def test_failures_are_tabled_and_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """A service's message is shown on one line, cut, and without control characters; the file keeps it whole."""
    message = "\x1b[31mred\r\nline \u202e" + "x" * 500
    failed = Request(1, token_ns=(), outcome="http_error", status=500, message=message.encode())
    made = published(tmp_path, [Request(0), failed])
    assert "http_error" in made.text
    assert "\x1b" not in made.text
    assert "\u202e" not in made.text
    assert "x" * 200 not in made.text
    trust = json.loads((tmp_path / "gsm8k_trust.json").read_text())
    assert trust["failures"][0]["message"] == message


def test_missing_numbers(tmp_path: Path) -> None:
    """Where nothing can be computed there is a dash in the table and null in the json, never a 0."""
    published(tmp_path, [Request(0, token_ns=(), outcome="refused", status=0)], load={"concurrency": None})
    rows = list(csv.reader(io.StringIO((tmp_path / "gsm8k.csv").read_text())))
    assert rows[1] == ["E2EL", "total", *["-"] * 7, "0"]
    common = json.loads((tmp_path / "gsm8k.json").read_text())
    assert common["Benchmark Duration"] == {"total": None}
    assert common["Max Concurrency"] == {"total": None}
    assert common["Failed Requests"] == {"total": 1}


def test_publishing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """A second report of the same recording equals the first one, files and text."""
    first = published(tmp_path, REQUESTS)
    before = [path.read_bytes() for path in first.paths]
    second = publish(Recording.open(tmp_path / "gsm8k_recording"), tmp_path, "gsm8k", STATS)
    assert [path.read_bytes() for path in second.paths] == before
    assert second.text == first.text
    assert {path.name for path in second.paths} | {"gsm8k_recording"} == set(os.listdir(tmp_path))


def test_the_pictures_can_be_left_out(tmp_path: Path) -> None:
    """Without plots no page is written, and the tables are the same."""
    with_plots = published(tmp_path, REQUESTS)
    (tmp_path / "gsm8k_plot.html").unlink()
    without = publish(Recording.open(tmp_path / "gsm8k_recording"), tmp_path, "gsm8k", STATS, plot=False)
    assert without.text == with_plots.text
    assert not (tmp_path / "gsm8k_plot.html").exists()


def test_a_page_that_cannot_be_written_costs_only_itself(tmp_path: Path) -> None:
    """Where the page cannot be put in its place, the tables are written and the text says so."""
    (tmp_path / "gsm8k_plot.html").mkdir()
    result = published(tmp_path, REQUESTS)
    assert {"gsm8k.csv", "gsm8k.json", "gsm8k_trust.json"} <= {path.name for path in result.paths}
    assert (
        result.text.splitlines()[-1] == f"the report {tmp_path / 'gsm8k_plot.html'} cannot be written: Is a directory"
    )


def test_messages_are_for_the_owner(tmp_path: Path) -> None:
    """The file that holds the service's messages is readable by its owner alone."""
    published(tmp_path, REQUESTS)
    assert stat.S_IMODE((tmp_path / "gsm8k_trust.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".."])
def test_names_cannot_leave_the_directory(tmp_path: Path, name: str) -> None:
    """A name that is no plain file name is refused."""
    record(tmp_path / "r", REQUESTS)
    with pytest.raises(UsageError, match="cannot name a report"):
        publish(Recording.open(tmp_path / "r"), tmp_path / "out", name, STATS)


def test_unwritable_report_is_one_sentence(tmp_path: Path) -> None:
    """A place that cannot be written to is named, and no temporary file stays behind."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"file/x\.csv cannot be written"):
        replace(tmp_path / "file" / "x.csv", b"")
    (tmp_path / "taken").mkdir()
    with pytest.raises(RecordingError, match="Is a directory"):
        replace(tmp_path / "taken", b"")
    assert sorted(os.listdir(tmp_path)) == ["file", "taken"]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (12300.12344, "ms", "12300.1234 ms"),
        (41.622, "token/s", "41.6220 token/s"),
        (1520.25, "", "1520.25"),
        (0.99994999, "", "0.9999"),
        (512.0, "", "512.0"),
        (8, "", "8"),
        (0.0, "ms", "0.0000 ms"),
        (None, "ms", "-"),
    ],
)
def test_cells(value: float | None, unit: str, shown: str) -> None:
    """A value is shown with 4 decimals and its unit, a count with as many of them as it has."""
    assert cell(value, unit) == shown


def test_plain_numbers_keep_integers() -> None:
    """Integers stay integers; others are rounded to 4 decimals."""
    assert (plain(7), plain(0.123456), plain(None)) == (7, 0.1235, None)


def test_printable_cuts_at_the_limit() -> None:
    """Text at the limit stays whole, longer text ends in an ellipsis at the limit."""
    assert printable("abcd", 4) == "abcd"
    assert printable("abcde", 4) == "abc…"
    assert printable(" a\t\n b\x00c ", 10) == "a b c"
