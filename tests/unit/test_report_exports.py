"""Exports, read back by other tools."""

import csv
import json
import re
import stat
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
from click.testing import CliRunner
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from recordings import MS, Request, header_of, record

from fastbench.cli.report.export import export_command
from fastbench.errors import UsageError
from fastbench.installing import install
from fastbench.metrics import compute
from fastbench.recording import Recording
from fastbench.report import export
from fastbench.report.exports import columns

ESCAPED = (1_100 * MS, 1_300 * MS, 1_310 * MS)
REQUESTS = [
    Request(0, token_ns=ESCAPED, end_ns=1_311 * MS, event_tokens=(1, 2, 1), output_tokens=4, input_tokens=-1),
    Request(1, token_ns=(), outcome="http_error", status=500, message=b'a "quoted", long\nreason'),
    Request(2, flags=("stream", "warmup")),
    Request(3),
]


def exported(tmp_path: Path, form: str, requests: list[Request] = REQUESTS, *, tokens: bool = False) -> Path:
    """The file that a recording of these requests becomes."""
    directory = tmp_path / "r"
    recording = Recording.open(directory if directory.exists() else record(directory, requests))
    path = tmp_path / f"out.{form}"
    export(recording, path, form, tokens=tokens)
    return path


def test_csv_has_a_line_for_each_request(tmp_path: Path) -> None:
    """Measured requests alone, moments as recorded, latencies as the report computes them, unknowns empty."""
    with exported(tmp_path, "csv").open(newline="") as file:
        first, failed, last = csv.DictReader(file)
    assert [row["request"] for row in (first, failed, last)] == ["0", "1", "3"]
    assert (first["sent_ns"], first["first_token_ns"], first["headers_ns"]) == ("1000000000", "1100000000", "")
    assert (first["ttft_ms"], first["e2el_ms"], first["input_tokens"]) == ("100.0", "311.0", "")
    assert float(first["tpot_ms"]) == pytest.approx(211 / 3)
    assert (failed["outcome"], failed["status"], failed["ttft_ms"]) == ("http_error", "500", "")
    assert failed["message"] == 'a "quoted", long\nreason'


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_the_id_of_a_request_is_exported(form: str, tmp_path: Path) -> None:
    """Each form has the id that the request carried, by the run of its part; null where it carried none."""
    for run_id, service, told in (
        ("8e3c0d5a-9b1f-4c7e-a2d4", {}, "8e3c0d5a-9b1f-4c7e-a2d4-000000000003"),
        ("1a2b3c4d", {}, "fb-1a2b3c4d-3"),
        ("8e3c0d5a-9b1f-4c7e-a2d4", {"request_id_header": None}, None),
    ):
        directory = tmp_path / f"{run_id}{len(service)}"
        recording = Recording.open(record(directory, REQUESTS, header=header_of(run_id=run_id, service=service)))
        path = tmp_path / f"out.{form}"
        export(recording, path, form, tokens=False)
        if form == "csv":
            with path.open(newline="") as file:
                *_, last = csv.DictReader(file)
        elif form == "jsonl":
            last = json.loads(path.read_text().splitlines()[-1])
        else:
            last = parquet.read_table(path).to_pylist()[-1]
        assert (last["request_id"] or None) == told


def test_moments_on_the_wall_clock(tmp_path: Path) -> None:
    """`sent_unix_ns` is what the wall clock showed when the request was sent."""
    line = json.loads(exported(tmp_path, "jsonl").read_text().splitlines()[0])
    assert line["sent_unix_ns"] == 1_795_505_686_000_000_000


def test_jsonl_tells_the_same_as_csv(tmp_path: Path) -> None:
    """Both forms have the same fields and values."""
    lines = [json.loads(line) for line in exported(tmp_path, "jsonl").read_text().splitlines()]
    with exported(tmp_path, "csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    as_text = [{name: "" if value is None else str(value) for name, value in line.items()} for line in lines]
    assert as_text == rows


def test_parquet_tells_the_same_as_jsonl(tmp_path: Path) -> None:
    """Both forms have the same fields and values, nulls included."""
    lines = [json.loads(line) for line in exported(tmp_path, "jsonl").read_text().splitlines()]
    assert parquet.read_table(exported(tmp_path, "parquet")).to_pylist() == lines


def test_token_times_in_every_form(tmp_path: Path) -> None:
    """Each form has the moments that the recording has, long gaps and tokens of an event included."""
    expected = {0: [*ESCAPED], 3: [1_100 * MS, 1_120 * MS, 1_140 * MS]}
    lines = [json.loads(line) for line in exported(tmp_path, "jsonl", tokens=True).read_text().splitlines()]
    assert {line["request"]: line["token_ns"] for line in lines} == expected
    assert [line.get("tokens") for line in lines] == [[1, 2, 1], None]
    table = parquet.read_table(exported(tmp_path, "parquet", tokens=True)).to_pylist()
    assert {row["request"]: row["token_ns"] for row in table} == expected
    assert [row["tokens"] for row in table] == [[1, 2, 1], [None] * 3]
    with exported(tmp_path, "csv", tokens=True).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["token_ns"]) for row in rows] == expected[0] + expected[3]
    assert [row["tokens"] for row in rows] == ["1", "2", "1", "", "", ""]
    assert [row["event"] for row in rows] == ["0", "1", "2"] * 2


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_many_requests_come_in_pieces(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More requests than are written at once all arrive, each once, below one head."""
    many = [Request(number, end_ns=(2_000 + number) * MS) for number in range(105)]
    monkeypatch.setattr(columns, "ROWS_AT_ONCE", 50)
    path = exported(tmp_path, form, many)
    if form == "parquet":
        found = parquet.read_table(path)["request"].to_pylist()
    elif form == "jsonl":
        found = [json.loads(line)["request"] for line in path.read_text().splitlines()]
    else:
        with path.open(newline="") as file:
            found = [int(row["request"]) for row in csv.DictReader(file)]
    assert found == list(range(105))


def histograms(path: Path) -> dict[str, HdrHistogram]:
    """The whole log by tag, read by the package's own reader."""
    reader = HistogramLogReader(str(path), HdrHistogram(1, 3_600_000_000_000, 3))
    found: dict[str, HdrHistogram] = {}
    while (interval := reader.get_next_interval_histogram()) is not None:
        found.setdefault(interval.get_tag(), HdrHistogram(1, 3_600_000_000_000, 3)).add(interval)
    return found


def test_hdrhistogram_reads_the_log(tmp_path: Path) -> None:
    """HdrHistogram's reader finds every sample, at the report's percentiles to 3 digits."""
    rng = np.random.default_rng(1)
    requests = []
    for number in range(300):
        sent = 1_000 * MS + number * 20 * MS
        stamps = sent + np.cumsum(rng.integers(5 * MS, 90 * MS, 20)) // 1_000 * 1_000
        requests.append(Request(number, sent_ns=sent, token_ns=tuple(stamps.tolist()), end_ns=int(stamps[-1]) + MS))
    found = histograms(exported(tmp_path, "hlog", requests, tokens=True))
    rows = {row.name: row for row in compute(Recording.open(tmp_path / "r"), ("Median", "P99")).parameters}
    for name in ("TTFT", "TPOT", "E2EL", "ITL"):
        assert found[name].get_total_count() == rows[name].samples
        for name_of, percent in (("Median", 50), ("P99", 99)):
            expected = rows[name].values[name_of]
            assert found[name].get_value_at_percentile(percent) / MS == pytest.approx(expected, rel=0.02)


def test_intervals_lie_where_requests_ended(tmp_path: Path) -> None:
    """A line of the log holds what ended in its second, on the wall clock."""
    late = Request(1, sent_ns=2_950 * MS, token_ns=(3_100 * MS,), end_ns=3_200 * MS)
    text = exported(tmp_path, "hlog", [Request(0), late]).read_text().splitlines()
    assert text[1].startswith("#[StartTime: 1795505686.000 (seconds since epoch), 2026-")
    assert [line.split(",")[:4] for line in text if line.startswith("Tag=E2EL")] == [
        ["Tag=E2EL", "0.000", "1.000", "141.033"],
        ["Tag=E2EL", "2.000", "1.000", "250.085"],
    ]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "hlog"])
def test_both_exports_of_a_form_have_their_files(tmp_path: Path, form: str) -> None:
    """An export of token times does not replace that of the requests, whatever the form."""
    run = tmp_path / "d_recording"
    record(run, [Request(0)])
    for tokens in ([], ["--tokens"]):
        assert CliRunner().invoke(export_command, [str(run), "--format", form, *tokens]).exit_code == 0
    assert {path.name for path in tmp_path.glob(f"*.{form}")} == {f"d_requests.{form}", f"d_tokens.{form}"}


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "hlog"])
@pytest.mark.parametrize("tokens", [False, True])
def test_nothing_to_export(tmp_path: Path, form: str, tokens: bool) -> None:
    """A recording without requests becomes a file all the same."""
    assert exported(tmp_path, form, [], tokens=tokens).is_file()


@pytest.mark.parametrize(
    ("form", "module", "command"),
    [("parquet", "pyarrow", install("parquet")), ("hlog", "hdrh.histogram", install("hdr"))],
)
def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, module: str, command: str
) -> None:
    """Without the package that a form needs one sentence says what to install, and no file is left."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=rf"--format {form} needs the package \w+: {re.escape(command)}, or"):
        exported(tmp_path, form)
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_the_command_writes_beside_the_tables(tmp_path: Path) -> None:
    """Each recording of a run gets its file beside its tables, readable by its owner alone."""
    for name in "ab":
        record(tmp_path / "performances" / "m" / f"{name}_recording", REQUESTS)
    done = CliRunner().invoke(export_command, [str(tmp_path), "--format", "csv", "--tokens"], standalone_mode=False)
    assert done.return_value == 0
    written = sorted((tmp_path / "performances" / "m").glob("*.csv"))
    assert [path.name for path in written] == ["a_tokens.csv", "b_tokens.csv"]
    assert stat.S_IMODE(written[0].stat().st_mode) == 0o600


def test_one_file_for_one_recording(tmp_path: Path) -> None:
    """`--output` with several recordings is refused with the way out."""
    for name in "ab":
        record(tmp_path / "performances" / "m" / f"{name}_recording", REQUESTS)
    arguments = [str(tmp_path), "--format", "csv", "-o", str(tmp_path / "x.csv")]
    done = CliRunner().invoke(export_command, arguments, standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert "has 2 recordings: leave --output out, or name one of them" in str(done.exception)
