"""The benchmarks' harness: figures, the table, files of results, exit codes, and that each benchmark runs."""

import json
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as bench
from benchmarks import (
    bench_burst,
    bench_ceiling,
    bench_crowd,
    bench_exactness,
    bench_lateness,
    bench_mock,
    bench_read_cost,
    bench_requests,
    bench_watch,
    quiet,
)
from benchmarks.clients import Stream
from benchmarks.exactness import compare
from benchmarks.harness import Figure, read_figures, run_main, table
from benchmarks.sampling import Sampler
from benchmarks.threads import ThreadTimes

SMALL = {
    bench_ceiling: "--streams 2 --tokens 64 --rounds 1",
    bench_read_cost: "--streams 10 --seconds 0.8 --fast-itl-ms 10 --rounds 1",
    bench_exactness: "--streams 5 --tokens 8 --ttft-ms 20 --itl-ms 5 --rounds 1",
    bench_lateness: "--rates 200 --seconds 0.3 --rounds 1",
    bench_crowd: "--rate 100 --seconds 0.5 --busy 1 --rounds 1",
    bench_burst: "--streams 20 --waves 2 --tokens 5 --ttft-ms 50 --itl-ms 5 --rounds 1",
    bench_mock: "--seconds 0.2",
    bench_requests: "--rounds 1 --scale 0.1",
    bench_watch: "--rounds 1 --seconds 2.5 --window 0.2 --rate 100",
}


def fake(name: str, figures: list[Figure]) -> types.ModuleType:
    """A benchmark that measures nothing."""
    module = types.ModuleType(name, "P1, of nothing.")
    vars(module).update(
        PROMISES=("P1",),
        parameters=lambda parser: parser.add_argument("--size", type=int, default=3),
        measure=lambda size: {"values": [size]},
        details=lambda results: f"values {results['values']}",
        figures=lambda results: figures,
    )
    return module


def test_a_figure_that_is_not_met_says_why() -> None:
    """A figure without `met` and without a reason is refused."""
    for met in (False, None):
        with pytest.raises(ValueError, match="must say why"):
            Figure("P1", "speed", "≥ 4", "3", met=met)


def test_a_reason_is_kept_only_where_the_goal_is_missed() -> None:
    """`Figure.against` drops the reason of a goal that is held."""
    assert Figure.against("P1", "speed", "≥ 4", "5", True, "too slow").why is None
    assert Figure.against("P1", "speed", "≥ 4", "3", False, "too slow").why == "too slow"


def test_the_table_tells_what_is_met_and_why_not() -> None:
    """The table has a line for each figure, and below it the reason of each that is not met or not told."""
    lines = [
        Figure("P1", "speed", "≥ 4 M/s", "5 M/s", "9 x others"),
        Figure("P2", "cost", "≤ 1", "2", met=False, why="1 too much"),
        Figure("P3", "error", "≤ 1", "?", met=None, why="no clock"),
    ]
    text = table(lines)
    assert [row.split()[-1] for row in text.splitlines()[2:5]] == ["yes", "NO", "told"]
    assert "9 x others" in text
    assert text.splitlines()[-2:] == ["P2 cost: 1 too much", "P3 error: no clock"]


def test_a_benchmark_prints_and_writes_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON file holds the machine, the parameters, the raw results and the figures that the table shows."""
    figures = [Figure("P1", "speed", "≥ 4", "3", met=False, why="too slow")]
    assert run_main(fake("bench_fake", figures), ["--size", "7", "--json", str(tmp_path / "out.json")]) == 0
    out = capsys.readouterr().out
    assert "values [7]" in out
    assert table(figures) in out
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["parameters"] == {"size": 7}
    assert written["results"] == {"values": [7]}
    assert {"when", "machine", "python", "fastbench"} <= set(written)
    assert read_figures(tmp_path / "out.json") == figures


def test_benchmarks_are_found_in_the_order_of_their_promises() -> None:
    """Every benchmark names its promises, P2 comes before P12, and what is no promise comes last."""
    names = list(bench.found())
    assert names.index("bench_read_cost") < names.index("bench_burst") < names.index("bench_mock")
    assert set(bench.chosen("P3,P12")) == {"bench_exactness", "bench_burst"}


def test_an_unknown_promise_is_refused_with_those_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    """`--only` with an unknown promise ends with status 2 and names the known ones."""
    with pytest.raises(SystemExit) as ended:
        bench.main(["--only", "P99"])
    assert ended.value.code == 2
    assert "no benchmark for P99; known are P1, P2" in capsys.readouterr().err


def pretend(monkeypatch: pytest.MonkeyPatch, place: Path, code: str) -> None:
    """Lets `benchmarks` know a single benchmark, whose process runs `code`; its file of results is `sys.argv[-1]`."""
    program = place / "program"
    program.write_text(f"#!{sys.executable}\nimport sys\n{code}\n")
    program.chmod(0o755)
    monkeypatch.setattr(bench, "found", lambda: {"bench_fake": ("P1",)})
    monkeypatch.setattr(sys, "executable", str(program))


MISSED = """
import json
figure = {"promise": "P1", "what": "speed", "goal": "4", "figure": "3", "ratio": "", "met": False, "why": "slow"}
open(sys.argv[-1], "w").write(json.dumps({"figures": [figure]}))
"""


@pytest.mark.parametrize(
    ("code", "arguments", "status", "said"),
    [
        (MISSED, [], 0, "P1 speed: slow"),
        (MISSED, ["--strict"], 1, "P1 speed: slow"),
        ("sys.exit('no way')", [], 1, "no way"),
    ],
)
def test_the_exit_code_tells_failures_from_missed_goals(
    code: str,
    arguments: list[str],
    status: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A missed goal fails only with --strict; a benchmark that does not run always does, and the table says why."""
    pretend(monkeypatch, tmp_path, code)
    assert bench.main([*arguments, "--results", str(tmp_path)]) == status
    assert said in capsys.readouterr().out
    assert json.loads((tmp_path / "results.json").read_text())["figures"][0]["promise"] == "P1"
    assert said in (tmp_path / "table.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("module", SMALL, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_benchmark_runs(module: types.ModuleType, tmp_path: Path) -> None:
    """Each hot-path benchmark measures at a tiny size and gives figures for its promises."""
    if module is bench_ceiling:
        pytest.importorskip("httpx")
    assert run_main(module, [*SMALL[module].split(), "--json", str(tmp_path / "out.json")]) == 0
    assert {figure.promise for figure in read_figures(tmp_path / "out.json")} == set(module.PROMISES)


def test_errors_are_those_of_the_clients_stamps() -> None:
    """The comparison gives the lag of each token, and the absolute error of each gap and of the first token."""
    entry = {"id": "a", "arrived_ns": 1_000, "writes_ns": [10_000, 20_000, 30_000]}
    seen = Stream(0, 0, np.array([12_000, 25_000, 32_000]))
    found = compare({"a": seen}, [entry])
    assert found["lag"].tolist() == [2.0, 5.0, 2.0]
    assert found["ITL error"].tolist() == [3.0, 3.0]
    assert found["TTFT error"].tolist() == [3.0]


def test_a_token_that_the_client_missed_is_no_small_error() -> None:
    """A client that has not seen every token cannot be compared."""
    entry = {"id": "a", "arrived_ns": 0, "writes_ns": [1, 2]}
    with pytest.raises(ValueError, match="wrote 2 tokens, the client saw 1"):
        compare({"a": Stream(0, 0, np.array([1]))}, [entry])


def test_empty_slots_show_in_the_mean_in_flight() -> None:
    """Two streams at a time of which one slot stands empty for half of the time hold 75 %."""
    token = np.array([0])

    def stream(sent: int, end: int) -> Stream:
        return Stream(sent, end, token + sent + 5_000_000)

    found = bench_burst.fidelity([stream(0, 100), stream(0, 50), stream(100, 200)], 2, 4.0)
    assert found["in_flight"] == pytest.approx(0.75)
    assert found["ramp_ms"] == 0
    assert found["added_ms"] == pytest.approx(1.0)


def test_quiet_counts_the_moments_that_are_late(capsys: pytest.CaptureFixture[str]) -> None:
    """A share of moments is given for each limit, and is not larger for a larger one."""
    quiet.main("0.01", "1", "1000")
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert 0 <= told["1000"] <= told["1"] <= 1


BEGUN = "print(flush=True)\n"
SPIN = BEGUN + "while True: pass"
ASK = BEGUN + "with open('/dev/zero', 'rb', 0) as zero:\n    while True: zero.read(1 << 22)"


@pytest.mark.parametrize(
    ("code", "outside", "sampled"),
    [
        pytest.param(SPIN, True, True, id="outside, sampled"),
        pytest.param(ASK, False, False, id="inside"),
        pytest.param(SPIN, True, False, id="outside", marks=pytest.mark.slow),
        pytest.param(ASK, False, True, id="inside, sampled", marks=pytest.mark.slow),
    ],
)
def test_the_busiest_thread_is_found_with_what_it_used(code: str, outside: bool, sampled: bool) -> None:
    """A busy process has used no more CPU than time passed between two looks, in or outside the kernel as it does."""
    mine = Sampler.of(threading.get_native_id())
    if mine is not None:
        mine.close()
    elif sampled:
        pytest.skip("the system permits no samples")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        try:
            with ThreadTimes(process.pid, sampled=sampled) as times:
                assert process.stdout is not None
                process.stdout.readline()  # Python has started
                times.sample()
                start = time.monotonic_ns()
                for _ in range(4):
                    time.sleep(0.2)
                    times.sample()
        finally:
            process.kill()
    used = times.busiest(start, time.monotonic_ns())
    assert 0 < used.cpu_ns <= (used.end_ns - used.start_ns) * 1.1
    assert (used.user_share > 0.5, used.sampled) == (outside, sampled)
    with pytest.raises(ValueError, match="looked at twice"):
        times.busiest(0, start)
