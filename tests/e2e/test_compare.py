"""`fastbench compare` on runs of the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import fastbench_command, perf

# Some seconds: on a busy machine latencies hang together for tenths of one, and a comparison wants six such blocks.
LOAD = ("--input-len", 8, "--output-len", 8, "--num-prompts", 600, "--concurrency", 8, "--no-plot")
SERVICE = ("--mock", "--mock-option", "ttft_ms=10")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two: of a service that takes 4 ms for a token, and of one that takes 8 ms."""
    ended = [
        perf(tmp_path_factory.mktemp("run"), *SERVICE, "--mock-option", f"itl_ms={itl_ms}", *LOAD) for itl_ms in (4, 8)
    ]
    assert [one.code for one in ended] == [0, 0]
    return ended[0].run, ended[1].run


def test_a_slower_service(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Twice the time for a token is worse, in words, in the table, in JSON and by the exit code; that the machine was
    too busy to measure is said first, with another code."""
    answer = tmp_path / "answer.json"
    options = ("--gate", "tpot.p50", "--run-noise", "1%", "--anyway", "--json", answer, "--label", "B=new")
    ended = fastbench_command(tmp_path, "compare", *runs, *options)
    told = json.loads(answer.read_text())
    (versus,) = told["versus"]
    (tpot,) = [effect for effect in versus["effects"] if effect["gate"]]
    assert (tpot["key"], tpot["verdict"]) == ("tpot.p50", "worse")
    assert tpot["interval"][0] < tpot["change"] < tpot["interval"][1]
    assert "new's TPOT p50 is " in told["sentence"]
    assert ended.out.replace("\n", " ").startswith(told["sentence"])
    assert ended.code == (4 if versus["refusals"] else 3)
    assert "service.mock.itl_ms" in ended.out
    assert "\N{HEAVY BALLOT X} TPOT p50*" in ended.out


def test_the_same_run_twice(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """It is not comparable: code 4, or 0 where that is allowed."""
    ended = fastbench_command(tmp_path, "compare", runs[0], runs[0])
    assert (ended.code, "they are the same run" in ended.out.replace("\n", " ")) == (4, True)
    assert fastbench_command(tmp_path, "compare", runs[0], runs[0], "--cannot-tell-ok").code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "two sides at least"),
        (("nowhere", "nowhere"), "not a directory"),
        ((".", ".", "--label", "A"), "write it as A=before"),
        ((".", ".", "--gate", "ttft"), "write ttft.p99"),
        ((".", ".", "--tolerance", "all"), "not a share"),
    ],
    ids=str,
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    """One line on standard error, and code 2."""
    ended = fastbench_command(tmp_path, "compare", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
