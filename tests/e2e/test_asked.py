"""What is asked of a run beyond its numbers, by the real command: exit codes, files, and runs that end early."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import Ended, perf

SHORT = (
    "--mock",
    "--mock-option",
    "ttft_ms=20",
    "--mock-option",
    "itl_ms=20",
    "--input-len",
    8,
    "--output-len",
    3,
    "-q",
)


def trust(ended: Ended, name: str = "trust") -> dict[str, object]:
    (path,) = ended.run.glob(f"performances/*/synthetic_{name}.json")
    found = json.loads(path.read_text())
    assert isinstance(found, dict)
    return found


def test_a_broken_slo(tmp_path: Path) -> None:
    """An SLO in a YAML config that no request keeps ends the command with 3, and stands in the run's files; where the
    machine made the measurement INVALID it cannot be told, which is 4."""
    config = tmp_path / "run.yaml"
    config.write_text(
        "models: [{type: openai_chat, url: '', mock: {ttft_ms: 20, itl_ms: 20}, batch_size: 8}]\n"
        "datasets: [{type: synthetic, input_len: 8, output_len: 3, count: 400}]\n"
        "slo: ttft<1ms\nstall: 1s\n"
    )
    ended = perf(tmp_path, str(config), "-q", "--no-plot", "--junit", tmp_path / "junit.xml")
    found = trust(ended)
    (slo,) = trust(ended, "answers")["slos"]  # type: ignore[misc]  # it is what JSON has
    assert (slo["good"], slo["broken"]) == (0, {"ttft<1ms": 400})
    assert (ended.code, slo["answer"]) in ((3, "not met"), (4, "cannot tell"))
    assert (ended.code == 3) == (found["verdict"] == "VALID")
    assert 'tests="1"' in (tmp_path / "junit.xml").read_text()
    assert ended.recording.header["config"]["slo"] == ["ttft<1ms"]


def test_a_service_that_fails(tmp_path: Path) -> None:
    """A run whose requests certainly fail too often ends long before its plan, with 3; what was not sent is no loss."""
    fault = ("--mock-option", 'fault=["http=503:0.5"]')
    asked = ("--max-failed", "5%", "--num-prompts", 100_000, "--concurrency", 4, "--num-warmups", 0)
    ended = perf(tmp_path, *SHORT, "--no-plot", *fault, *asked)
    assert ended.code == 3
    assert "certainly more than 5 % (--max-failed)" in ended.err
    outcomes = trust(ended)["outcomes"]
    assert isinstance(outcomes, dict)
    assert set(outcomes) == {"ok", "http_error"}
    assert sum(outcomes.values()) < 10_000
    assert ended.recording.footer is not None
    assert ended.recording.footer["interrupted"] is False


@pytest.mark.parametrize("load", [("--concurrency", 16, "--workers", 2), ("--rate", "400/s")], ids=["closed", "open"])
def test_enough_is_known(tmp_path: Path, load: tuple[object, ...]) -> None:
    """A run ends when the interval of a percentile is as narrow as asked, with two workers and in an open loop too; its
    report says so."""
    asked = ("--until", "e2el.median+-30%", "--num-prompts", 5_000, *load)
    ended = perf(tmp_path, *SHORT, "--no-plot", *asked)
    assert ended.code == 0, ended.err
    assert "e2el P50 is known well enough" in ended.err
    found = trust(ended)
    assert any("The run ended before its plan did: e2el P50 is known" in str(note) for note in found["notes"])  # type: ignore[attr-defined]  # a list, as JSON has it
    assert set(found["outcomes"]) == {"ok"}  # type: ignore[call-overload]  # a dict, as JSON has it
    assert found["not_sent"] == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--slo", "tfft<1s"), "--slo is not usable: no SLO can be about 'tfft' (did you mean ttft?)"),
        (("--until", "ttft.p99±5"), "--until is not usable"),
        (("--max-failed", "5"), "--max-failed is not usable"),
        (("--assert", "ttft.p99<1"), "has no unit of time"),
        (("--assert", "ttft.p99<1s", "--no-stream"), "the run will not have"),
    ],
    ids=str,
)
def test_what_is_refused(tmp_path: Path, asked: tuple[str, ...], said: str) -> None:
    """A wrong question is one sentence and exit code 2, before a run is made."""
    ended = perf(tmp_path, *SHORT, *asked)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert said in ended.err
    assert not (tmp_path / "out").exists()
