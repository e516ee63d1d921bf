"""The quick start from its one command: tables, files, and that they say the same."""

import csv
import json
import re
import time
from pathlib import Path

import pytest
from running import EXAMPLES, STATS, Ended, fastbench_command, number, perf, table, tables, unmarked

PARAMETERS = {
    "E2EL": "ms",
    "TTFT": "ms",
    "TPOT": "ms",
    "ITL": "ms",
    "InputTokens": "",
    "OutputTokens": "",
    "OutputTokenThroughput": "token/s",
    "PrefillTokenThroughput": "token/s",
}
COMMON = {
    "Benchmark Duration": "ms",
    "Total Requests": "",
    "Failed Requests": "",
    "Success Requests": "",
    "Concurrency": "",
    "Max Concurrency": "",
    "Request Throughput": "req/s",
    "Total Input Tokens": "",
    "Prefill Token Throughput": "token/s",
    "Total Generated Tokens": "",
    "Input Token Throughput": "token/s",
    "Output Token Throughput": "token/s",
    "Total Token Throughput": "token/s",
}
CELL = re.compile(r"\d+(\.\d{1,4})?|\d+\.\d{4} (ms|token/s|req/s)")


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The README's first command."""
    directory = tmp_path_factory.mktemp("quickstart")
    return fastbench_command(directory, "perf", "--config", EXAMPLES / "quickstart.py", "-w", directory / "out")


@pytest.fixture
def results(quickstart: Ended) -> Path:
    return quickstart.run / "performances" / "quickstart"


def test_quick_start_ends_well(quickstart: Ended) -> None:
    """The quick start ends with 0 and says nothing on standard error."""
    assert (quickstart.code, quickstart.err) == (0, "")


def test_parameters_are_the_guides(quickstart: Ended) -> None:
    """The first table has the guide's rows in order, with their units, stage and number of samples."""
    header, *rows = table(quickstart.out, "Performance Parameters")
    assert header == ["Performance Parameters", "Stage", *STATS, "N"]
    assert [row[0] for row in rows] == list(PARAMETERS)
    for name, stage, *marked, n in rows:
        cells = [unmarked(cell) for cell in marked]
        assert (stage, n) == ("total", "500")
        assert all(CELL.fullmatch(cell) for cell in cells), cells
        assert {cell.partition(" ")[2] for cell in cells} == {PARAMETERS[name]}


def test_common_metrics_are_the_guides(quickstart: Ended) -> None:
    """The second table has the guide's rows in order, with their units and stage."""
    header, *rows = table(quickstart.out, "Common Metric")
    assert header == ["Common Metric", "Stage", "Value"]
    assert [row[0] for row in rows] == list(COMMON)
    assert all(stage == "total" and CELL.fullmatch(value) for _, stage, value in rows)
    assert {name: value.partition(" ")[2] for name, _, value in rows} == COMMON


def test_numbers_are_the_services(quickstart: Ended) -> None:
    """No latency is below what the service takes at least, with its jitter, and the counts are the plan's;
    `test_against_the_log.py` looks at how close they are."""
    common = quickstart.common()
    assert quickstart.parameters("Min")["TTFT"] >= 0.9 * 60
    assert quickstart.parameters("Min")["E2EL"] >= 0.9 * (60 + 7 * 5)
    assert quickstart.parameters("Min")["InputTokens"] >= 128
    assert quickstart.parameters("Max")["InputTokens"] <= 512
    assert 8 <= quickstart.parameters("Min")["OutputTokens"] < quickstart.parameters("Max")["OutputTokens"] <= 32
    assert (common["Total Requests"], common["Success Requests"], common["Failed Requests"]) == (500, 500, 0)
    assert common["Max Concurrency"] == 16
    assert 14 < common["Concurrency"] <= 16


@pytest.mark.slow
def test_numbers_are_close_to_the_services(quickstart: Ended) -> None:
    """The latencies are close to those that the service was told to take, on a machine that has time for it."""
    median = quickstart.parameters("Median")
    assert median["TTFT"] == pytest.approx(60, abs=3)
    assert median["ITL"] == pytest.approx(5, abs=0.25)


def test_common_metrics_fit_together(quickstart: Ended) -> None:
    """Throughputs and concurrency follow from the sums and the duration that stand beside them."""
    common, average = quickstart.common(), quickstart.parameters("Average")
    seconds = common["Benchmark Duration"] / 1000
    assert common["Request Throughput"] == pytest.approx(500 / seconds, abs=1e-3)
    assert common["Input Token Throughput"] == pytest.approx(common["Total Input Tokens"] / seconds, abs=1e-1)
    assert common["Output Token Throughput"] == pytest.approx(common["Total Generated Tokens"] / seconds, abs=1e-1)
    assert common["Total Token Throughput"] == pytest.approx(
        common["Input Token Throughput"] + common["Output Token Throughput"], abs=1e-3
    )
    assert common["Concurrency"] == pytest.approx(average["E2EL"] / 1000 * 500 / seconds, abs=1e-3)
    assert common["Prefill Token Throughput"] == pytest.approx(
        common["Total Input Tokens"] / (average["TTFT"] / 1000 * 500), rel=1e-4
    )


def test_verdict_stands_above_the_tables(quickstart: Ended) -> None:
    """The first line names the task and the verdict, and the trust block follows the tables."""
    assert re.match(r"Performance Results of task: quickstart/synthetic: (IN)?VALID\n", quickstart.out)
    assert quickstart.out.index("Common Metric") < quickstart.out.index("Client Lag")
    assert quickstart.trust["verdict"] in quickstart.out.splitlines()[0]


def test_what_scripts_read_is_the_guides_tables(quickstart: Ended, results: Path) -> None:
    """Where standard output is no terminal it has the guide's two tables, byte for byte as the files' cells make them
    here, but for the marks, which only the screen has; and no summary."""
    marked = table(quickstart.out, "Performance Parameters")
    with (results / "synthetic.csv").open(newline="") as file:
        assert [[unmarked(cell) for cell in row] for row in marked] == list(csv.reader(file))
    common = json.loads((results / "synthetic.json").read_bytes())
    cells = [[name, "total", str(value["total"])] for name, value in common.items()]
    head, *blocks = quickstart.out.split("╒")
    assert re.fullmatch(
        r"Performance Results of task: quickstart/synthetic: (IN)?VALID\n  Measurement .*\n(  .*\n)*  Service .*\n",
        head,
    )
    assert "╒" + blocks[0] == grid(marked)
    assert "╒" + blocks[1] == grid([["Common Metric", "Stage", "Value"], *cells])
    assert "\x1b" not in quickstart.out
    assert "✔" not in quickstart.out


def grid(rows: list[list[str]]) -> str:
    """The rows as the guide's table, whose first row is its head; a column is two wider than its name at least."""
    sizes = [[len(row[k]) for row in rows] for k in range(len(rows[0]))]
    widths = [max(head + 2, *cells) + 2 for head, *cells in sizes]

    def rule(left: str, line: str, between: str, right: str) -> str:
        return left + between.join(line * width for width in widths) + right

    def text(row: list[str]) -> str:
        return "│" + "│".join(f" {cell:<{width - 1}}" for cell, width in zip(row, widths, strict=True)) + "│"

    head, *body = map(text, rows)
    inner = f"\n{rule('├', '─', '┼', '┤')}\n".join(body)
    return "\n".join((rule("╒", "═", "╤", "╕"), head, rule("╞", "═", "╪", "╡"), inner, rule("╘", "═", "╧", "╛"), ""))


def test_files_lie_where_the_guide_says(quickstart: Ended, results: Path) -> None:
    """A run's directory, named by its time, holds tables, page and recording, the config, the log and the status."""
    found = {str(path.relative_to(quickstart.run)) for path in quickstart.run.rglob("*") if path.is_file()}
    assert found == {
        f"configs/{quickstart.run.name}.py",
        "logs/performance/quickstart/synthetic.out",
        "performances/quickstart/synthetic.csv",
        "performances/quickstart/synthetic.json",
        "performances/quickstart/synthetic_answers.json",
        "performances/quickstart/synthetic_intervals.csv",
        "performances/quickstart/synthetic_plot.html",
        "performances/quickstart/synthetic_trust.json",
        "performances/quickstart/synthetic_recording/requests.fbr",
        "status/quickstart--synthetic.json",
    }
    begun = time.mktime(time.strptime(quickstart.run.name[:15], "%Y%m%d_%H%M%S"))
    assert begun <= results.stat().st_mtime <= begun + 60
    assert quickstart.out.endswith(f"Performance Result files located in {results}.\n")


def test_what_may_hold_prompts_is_the_owners(results: Path) -> None:
    """The recording and the file with the service's messages are readable by their owner alone."""
    for name in ("synthetic_recording/requests.fbr", "synthetic_trust.json"):
        assert (results / name).stat().st_mode & 0o777 == 0o600


def test_csv_is_the_first_table(quickstart: Ended, results: Path) -> None:
    """The csv file holds the very cells of the first table."""
    with open(results / "synthetic.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [[unmarked(cell) for cell in row] for row in table(quickstart.out, "Performance Parameters")]


def test_json_is_the_second_table(quickstart: Ended, results: Path) -> None:
    """The json file holds the second table's values under its names, in its order."""
    content = json.loads((results / "synthetic.json").read_text())
    rows = table(quickstart.out, "Common Metric")[1:]
    assert list(content) == [name for name, _, _ in rows]
    assert [str(content[name]["total"]) for name in content] == [value for _, _, value in rows]
    assert all(list(stages) == ["total"] for stages in content.values())


def test_log_tells_begin_and_end(quickstart: Ended) -> None:
    """The task's log says what was sent where, and that it finished."""
    log = (quickstart.run / "logs/performance/quickstart/synthetic.out").read_text()
    assert re.search(r"\[INFO\] quickstart/synthetic: 500 requests to http://127\.0\.0\.1:\d+/v1/chat/completions", log)
    assert log.endswith("quickstart/synthetic: finished\n")


def test_dumped_config_runs_again(quickstart: Ended, tmp_path: Path) -> None:
    """The config in the run's directory is complete: it runs again, with prompts of the same lengths."""
    (config,) = (quickstart.run / "configs").iterdir()
    again = perf(tmp_path, "--config", config, "--num-prompts", 40)
    assert (again.code, again.err) == (0, "")
    assert (again.run / "performances/quickstart/synthetic.csv").is_file()
    first, second = (
        sorted((row["request"], row["input_tokens"], row["planned_output"]) for row in ended.recording.rows)
        for ended in (quickstart, again)
    )
    assert set(second) <= set(first)


def test_jsonl_example(tmp_path: Path) -> None:
    """The example with prompts from a file sends each of its rows once, with the row's own output length."""
    ended = perf(tmp_path, "--config", EXAMPLES / "jsonl.py")
    assert (ended.code, ended.err) == (0, "")
    assert table(ended.out, "Performance Parameters")[0][2:-1] == ["Average", "Min", "Max", "Median", "P90"]
    rows = [json.loads(line) for line in (EXAMPLES / "prompts.jsonl").read_text().splitlines()]
    assert ended.common()["Total Requests"] == len(rows)
    assert ended.common()["Total Generated Tokens"] == sum(row.get("max_tokens", 32) for row in rows)


def test_options_go_over_a_config_of_several_tasks(tmp_path: Path) -> None:
    """Each model is measured with each data set, and all tables stand together in the end."""
    options = "--num-prompts 4 --num-warmups 1 --input-len 8 --output-len 2 --mock-option ttft_ms=1 --no-plot"
    ended = fastbench_command(
        tmp_path, "perf", "--config", EXAMPLES / "vllm.py", "-w", tmp_path / "out", *options.split()
    )
    assert ended.code == 0
    assert all(line.endswith(("slots stay empty", "slot stays empty")) for line in ended.err.splitlines())
    names = [f"vllm-concurrency-{limit}/{name}" for limit in (8, 32, 128) for name in ("chat", "summary")]
    assert re.findall(r"task: (\S+):", ended.out) == names
    for name in names:
        assert (ended.run / "performances" / f"{name}.csv").is_file()
        assert (ended.run / "performances" / f"{name}_recording").is_dir()
        assert (ended.run / "logs" / "performance" / f"{name}.out").is_file()
    counts = [
        number(row[2]) for rows in tables(ended.out, "Common Metric") for row in rows if row[0] == "Total Requests"
    ]
    assert counts == [4] * 6
