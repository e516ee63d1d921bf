"""Numbers by other tools' rules: each equals what is worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from every import every
from recordings import MS, Request, record

import fastbench
from fastbench.answers.number_dialects import NUMBER_DIALECTS
from fastbench.answers.number_dialects.conventions import Weighted, WithZeros, linear, nearest_rank
from fastbench.cli.report.recalc import recalc_command
from fastbench.errors import UsageError
from fastbench.metrics import Metrics, ToolNumber
from fastbench.metrics.samples import ArraySamples
from fastbench.recording import Recording

STATS = ("Average", "Median", "P90")


def ms(*moments: int) -> tuple[int, ...]:
    return tuple(moment * MS for moment in moments)


# ms:      sent   output events        [DONE]  tokens
# long     1000   1100 1120 1150       1160    5 = 1 + 2 + 2, as the service says of each event
# single   1010   1060                 1065    1
# short    1020   1200 1230            1240    3, of events not told
# failed   1005                        1300
LONG = Request(0, 1000 * MS, ms(1100, 1120, 1150), 1160 * MS, output_tokens=5, event_tokens=(1, 2, 2))
SINGLE = Request(1, 1010 * MS, ms(1060), 1065 * MS, output_tokens=1)
SHORT = Request(2, 1020 * MS, ms(1200, 1230), 1240 * MS, output_tokens=3)
FAILED = Request(3, 1005 * MS, (), 1300 * MS, outcome="http_error", status=503, output_tokens=-1)

TTFT = {"Average": (100 + 50 + 180) / 3, "Median": 100, "P90": 100 + 0.8 * (180 - 100)}
NEAREST_TTFT = {"Average": (100 + 50 + 180) / 3, "Median": 100, "P90": 180}
# To the last output event: long (1150 - 1100) / 4, short (1230 - 1200) / 2.
TO_LAST = {"Average": (12.5 + 15) / 2, "Median": (12.5 + 15) / 2, "P90": 12.5 + 0.9 * (15 - 12.5)}
# To [DONE]: long (1160 - 1100) / 4, short (1240 - 1200) / 2.
TO_DONE = {"Average": (15 + 20) / 2, "Median": (15 + 20) / 2, "P90": 15 + 0.9 * (20 - 15)}
# Gaps 20 and 30 of long, 30 of short.
GAPS = {"Average": 80 / 3, "Median": 30, "P90": 30}
LATENCY = {"Average": (150 + 50 + 210) / 3, "Median": 150, "P90": 150 + 0.8 * (210 - 150)}
WHOLE = {"Average": (160 + 55 + 220) / 3, "Median": 160, "P90": 160 + 0.8 * (220 - 160)}
EXPECTED = {
    "fastbench": {
        "TTFT": TTFT,
        "TPOT": TO_DONE,
        "ITL": GAPS,
        "E2EL": WHOLE,
        # From 1000 to 1240, the last successful end.
        "Request Throughput": 3 / 0.240,
        "Output Token Throughput": 9 / 0.240,
    },
    "vllm": {
        "TTFT": TTFT,
        "TPOT": TO_LAST,
        "ITL": GAPS,
        "E2EL": LATENCY,
        # To 1300, the failed one's end.
        "Request Throughput": 3 / 0.300,
        "Output Token Throughput": 9 / 0.300,
    },
    "sglang": {
        "TTFT": TTFT,
        "TPOT": TO_DONE,
        "ITL": GAPS,
        "E2E Latency": WHOLE,
        "Request Throughput": 3 / 0.300,
        "Output Token Throughput": 9 / 0.300,
    },
    "genai-perf": {
        "Time To First Token": TTFT,
        "Inter Token Latency": TO_LAST,
        "Request Latency": LATENCY,
        # To 1230, the last output event.
        "Request Throughput": 3 / 0.230,
        "Output Token Throughput": 9 / 0.230,
    },
    "aiperf": {
        "Time to First Token": TTFT,
        "Inter Token Latency": TO_LAST,
        "Inter Chunk Latency": GAPS,
        "Request Latency": LATENCY,
        "Request Throughput": 3 / 0.230,
        "Output Token Throughput": 9 / 0.230,
    },
    "guidellm": {
        "TTFT": NEAREST_TTFT,
        # 150 / 5 = 30 five times, 50 / 1 = 50 once, 210 / 3 = 70 three times: the 5th and the 9th of 9.
        "TPOT": {"Average": (150 + 50 + 210) / 9, "Median": 30, "P90": 70},
        # 12.5 four times, 15 twice: the 3rd and the 6th of 6.
        "ITL": {"Average": (4 * 12.5 + 2 * 15) / 6, "Median": 12.5, "P90": 15},
        "Request Latency": {"Average": (160 + 55 + 220) / 3, "Median": 160, "P90": 220},
        "Request Throughput": 3 / 0.300,
        "Output Token Throughput": 9 / 0.300,
    },
    "evalscope": {
        "TTFT": NEAREST_TTFT,
        # Percentiles of 15 and 20: the 1st and the 2nd; in the average single counts as 0: 35 / 3, to hundredths.
        "TPOT": {"Average": 11.67, "Median": 15, "P90": 20},
        "ITL": {"Average": 26.67, "Median": 30, "P90": 30},
        "Latency": {"Average": 145, "Median": 160, "P90": 220},
        "Request Throughput": 3 / 0.240,
        "Output Token Throughput": 9 / 0.240,
    },
    "inference-perf": {
        # Single has one token alone: 100 and 180.
        "time_to_first_token": {"Average": 140, "Median": 140, "P90": 100 + 0.9 * 80},
        "time_per_output_token": TO_LAST,
        # Long: 20, 0, 30, 0 before its tokens 2 to 5; short, of whose events nothing is told: 30.
        "inter_token_latency": {"Average": 80 / 5, "Median": 20, "P90": 30},
        "request_latency": WHOLE,
        "Request Throughput": 3 / 0.300,
        "Output Token Throughput": 9 / 0.300,
    },
    "aisbench": {
        "TTFT": TTFT,
        # 15, 0 of single, 20; 35 / 3 to tenths; P90 = 15 + 0.8 * 5.
        "TPOT": {"Average": 11.7, "Median": 15, "P90": 19},
        "ITL": {"Average": 26.7, "Median": 30, "P90": 30},
        "E2EL": WHOLE,
        "Request Throughput": 3 / 0.240,
        "Output Token Throughput": 9 / 0.240,
    },
}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    recording = Recording.open(record(tmp_path_factory.mktemp("r"), [LONG, SINGLE, SHORT, FAILED]))
    return fastbench.compute(recording, STATS, dialect="all")


def found_of(metrics: Metrics, name: str) -> dict[str, ToolNumber]:
    """A tool's numbers, by the tool's own words."""
    (tool,) = (tool for tool in metrics.by_tool if tool.name == name)
    return {number.called: number for number in tool.rows}


@every(("tool", "called"), [(tool, called) for tool, numbers in EXPECTED.items() for called in numbers])
def test_each_rule_gives_what_is_worked_out_by_hand(metrics: Metrics, tool: str, called: str) -> None:
    """The arithmetic beside each expected number is the tool's own rule."""
    expected, found = EXPECTED[tool][called], found_of(metrics, tool)[called].values
    assert found == pytest.approx(expected if isinstance(expected, dict) else {"Average": expected}, abs=1e-9)


def test_every_number_of_every_tool_is_worked_out(metrics: Metrics) -> None:
    """No tool, and no number of one, is without its arithmetic above."""
    found = {tool.name: {number.called for number in tool.rows} for tool in metrics.by_tool}
    assert found == {tool: set(numbers) for tool, numbers in EXPECTED.items()}


def test_genai_perf_begins_at_the_answer(tmp_path: Path) -> None:
    """GenAI-Perf does not see reasoning: neither its moments nor its tokens."""
    # Reasoning at 1100 and 1120, the answer at 1150 and 1180; 6 tokens, 2 of them reasoning.
    thinking = Request(
        0,
        1000 * MS,
        ms(1100, 1120, 1150, 1180),
        1185 * MS,
        output_tokens=6,
        flags=("stream", "kernel", "reasoning"),
        more=(("answer_ns", 1150 * MS), ("reasoning_tokens", 2)),
    )
    metrics = fastbench.compute(Recording.open(record(tmp_path / "r", [thinking])), STATS, dialect="genai-perf")
    found = found_of(metrics, "genai-perf")
    assert found["Time To First Token"].values["Average"] == 150
    assert found["Inter Token Latency"].values["Average"] == 30 / 3
    assert found["Output Token Throughput"].values["Average"] == pytest.approx(4 / 0.180)


def test_genai_perf_rounds_to_whole_nanoseconds(tmp_path: Path) -> None:
    """GenAI-Perf's ITL of a reply is a whole number of ns."""
    # 50 ms of 3 further tokens are 16,666,666.67 ns.
    reply = Request(0, 1000 * MS, ms(1100, 1150), 1160 * MS, output_tokens=4)
    metrics = fastbench.compute(Recording.open(record(tmp_path / "r", [reply])), STATS, dialect="genai-perf")
    assert found_of(metrics, "genai-perf")["Inter Token Latency"].values["Median"] == 16.666667


def test_hidden_reasoning_is_in_their_divisor(tmp_path: Path) -> None:
    """The tools divide by all tokens of usage, fastbench by those that were streamed."""
    hidden = Request(0, 1000 * MS, ms(1100, 1150), 1160 * MS, output_tokens=7, more=(("reasoning_tokens", 4),))
    metrics = fastbench.compute(Recording.open(record(tmp_path / "r", [hidden])), STATS, dialect="sglang")
    assert found_of(metrics, "sglang")["TPOT"].values["Median"] == 60 / 6
    assert found_of(metrics, "fastbench")["TPOT"].values["Median"] == 60 / 2


def test_without_streams_there_are_rates_alone(tmp_path: Path) -> None:
    """Of replies that came whole no tool has a moment within them."""
    whole = [Request(k, 1000 * MS, (), 1500 * MS, flags=("kernel",), output_tokens=10) for k in range(2)]
    directory = record(tmp_path / "r", whole, header={"service": {"stream": False}, "mono_ns": 1, "wall_ns": 1})
    metrics = fastbench.compute(Recording.open(directory), STATS, dialect="vllm")
    assert {name: number.values for name, number in found_of(metrics, "vllm").items()} == {
        "Request Throughput": {"Average": 4.0},
        "Output Token Throughput": {"Average": 40.0},
    }


def test_a_window_is_the_time_of_the_rates(metrics: Metrics, tmp_path: Path) -> None:
    """In a window of the run the tools' rates are over the window."""
    recording = Recording.open(record(tmp_path / "window", [LONG, SINGLE, SHORT, FAILED]))
    part = fastbench.compute(recording, STATS, window="0.005s:0.255s", dialect="vllm")
    # Single and short begin inside, of 1 and 3 tokens.
    assert found_of(part, "vllm")["Request Throughput"].values["Average"] == pytest.approx(2 / 0.250)
    assert found_of(part, "vllm")["Output Token Throughput"].values["Average"] == pytest.approx(4 / 0.250)


def test_a_run_without_a_success_has_no_numbers(tmp_path: Path) -> None:
    """Every dialect of a run that failed wholly is there, without a number."""
    metrics = fastbench.compute(Recording.open(record(tmp_path / "r", [FAILED])), STATS, dialect="all")
    values = [value for tool in metrics.by_tool for row in tool.rows for value in row.values.values()]
    assert set(values) <= {None, 0.0}


@pytest.mark.parametrize("percent", [1, 10, 25, 50, 66.6, 75, 90, 99, 99.9])
def test_conventions_are_numpys(percent: float) -> None:
    """`linear` is numpy's default, `nearest_rank` its inverted distribution function; weights repeat a sample."""
    rng = np.random.default_rng(7)
    values, weights = rng.lognormal(size=211), rng.integers(0, 9, 211)
    plain, weighted = ArraySamples(values), Weighted(values, weights)
    name = f"P{percent:g}"
    assert linear(plain, name) == np.percentile(values, percent)
    assert nearest_rank(plain, name) == np.percentile(values, percent, method="inverted_cdf")
    repeated = np.repeat(values, weights)
    assert nearest_rank(weighted, name) == np.percentile(repeated, percent, method="inverted_cdf")
    assert linear(WithZeros(plain, 40), name) == np.percentile([*values, *[0.0] * 40], percent)
    assert weighted.total == pytest.approx(math.fsum(repeated.tolist()))


def test_sources_are_files_at_commits() -> None:
    """Each dialect names the files in which its rules were read, with whole commits."""
    for dialect in NUMBER_DIALECTS.values():
        assert dialect.sources
        assert all(len(source.commit) == 40 and source.path.endswith(".py") for source in dialect.sources)


def test_the_table_in_the_docs_is_the_table() -> None:
    """`docs/dialects.md` has each rule, and each file with its commit, as the code has them."""
    text = (Path(__file__).parents[2] / "docs" / "dialects.md").read_text()
    for dialect in NUMBER_DIALECTS.values():
        for rule in dialect.rules:
            assert f"| `{dialect.name}` | {rule.called} | {rule.metric} | {rule.formula} |" in text
        assert f"| `{dialect.name}` | {dialect.counted} | {dialect.percentiles} | {dialect.spanned} |" in text
        assert f"- `{dialect.name}`: {dialect.unseen}." in text
        assert all(f"`{source.path}` at {source.commit}" in text for source in dialect.sources)


def test_recalc_prints_and_writes_them(tmp_path: Path) -> None:
    """`recalc --dialect` prints the numbers side by side and each rule with its source, and writes them as json."""
    record(tmp_path / "performances/m/a_recording", [LONG, SINGLE, SHORT, FAILED])
    arguments = [str(tmp_path), "--no-plot", "--dialect", "vllm,sglang", "--dialect", "guidellm"]
    result = CliRunner().invoke(recalc_command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    lines = [line.split("│") for line in result.output.splitlines() if line.startswith("│ TPOT")]
    assert [cells[2].strip() for cells in lines if cells[1].strip() == "TPOT"][1:] == [
        *("fastbench", "vllm", "sglang", "guidellm")
    ]
    assert "vllm TPOT = (last output event - first) / (tokens - 1), replies of 2 tokens and more" in result.output
    assert "vllm-project/vllm@009e6d4 vllm/benchmarks/serve.py" in result.output
    assert '"vllm"' in (tmp_path / "performances/m/a_answers.json").read_text()


def test_an_unknown_dialect_is_refused(tmp_path: Path) -> None:
    """A name that is none is wrong usage, with the nearest one."""
    recording = Recording.open(record(tmp_path / "r", [LONG]))
    with pytest.raises(UsageError, match="did you mean sglang"):
        fastbench.compute(recording, STATS, dialect=["vllm", "sglan"])
