"""`bench_others`: what it leaves out, what it reads in the service's log, what it says of the CPU."""

from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import bench_others
from benchmarks.bench_others import RUST, burst, details, figures
from benchmarks.other_tools import TOOLS, tokenizer_home
from fastbench.tokenizer import load_tokenizer

MS = 10**6


def entry(arrived_ms: int, first_ms: int, last_ms: int) -> dict[str, object]:
    """A line of the service's log."""
    return {"arrived_ns": arrived_ms * MS, "writes_ns": [first_ms * MS, last_ms * MS]}


def tool(cpu_s: float) -> dict[str, object]:
    """A measured tool."""
    turn = {"tokens_per_s": 1e6, "cpu_s": cpu_s, "tokens": 10_240_000}
    wave = {"ramp_ms": None, "peak": 617, "added_ms": 0.5}
    return {"version": "1", "packages": 2, "bytes": 3e6, "faults": [], "ceiling": [turn], "burst": [wave]}


def test_it_runs_only_on_request() -> None:
    """All benchmarks are without it, and `--only others` is it."""
    assert "bench_others" not in bench.chosen(None)
    assert set(bench.chosen("others")) == {"bench_others"}


def test_a_tool_that_is_not_there_is_left_out_with_a_sentence(tmp_path: Path) -> None:
    """Each tool without an environment is named with the path that is missing, and fastbench needs none."""
    there, why = bench_others._there(tmp_path)
    assert [one.name for one in there] == ["fastbench"]
    assert why["AIPerf"] == f"there is no {tmp_path}/aiperf/bin/aiperf"
    assert len(why) == len(TOOLS) - 1


def test_a_burst_by_the_services_log() -> None:
    """The ramp begins when the service was idle, not at a tool's trial request, and the service's TTFT is its own."""
    seen = [entry(0, 20, 30), entry(100, 121, 200), entry(150, 171, 200)]
    assert burst(seen, 2, 25.0) == {"ramp_ms": 50.0, "peak": 2, "added_ms": 4.0}
    assert burst(seen, 3, 25.0) == {"ramp_ms": None, "peak": 2, "added_ms": 4.0}


@pytest.mark.parametrize(("rust_s", "met"), [(100.0, True), (99.0, False)])
def test_the_cpu_is_held_against_the_rust_client(rust_s: float, met: bool) -> None:
    """P15 is met from twenty times less CPU on, and the tools' table says how many streams a tool reached at most."""
    results = {"missing": {}, "tools": {"fastbench": tool(5.0), RUST: tool(rust_s)}}
    assert figures(results)[0].met is met
    assert "never (617)" in details(results)


def test_the_tokenizer_that_tools_are_given(tmp_path: Path) -> None:
    """It is where Hugging Face's libraries look, and counts a word as a token."""
    home = tokenizer_home(tmp_path)
    assert load_tokenizer(str(next(home.rglob("tokenizer.json")).parent)).count("w1 w2 w999") == 3
