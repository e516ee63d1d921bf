"""Recordings as the result files of other tools: by the schemas of their readers, and number by number."""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner
from foreign_schemas import LLM_D_REPORT, vllm_file
from nursery import ROOT
from recordings import MS, Request, header_of, record
from steady_run import steady

import fastbench
from fastbench.answers.result_files import vllm
from fastbench.cli.report.export import export_command
from fastbench.errors import UsageError
from fastbench.recording import Recording

GOLDEN = ROOT / "tests" / "golden"
LONG = Request(0, 1000 * MS, (1100 * MS, 1120 * MS, 1150 * MS), 1160 * MS, intended_ns=990 * MS, output_tokens=5)
SHORT = Request(2, 1020 * MS, (1200 * MS, 1230 * MS), 1240 * MS, output_tokens=3, input_tokens=40)
FAILED = Request(1, 1005 * MS, (), 1300 * MS, outcome="http_error", status=503, output_tokens=-1, message=b"busy")
CONFIG = {"models": [{"abbr": "m"}], "datasets": [{"type": "synthetic"}]}


def validate(found: Any, schema: dict[str, Any]) -> None:
    """Raises ValidationError. That the schemas are such is looked at once, by `test_they_are_schemas`: it is slow."""
    jsonschema.Draft202012Validator(schema).validate(found)


def recorded(directory: Path, *requests: Request, **header: Any) -> Recording:
    return Recording.open(record(directory, list(requests), header=header_of(config=CONFIG, **header)))


def result_of(recording: Recording, path: Path, form: str, *, tokens: bool = False) -> dict[str, Any]:
    return dict(json.loads(fastbench.export(recording, path, form=form, tokens=tokens).read_text()))


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return recorded(tmp_path / "r", SHORT, LONG, FAILED)


def test_vllms_numbers(recording: Recording, tmp_path: Path) -> None:
    """The file has vLLM's numbers by its rules, as worked out by hand."""
    found = result_of(recording, tmp_path / "v.json", "vllm")
    validate(found, vllm_file())
    assert (found["backend"], found["model_id"], found["request_rate"], found["max_concurrency"]) == (
        *("openai-chat", "m"),
        *("inf", 4),
    )
    # 1 s of the monotonic clock is 2026-11-24 07:34:46 by the header; the first request went out then.
    assert found["date"] == "20261124-073446"
    assert (found["num_prompts"], found["completed"], found["failed"]) == (3, 2, 1)
    assert (found["total_input_tokens"], found["total_output_tokens"]) == (50, 8)
    assert found["duration"] == 0.3
    assert found["request_throughput"] == pytest.approx(2 / 0.3)
    assert found["output_throughput"] == pytest.approx(8 / 0.3)
    assert found["total_token_throughput"] == pytest.approx(58 / 0.3)
    # (1150 - 1100) / 4 and (1230 - 1200) / 2
    assert found["mean_tpot_ms"] == pytest.approx((12.5 + 15) / 2)
    assert found["std_tpot_ms"] == pytest.approx((15 - 12.5) / 2)
    assert found["mean_itl_ms"] == pytest.approx((20 + 30 + 30) / 3)
    assert found["std_itl_ms"] == pytest.approx(float(np.std([20, 30, 30])))
    assert (found["median_ttft_ms"], found["p99.9_ttft_ms"]) == (140, pytest.approx(100 + 0.999 * 80))
    assert (found["p50_e2el_ms"], found["mean_e2el_ms"]) == (180, (150 + 210) / 2)
    assert (found["max_output_tokens_per_s"], found["max_concurrent_requests"]) == (5, 2)


def test_vllms_lists(recording: Recording, tmp_path: Path) -> None:
    """With the lists each request has its place in the order of the plan, a failed one zeros and its reason."""
    found = result_of(recording, tmp_path / "v.json", "vllm", tokens=True)
    validate(found, vllm_file(detailed=True))
    assert found["ttfts"] == [0.1, 0.0, 0.18]
    assert found["itls"] == [[0.02, 0.03], [], [0.03]]
    assert found["latencies"] == [0.15, 0.0, 0.21]
    assert found["start_times"] == [1.0, 1.005, 1.02]
    assert found["queue_times"] == [0.01, 0.0, 0.0]
    assert (found["input_lens"], found["output_lens"]) == ([10, 10, 40], [5, 0, 3])
    assert found["errors"] == ["", "busy", ""]


def test_vllms_own_sums_come_out_of_the_lists(tmp_path: Path) -> None:
    """What vLLM's `calculate_metrics` makes of the lists are the numbers beside them."""
    found = result_of(Recording.open(steady(tmp_path / "r", 200)), tmp_path / "v.json", "vllm", tokens=True)
    ttfts, itls, lens = found["ttfts"], found["itls"], found["output_lens"]
    tpots = [sum(gaps) / (count - 1) for gaps, count in zip(itls, lens, strict=True) if count > 1]
    for name, values in (("ttft", ttfts), ("tpot", tpots), ("itl", [gap for gaps in itls for gap in gaps])):
        assert found[f"mean_{name}_ms"] == pytest.approx(1000 * np.mean(values))
        assert found[f"std_{name}_ms"] == pytest.approx(1000 * np.std(values), abs=1e-9)
        assert found[f"p99_{name}_ms"] == pytest.approx(1000 * np.percentile(values, 99))
    assert found["total_output_tokens"] == sum(lens)
    assert found["request_throughput"] == pytest.approx(found["completed"] / found["duration"])


def test_too_many_gaps_for_lists_are_refused(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists that would fill the memory are refused, and another form is named."""
    monkeypatch.setattr(vllm, "MOST_GAPS", 2)
    with pytest.raises(UsageError, match=r"3 gaps, more than the 2.*parquet"):
        result_of(recording, tmp_path / "v.json", "vllm", tokens=True)
    assert not (tmp_path / "v.json").exists()


def test_llm_ds_numbers(recording: Recording, tmp_path: Path) -> None:
    """The report has fastbench's own numbers in s, as worked out by hand."""
    found = result_of(recording, tmp_path / "l.json", "llm-d")
    validate(found, LLM_D_REPORT)
    assert found["run"]["time"] == {
        "start": "2026-11-24T07:34:46+00:00",
        "end": "2026-11-24T07:34:46.300000+00:00",
        "duration": "PT0.300000000S",
    }
    standardized = found["scenario"]["load"]["standardized"]
    assert (standardized["tool"], standardized["source"], standardized["concurrency"]) == ("fastbench", "random", 4)
    assert standardized["input_seq_len"] == {
        **{"distribution": "other", "value": 20, "min": 10, "max": 40},
        "std_dev": pytest.approx(math.sqrt((100 + 100 + 400) / 3)),
    }
    aggregate = found["results"]["request_performance"]["aggregate"]
    assert {name: aggregate["requests"][name] for name in ("total", "failures", "incomplete")} == {
        "total": 3,
        "failures": 1,
        "incomplete": 0,
    }
    latency, throughput = aggregate["latency"], aggregate["throughput"]
    assert latency["time_to_first_token"]["mean"] == pytest.approx(0.14)
    # To [DONE]: (1160 - 1100) / 4 and (1240 - 1200) / 2 ms.
    assert latency["time_per_output_token"]["mean"] == pytest.approx(0.0175)
    assert latency["inter_token_latency"]["p50"] == pytest.approx(0.03)
    assert latency["request_latency"]["max"] == pytest.approx(0.22)
    # 160 ms / 5 and 220 ms / 3
    assert latency["normalized_time_per_output_token"]["mean"] == pytest.approx((0.032 + 0.22 / 3) / 2)
    assert throughput["output_token_rate"] == {"units": "tokens/s", "mean": pytest.approx(8 / 0.24)}
    assert throughput["request_rate"]["units"] == "queries/s"


@pytest.mark.parametrize("version", ["v1", "v1-parts", "v2", "v3"])
def test_golden_recordings_fit_the_schemas(version: str, tmp_path: Path) -> None:
    """Recordings of every format become files that the readers' schemas take."""
    recording = fastbench.open(GOLDEN / version)
    validate(result_of(recording, tmp_path / "v.json", "vllm"), vllm_file())
    validate(result_of(recording, tmp_path / "d.json", "vllm", tokens=True), vllm_file(detailed=True))
    validate(result_of(recording, tmp_path / "l.json", "llm-d"), LLM_D_REPORT)


@pytest.mark.parametrize("kind", ["all failed", "not streamed", "an open loop", "no wall clock"])
def test_other_runs_fit_too(kind: str, tmp_path: Path) -> None:
    """A run without a success, one that does not stream, an open loop, and an old header."""
    whole = Request(0, 1000 * MS, (), 1500 * MS, flags=("kernel",), output_tokens=10)
    recording = {
        "all failed": lambda: recorded(tmp_path / "r", FAILED),
        "not streamed": lambda: recorded(tmp_path / "r", whole, service={"stream": False}),
        "an open loop": lambda: recorded(
            tmp_path / "r", LONG, load={"kind": "open", "rate": 2.5, "concurrency": None, "arrival": "poisson"}
        ),
        "no wall clock": lambda: Recording.open(record(tmp_path / "r", [LONG], header={"service": {"stream": True}})),
    }[kind]()
    found = result_of(recording, tmp_path / "v.json", "vllm", tokens=True)
    validate(found, vllm_file(stream=kind != "not streamed", detailed=True))
    assert found["request_rate"] == (2.5 if kind == "an open loop" else "inf")
    validate(result_of(recording, tmp_path / "l.json", "llm-d"), LLM_D_REPORT)


@pytest.mark.parametrize("schema", [LLM_D_REPORT, vllm_file(), vllm_file(stream=False, detailed=True)])
def test_they_are_schemas(schema: dict[str, Any]) -> None:
    """The schemas are such themselves."""
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_schemas_refuse() -> None:
    """The schemas take neither a field that the classes do not have, nor another unit."""
    report = json.loads(json.dumps({"version": "0.2.1", "run": {"uid": "u"}, "results": {}}))
    validate(report, LLM_D_REPORT)
    for wrong in (
        {**report, "extra": 1},
        {**report, "version": "0.3"},
        {
            **report,
            "results": {
                "request_performance": {
                    "aggregate": {"latency": {"time_to_first_token": {"units": "us", "mean": 1.0}}},
                }
            },
        },
    ):
        with pytest.raises(jsonschema.ValidationError):
            validate(wrong, LLM_D_REPORT)


@pytest.mark.parametrize("form", ["vllm", "llm-d"])
def test_the_command_writes_it_beside_the_tables(form: str, tmp_path: Path) -> None:
    """`fastbench export --format vllm` writes JSON for the owner alone, named by the form."""
    record(tmp_path / "performances/m/a_recording", [LONG, FAILED])
    result = CliRunner().invoke(export_command, [str(tmp_path), "--format", form], catch_exceptions=False)
    written = tmp_path / "performances/m" / f"a_{form}.json"
    assert result.output == f"{written.resolve()} written.\n"
    assert stat.S_IMODE(written.stat().st_mode) & 0o077 == 0
    assert json.loads(written.read_text())
