"""fastbench from Python: real runs against the simulated service, and what they leave alone."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvloop
from nursery import ROOT, run_python
from running import EXAMPLES, LIMIT_S, Running, perf

import fastbench as fb

QUICK = {"input_len": 8, "output_len": "2:6", "num_prompts": 20, "concurrency": 4}
EMBEDDED = {**QUICK, "mock": {"ttft_ms": 10, "itl_ms": 1}}
ONE = pytest.param(1, marks=pytest.mark.slow)
WORKERS = pytest.mark.parametrize("workers", [ONE, 2])


@pytest.fixture
def own_services() -> None:
    """Services and workers of this process's runs are started as they are elsewhere."""


@pytest.fixture(autouse=True)
def forked_services(request: pytest.FixtureRequest) -> None:
    """Services and workers of this process's runs are forked off, which is no matter here, except with
    `own_services`."""
    if "own_services" not in request.fixturenames:
        request.getfixturevalue("forked_processes")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> fb.Result:
    """A run for tests that only read it."""
    return quick(tmp_path_factory.mktemp("measured"))


def quick(work_dir: Path, **settings: Any) -> fb.Result:
    """A run of 20 requests to an embedded service."""
    return fb.run(work_dir=work_dir, **{**EMBEDDED, **settings})


def children() -> str:
    found = ""
    for path in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread whose end the kernel is at
            found += Path(path, "children").read_text()
    return found


def descriptors() -> dict[str, str]:
    found = {}
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            found[path.name] = str(path.readlink())
    return found


def warm_libuv() -> None:
    """libuv keeps a pipe and four idle threads for the process, from its first loop and look-up on."""

    async def look_up() -> None:
        await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(look_up())


def script(tmp_path: Path, text: str, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """A plain script, run by its path in an empty directory."""
    (tmp_path / "measure.py").write_text(text, encoding="utf-8")
    # What is left open is told on standard error.
    command = [sys.executable, "-W", "always::ResourceWarning", str(tmp_path / "measure.py"), *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def forked_script(tmp_path: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A script that is forked off a process which has imported fastbench, as are the processes that it starts."""
    (tmp_path / "measure.py").write_text(text, encoding="utf-8")
    return run_python(tmp_path, *arguments, module="measure")


PLAIN = """
import sys
import fastbench as fb

result = fb.run(sys.argv[2], input_len=8, output_len=4, num_prompts=20, concurrency=4, workers=int(sys.argv[1]),
                work_dir="out")
print(result.outcomes, len(result.recording.parts))
"""


@WORKERS
@pytest.mark.usefixtures("own_services")
def test_a_plain_script_needs_no_main_guard(tmp_path: Path, service: fb.Mock, workers: int) -> None:
    """A script without `if __name__ == "__main__"` runs once, with several workers too, and only its own line shows."""
    ended = script(tmp_path, PLAIN, str(workers), service.url)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{{'ok': 20}} {workers}\n"


BARE = """
import os, sys
import fastbench as fb

place, work_dir = sys.argv[1:]
os.mkdir(place)
os.chdir(place)
os.rmdir(place)
os.closerange(0, 3)
result = fb.run(mock={"ttft_ms": 10}, input_len=8, output_len=4, num_prompts=20, concurrency=4, workers=2,
                work_dir=work_dir, models=[], header={})
left = [number for number in range(3) if os.path.lexists(f"/proc/self/fd/{number}")]
with open(os.path.join(work_dir, "told"), "w") as file:
    # The listing's own descriptor, and that of the file, take the place of closed ones.
    print(result.outcomes, left, file=file)
"""


def test_no_descriptor_and_no_directory_is_needed(tmp_path: Path) -> None:
    """A run without standard streams, in a current directory that was deleted, goes well and opens none for good."""
    ended = forked_script(tmp_path, BARE, str(tmp_path / "gone"), str(tmp_path))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert (tmp_path / "told").read_text() == "{'ok': 20} []\n"


def test_a_thread_that_is_not_the_main_one_may_run(tmp_path: Path) -> None:
    """A run in a thread returns its result there."""
    results: list[fb.Result] = []
    thread = threading.Thread(target=lambda: results.append(quick(tmp_path)))
    thread.start()
    thread.join()
    assert results[0].outcomes == {"ok": 20}


def test_a_running_event_loop_is_no_hindrance(tmp_path: Path) -> None:
    """A coroutine may call `run`, and its own loop goes on afterwards."""

    async def main() -> tuple[fb.Result, asyncio.AbstractEventLoop]:
        before = asyncio.get_running_loop()
        result = quick(tmp_path)
        await asyncio.sleep(0)
        assert asyncio.get_running_loop() is before
        return result, before

    result, _ = asyncio.run(main())
    assert result.outcomes == {"ok": 20}


def test_two_runs_follow_each_other_in_one_process(tmp_path: Path) -> None:
    """Each of two runs has a directory and a result of its own."""
    one, two = quick(tmp_path), quick(tmp_path, num_prompts=10)
    assert one.directory != two.directory
    assert (one.outcomes, two.outcomes) == ({"ok": 20}, {"ok": 10})


def test_two_runs_at_once_do_not_mix(tmp_path: Path) -> None:
    """Two threads' runs, which measure at once, each have their own log, progress, directory and requests."""
    counts = (30, 50)
    seen: dict[int, list[fb.Progress]] = {count: [] for count in counts}
    results: dict[int, fb.Result] = {}
    gate, both_measure = threading.Barrier(2), threading.Barrier(2)

    def measure(count: int) -> None:
        def tell(now: fb.Progress) -> None:
            if now.phase == "measure" and all(before.phase != "measure" for before in seen[count]):
                both_measure.wait(LIMIT_S)
            seen[count].append(now)

        gate.wait()
        results[count] = quick(tmp_path, num_prompts=count, output_len=30, on_progress=tell)

    threads = [threading.Thread(target=measure, args=(count,)) for count in counts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({result.directory for result in results.values()}) == 2
    for count in counts:
        assert results[count].outcomes == {"ok": count}
        assert seen[count][-1].ok == count
        assert {now.planned for now in seen[count] if now.phase == "measure"} == {count}
        (log,) = results[count].directory.glob("logs/performance/*/*.out")
        text = log.read_text(encoding="utf-8")
        assert f"{count} requests to" in text
        assert text.count("finished") == 1


def test_nothing_is_printed_and_signals_and_logging_stay_as_they_were(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], service: fb.Mock
) -> None:
    """A run with remarks, progress and failed requests writes nothing to the terminal, takes no signal over and touches
    no logger."""
    numbers = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}

    def handlers() -> dict[int, Any]:
        return {number: signal.getsignal(number) for number in numbers}

    def loggers() -> dict[str, Any]:
        known = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
        return {
            log.name: (log.handlers[:], log.level, log.propagate) for log in known if isinstance(log, logging.Logger)
        }

    fb.run(url=service.url, work_dir=tmp_path, **QUICK)  # everything is imported
    capfd.readouterr()
    before, tree, during = handlers(), loggers(), []
    result = quick(
        tmp_path,
        mock={"ttft_ms": 10, "fault": ["http=500:0.3"]},
        num_warmups=0,
        retry=0,
        on_progress=lambda _: during.append(signal.getsignal(signal.SIGINT)),
    )
    assert result.outcomes["http_error"] > 0
    assert set(during) == {signal.getsignal(signal.SIGINT)}
    assert handlers() == before
    assert loggers() == tree
    assert capfd.readouterr() == ("", "")


def outcome_of(work_dir: Path, fails: bool, workers: int) -> fb.Result | fb.FastbenchError:
    """The result of a run, or the error of one whose service refuses the key."""
    try:
        return quick(work_dir, workers=workers, **({"mock": {"fault": ["http=401"]}} if fails else {}))
    except fb.FastbenchError as error:
        return error


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("own_services")
def test_nothing_is_left_behind(tmp_path: Path, workers: int) -> None:
    """After a run, and after one that fails, there is no further thread, child process or open descriptor, though its
    result or error is kept and no garbage was collected."""
    warm_libuv()
    quick(tmp_path)
    gc.collect()
    gc.disable()
    try:
        before, threads = (children(), descriptors()), threading.enumerate()
        kept = []
        for fails in (True, False):
            kept.append(outcome_of(tmp_path, fails, workers))
            assert threading.enumerate() == threads
            assert (children(), descriptors()) == before
    finally:
        gc.enable()
    assert [type(one) for one in kept] == [fb.ServiceError, fb.Result]


INTERRUPTED = """
import sys, threading
import fastbench as fb

begun = []

def tell(now):
    if now.phase == "measure" and now.sent and not begun:
        begun.append(now)
        open("begun", "w").close()

try:
    fb.run(mock={"ttft_ms": 10, "itl_ms": 60_000}, input_len=8, output_len=8, num_prompts=8, concurrency=4,
           warmup_output_len=1, num_warmups=0, workers=int(sys.argv[1]), work_dir="out", on_progress=tell)
except KeyboardInterrupt:
    (result,) = fb.runs("out")
    print("interrupted", result.interrupted, result.recording.damage, sorted(result.outcomes),
          [thread.name for thread in threading.enumerate()],
          open('/proc/self/task/%d/children' % threading.get_native_id()).read().split(), flush=True)
"""


@WORKERS
def test_ctrl_c_ends_a_run_cleanly(tmp_path: Path, workers: int) -> None:
    """SIGINT ends what is in flight now, closes the recording and raises KeyboardInterrupt; no process is left."""
    (tmp_path / "measure.py").write_text(INTERRUPTED, encoding="utf-8")
    with Running(tmp_path, str(workers), module="measure") as running:
        give_up = time.monotonic() + LIMIT_S
        while not (tmp_path / "begun").exists():
            assert time.monotonic() < give_up
            time.sleep(0.02)
        os.killpg(running.process.pid, signal.SIGINT)
        ended = running.end()
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "interrupted True [] ['cancelled', 'ok'] ['MainThread'] []\n"
    with pytest.raises(ProcessLookupError):
        os.killpg(running.process.pid, 0)


def stopped(tmp_path: Path, act: Callable[[fb.Stop], None]) -> fb.Result:
    """A run whose replies never end, stopped as soon as it has begun."""
    stop = fb.Stop()

    def tell(now: fb.Progress) -> None:
        if now.phase == "measure" and now.sent and not stop.asked:
            threading.Thread(target=act, args=(stop,)).start()

    settings = {"mock": {"ttft_ms": 10, "itl_ms": 300}, "output_len": 3, "num_prompts": 400, "num_warmups": 0}
    return quick(tmp_path, **settings, on_progress=tell, stop=stop)


def test_another_thread_stops_a_run(tmp_path: Path) -> None:
    """`stop()` lets what is in flight end, `stop.at_once()` does not; both return the result so far."""
    drained, aborted = stopped(tmp_path, lambda stop: stop()), stopped(tmp_path, lambda stop: stop.at_once())
    assert drained.interrupted
    assert aborted.interrupted
    assert drained.outcomes["ok"] >= 4
    assert aborted.outcomes == {"ok": 0, "cancelled": 400}


def test_a_stop_before_the_start(tmp_path: Path) -> None:
    """A run that was stopped before it began is interrupted, and its numbers say that nothing was recorded."""
    stop = fb.Stop()
    stop()
    result = quick(tmp_path, stop=stop)
    assert result.interrupted
    with pytest.raises(fb.RecordingError, match="the run was stopped before anything was recorded"):
        _ = result.outcomes


@pytest.mark.parametrize("fault", [LookupError, KeyboardInterrupt])
def test_a_fault_of_the_callers_own_ends_the_run(tmp_path: Path, fault: type[BaseException]) -> None:
    """What `on_progress` raises is raised by `run`, and the recording is closed before."""

    def tell(_: fb.Progress) -> None:
        raise fault("mine")

    began = time.monotonic()
    with pytest.raises(fault, match="mine"):
        quick(tmp_path, mock={"ttft_ms": 10, "itl_ms": 60_000}, num_warmups=0, on_progress=tell)
    assert time.monotonic() - began < LIMIT_S
    (result,) = fb.runs(tmp_path)
    assert result.interrupted
    assert result.recording.damage == []


def test_the_run_directory_is_that_of_the_command_line(tmp_path: Path) -> None:
    """But for the report, which `report` writes, a run leaves the very files that `fastbench perf` leaves."""

    def files(run: Path) -> set[str]:
        return {str(path.relative_to(run)).replace(run.name, "RUN") for path in run.rglob("*") if path.is_file()}

    load = ("--input-len", 8, "--output-len", "2:6", "--num-prompts", 20, "--concurrency", 4)
    command = perf(tmp_path, "--mock", *load, "--quiet", page=True)
    result = quick(tmp_path / "api", mock=True)
    reports = {str(path.relative_to(result.directory)) for path in result.report()}
    assert files(result.directory) == files(command.run)
    assert reports < files(command.run)
    assert {path.split("/")[0] for path in files(command.run) - reports} == {
        "configs",
        "logs",
        "performances",
        "status",
    }


def test_a_config_file_a_mapping_and_a_url_name_the_same_run(tmp_path: Path, service: fb.Mock) -> None:
    """A run comes of a config's path, of its settings, of a service's URL, and of a checked config, with keywords over
    the first three."""
    text = f"models = [dict(type='openai_chat', abbr='m', url={service.url!r}, batch_size=4)]\n"
    text += "datasets = [dict(type='synthetic', abbr='d', count=9, input_len=8, output_len=3)]\n"
    path = tmp_path / "run.py"
    path.write_text(text, encoding="utf-8")
    settings: dict[str, Any] = {}
    exec(text, settings)
    mapping = {name: settings[name] for name in ("models", "datasets")}
    results = [
        fb.run(path, work_dir=tmp_path / "out"),
        fb.run(mapping, work_dir=tmp_path / "out", output_len=3),
        fb.run(service.url, work_dir=tmp_path / "out", num_prompts=9, input_len="8", output_len=3, concurrency="4"),
    ]
    assert [result.outcomes for result in results] == [{"ok": 9}] * 3
    assert [result.name for result in results] == ["m/d", "m/d", "openai-chat/synthetic"]
    assert mapping == {name: settings[name] for name in ("models", "datasets")}


def test_several_tasks_are_for_run_all(tmp_path: Path, service: fb.Mock) -> None:
    """`run` refuses a config of two tasks by name, and `run_all` carries out both, in the config's order."""
    model = {"type": "openai_chat", "url": service.url, "batch_size": 4}
    config = {
        "models": [{**model, "abbr": "b"}, {**model, "abbr": "a"}],
        "datasets": [{"type": "synthetic", "abbr": "d", "count": 6, "input_len": 8, "output_len": 2}],
    }
    with pytest.raises(fb.UsageError, match=r"has 2 tasks \(b/d, a/d\): use fastbench\.run_all"):
        fb.run(config, work_dir=tmp_path / "none")
    assert not (tmp_path / "none").exists()
    told: set[str] = set()
    results = fb.run_all(config, work_dir=tmp_path, on_progress=lambda name, _: told.add(name), max_num_workers=2)
    assert [result.name for result in results] == ["b/d", "a/d"]
    assert len({result.directory for result in results}) == 1
    assert told == {"b/d", "a/d"}
    assert [result.name for result in fb.runs(tmp_path)] == ["a/d", "b/d"]


def test_a_failed_task_raises_and_tells_where_its_log_is(tmp_path: Path) -> None:
    """A service that refuses the key is a ServiceError whose note names the run's directory."""
    with pytest.raises(fb.ServiceError) as caught:
        quick(tmp_path, mock={"fault": ["http=401"]})
    (run,) = tmp_path.iterdir()
    assert caught.value.__notes__ == [f"The run's directory, with its log, is {run}."]


def test_a_stage_that_the_run_lacks_costs_no_result(tmp_path: Path) -> None:
    """Where the stage asked for is not there, the whole run is shown, and a remark says so."""
    result = quick(tmp_path, window="1000s:2000s")
    assert result.metrics.stage == "total"
    assert result.remarks[-1].endswith("; the whole run is shown")


def test_the_worked_example_prints_a_line_for_each_concurrency(tmp_path: Path) -> None:
    """The sweep of `examples/` runs as it stands, but for less load, with P99 and tokens/s from each result."""
    text = (EXAMPLES / "sweep.py").read_text(encoding="utf-8")
    assert "8 * concurrency" in text
    ended = forked_script(tmp_path, text.replace("8 * concurrency", "2 * concurrency"))
    assert ended.returncode == 0
    line = r" *(\d+) in flight: TTFT P99 [\d.]+ ms, (\d+) token/s, (?:IN)?VALID"
    found = [re.fullmatch(line, text) for text in ended.stdout.splitlines()]
    assert [match and match[1] for match in found] == ["4", "16", "64"]
    assert ended.stderr == ""


def test_a_notebook_gets_escaped_html_without_anything_from_outside(tmp_path: Path) -> None:
    """The notebook's picture of a result has its verdict and figures, and what a service says is text in it."""
    mock = {"ttft_ms": 10, "model": "<script>alert(1)</script>", "fault": ["http=500:0.2"]}
    result = quick(tmp_path, mock=mock, retry=0, num_warmups=0)
    html = result._repr_html_()
    assert '<p class="verdict ' in html
    assert result.service in html
    assert "http_error" in html
    assert "<script" not in html
    assert not re.search(r"(src|href|url)\s*[=(]", html)


def test_requests_are_the_recording(measured: fb.Result) -> None:
    """Columns, gaps and token times of each request agree with the report's figures and with each other."""
    result, requests = measured, measured.requests
    assert sorted(requests["request"]) == list(range(20))
    assert np.percentile(requests["ttft_ms"], 99) == pytest.approx(result["TTFT"]["P99"])
    gaps = np.concatenate([result.gaps_ms(number) for number in range(20)])
    assert gaps.size == result["ITL"].samples
    assert gaps.mean() == pytest.approx(result["ITL"]["Average"])
    for place, number in enumerate(requests["request"]):
        moments = result.token_ms(int(number))
        assert moments.size == requests["events"][place]
        assert moments[0] == pytest.approx(requests["ttft_ms"][place])
        assert np.diff(moments) == pytest.approx(result.gaps_ms(int(number)))
    with pytest.raises(KeyError, match="no request 20 was measured"):
        result.gaps_ms(20)


def test_requests_that_failed_have_no_latency(tmp_path: Path) -> None:
    """A failed request has its outcome, status and message in the columns, NaN for latencies, and null in arrow."""
    arrow = pytest.importorskip("pyarrow")
    result = quick(tmp_path, mock={"ttft_ms": 10, "fault": ["http=503:0.3"]}, retry=0, num_warmups=0)
    requests = result.requests
    failed = requests["outcome"] == "http_error"
    assert 0 < failed.sum() == result.outcomes["http_error"] < 20
    assert set(requests["status"][failed]) == {503}
    assert np.isnan(requests["ttft_ms"][failed]).all()
    assert not np.isnan(requests["ttft_ms"][~failed]).any()
    assert [message is not None for message in requests["message"]] == failed.tolist()
    table = result.to_arrow()
    assert isinstance(table, arrow.Table)
    assert table.column("ttft_ms").null_count == failed.sum()
    assert table.column_names == list(requests)


def test_a_table_without_its_package_says_what_to_install(measured: fb.Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pandas and pyarrow the tables are UsageErrors that name them."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(fb.UsageError, match="pip install pandas"):
        measured.to_pandas()
    with pytest.raises(fb.UsageError, match=r"to_arrow\(\) needs the package pyarrow"):
        measured.to_arrow()


def test_finished_runs_are_read_again(tmp_path: Path) -> None:
    """`runs`, `open`, `compute`, `report` and `export` find in the directory what `run` returned."""
    first, second = quick(tmp_path / "w"), quick(tmp_path / "w", stats="P50,P99")
    assert [found.path for found in fb.runs(tmp_path / "w")] == [first.path, second.path]
    assert [found.metrics for found in fb.runs(second.directory)] == [second.metrics]
    recording = fb.open(second.directory)
    assert fb.compute(recording, stats=["P50", "P99"]) == second.metrics
    assert fb.compute(second).stats == ("Average", "Min", "Max", "Median", "P75", "P90", "P99")
    written = fb.report(recording, tmp_path / "report", stats="P90", page=False)
    assert {path.parent for path in written} == {tmp_path / "report"}
    assert "P90" in (tmp_path / "report" / "synthetic.csv").read_text(encoding="utf-8").splitlines()[0]
    assert fb.export(second, tmp_path / "requests.csv").read_text(encoding="utf-8").count("\n") == 21
    with pytest.raises(fb.UsageError, match="has 2 recordings"):
        fb.open(tmp_path / "w")
    with pytest.raises(fb.UsageError, match="'txt' is not an export format"):
        fb.export(second, tmp_path / "requests.txt")
    with pytest.raises(fb.NotARunError):
        fb.runs(tmp_path)


def test_a_metric_that_there_is_not_is_told_of(measured: fb.Result) -> None:
    """An unknown metric or statistic is a KeyError that says what there is."""
    result = measured
    with pytest.raises(KeyError, match=r"there is no Concurrency, only E2EL, TTFT.*; Concurrency is in common"):
        result["Concurrency"]
    with pytest.raises(KeyError, match="TTFT has no P12 here, only Average"):
        result["TTFT"]["P12"]
    assert "VALID" in repr(result)
    assert repr(result["TTFT"]).startswith("<TTFT in ms: Average ")


USER = """
import fastbench as fb

def measure(url: str) -> float | int | None:
    result: fb.Result = fb.run(url=url, concurrency=4, stop=fb.Stop())
    ms: float | int | None = result["TTFT"]["P99"]
    sent: list[int] = result.requests["sent_ns"].tolist()
    for found in fb.runs("outputs"):
        words: str = found.verdict.word
    metrics: fb.Metrics = fb.compute(fb.open("outputs"), stats=["P50"])
    reveal_type(fb.report)
    return ms
"""


@pytest.mark.slow
def test_types_hold_for_those_who_import_it(tmp_path: Path) -> None:
    """mypy --strict takes a user's script, and knows the functions that share their names with packages."""
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(USER, encoding="utf-8")
    # With the cache of those who check fastbench itself: without one it takes a minute.
    settings = (f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={ROOT / '.mypy_cache'}")
    command = [sys.executable, "-m", "mypy", "--strict", *settings, "user.py"]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "Success" in ended.stdout, ended.stdout + ended.stderr
    assert "def (source: fastbench.recording.reading.reader.Recording | fastbench.api.result.Result" in ended.stdout


def test_each_public_name_has_types() -> None:
    """The marker for type checkers is there, and each public function says what it takes and gives."""
    assert (Path(fb.__file__).parent / "py.typed").is_file()
    functions = [one for name in fb.__all__ if inspect.isfunction(one := getattr(fb, name))]
    assert {fb.run, fb.runs, fb.open, fb.compute, fb.report} <= set(functions)
    for function in functions:
        assert {*inspect.signature(function).parameters, "return"} == set(function.__annotations__), function


@pytest.mark.usefixtures("own_services")
def test_the_face_costs_nothing_and_its_names_are_what_they_say() -> None:
    """`import fastbench` imports no other module of it, and each public name stays itself when packages of the same
    name are imported."""
    code = (
        "import sys, fastbench; assert not [m for m in sys.modules if m.startswith('fastbench.')];"
        "from fastbench.run.stop import Stop; import fastbench.report;"
        "assert callable(fastbench.run) and callable(fastbench.report) and fastbench.Stop is Stop;"
        "[getattr(fastbench, name) for name in fastbench.__all__]; assert set(fastbench.__all__) <= set(dir(fastbench))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
