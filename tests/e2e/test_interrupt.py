"""Ctrl-C: once, what is in flight ends by itself; twice, at once. Either way the report is there."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from nursery import Mock, package_environment
from running import Ended, Running, fastbench_command
from streams import running_requests, wait_for_streams

from fastbench._core.ring import OUTCOMES
from fastbench.live import STOPPING

PLANNED = 400
SHORT, LONG = 12, 30


def outcome(ended: Ended, name: str) -> Any:
    """The rows of the recording that ended like this."""
    rows = ended.recording.rows
    return rows[rows["outcome"] == OUTCOMES.index(name)]


def last_word(ended: Ended) -> str:
    """The last line on standard error; before it nothing but that the first Ctrl-C was heard."""
    *before, last = ended.err.splitlines()
    assert before in ([], [f"fastbench: {STOPPING[1]}"])
    return last


def mixed_prompts(directory: Path) -> Path:
    """A data set whose first rows ask for little, the others for more than any test waits for."""
    path = directory / "rows.jsonl"
    lengths = [2] * SHORT + [5000] * LONG
    path.write_text("".join(json.dumps({"prompt": "x", "max_tokens": length}) + "\n" for length in lengths))
    return path


def test_once_drains(tmp_path: Path) -> None:
    """After one Ctrl-C those in flight end well, the rest is cancelled, and the report says what it stands on."""
    log = tmp_path / "log"
    load = ("--num-prompts", PLANNED, "--concurrency", 8, "--output-len", 40, "--input-len", 8, "--num-warmups", 0)
    with (
        Mock(ttft_ms=50, itl_ms=5, log=log) as mock,
        Running(tmp_path, "--url", mock.url, *load) as running,
    ):
        mock.log_entries(20)
        running.process.send_signal(signal.SIGINT)
        ended = running.end()
        entries = mock.log_entries()
    assert ended.code == 130
    assert re.fullmatch(
        r"fastbench: stopped by the user; for the rest: fastbench perf --reuse \S+ -w \S+", last_word(ended)
    )
    outcomes = ended.trust["outcomes"]
    assert set(outcomes) == {"ok", "cancelled"}
    assert sum(outcomes.values()) == PLANNED
    assert 20 <= outcomes["ok"] < 60
    # All that reached the service was let finish.
    assert outcomes["ok"] == len(entries)
    assert not any(entry["aborted"] for entry in entries)
    assert ended.parameters("N")["TTFT"] == outcomes["ok"]
    assert ended.common()["Total Requests"] == PLANNED
    assert "The run was interrupted (stopped by the user)." in ended.out
    assert ended.recording.footer is not None
    assert ended.recording.footer["interrupted"] is True


def test_twice_stops_at_once(tmp_path: Path) -> None:
    """A second Ctrl-C cancels what is in flight; what had ended is reported and the recording is whole."""
    rows = mixed_prompts(tmp_path)
    load = ("--dataset", rows, "--concurrency", 4, "--num-warmups", 0)
    with (
        Mock(ttft_ms=20, itl_ms=20, log=tmp_path / "log") as mock,
        Running(tmp_path, "--url", mock.url, *load) as running,
    ):
        mock.log_entries(SHORT)
        wait_for_streams(mock, 4)
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert running.process.poll() is None
        assert running_requests(mock) == 4
        running.process.send_signal(signal.SIGINT)
        ended = running.end()
    assert ended.code == 130
    assert "stopped by the user" in last_word(ended)
    assert ended.trust["outcomes"] == {"ok": SHORT, "cancelled": LONG}
    assert ended.parameters("N")["E2EL"] == SHORT
    cut = outcome(ended, "cancelled")
    assert (cut["sent_ns"] > 0).sum() == 4
    assert ended.recording.damage == []
    again = fastbench_command(tmp_path, "recalc", ended.run, "--no-plot")
    assert again.code == 0
    assert again.out in ended.out


def test_embedded_service_outlives_ctrl_c(tmp_path: Path) -> None:
    """A terminal sends Ctrl-C to all that runs in it: the embedded service still finishes what is in flight."""
    load = ("--num-prompts", PLANNED, "--concurrency", 8, "--output-len", 40, "--input-len", 8)
    with Running(tmp_path, "--mock-option", "ttft_ms=50", "--mock-option", "itl_ms=5", *load) as running:
        wait_for_rows(tmp_path / "out")
        os.killpg(running.process.pid, signal.SIGINT)
        ended = running.end()
    assert ended.code == 130
    assert "stopped by the user" in last_word(ended)
    assert set(ended.trust["outcomes"]) == {"ok", "cancelled"}


def wait_for_rows(work_dir: Path, least_bytes: int = 8192, seconds: float = 300.0) -> None:
    """Returns when the recording of the only run has grown to `least_bytes`: some requests have ended."""
    give_up = time.monotonic() + seconds
    while not any(path.stat().st_size >= least_bytes for path in work_dir.rglob("requests.fbr")):
        assert time.monotonic() < give_up, "nothing was recorded"
        time.sleep(0.02)


def test_before_anything_has_ended(tmp_path: Path) -> None:
    """Two at once, before the first request has ended: all are cancelled, and that is what the report says."""
    with Mock(ttft_ms=60_000) as mock, Running(tmp_path, "--url", mock.url, "--num-warmups", 0) as running:
        wait_for_streams(mock, 1)
        for _ in range(2):
            running.process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        ended = running.end()
    assert ended.code == 130
    assert ended.trust["outcomes"] == {"ok": 0, "cancelled": 100}


def test_during_warm_up(tmp_path: Path) -> None:
    """Stopped in the warm-up, nothing was measured: no complaint about the service, and all are cancelled."""
    load = ("--dataset", mixed_prompts(tmp_path))
    with Mock(ttft_ms=60_000) as mock, Running(tmp_path, "--url", mock.url, *load) as running:
        wait_for_streams(mock, 1)
        for _ in range(2):
            running.process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        ended = running.end()
    assert ended.code == 130
    assert "stopped by the user" in last_word(ended)
    assert ended.trust["outcomes"] == {"ok": 0, "cancelled": SHORT + LONG}


def test_before_the_prompts_are_made(tmp_path: Path) -> None:
    """Stopped while the service is asked how it counts tokens, nothing was begun, and one wish is enough."""
    with Mock(ttft_ms=60_000) as mock, Running(tmp_path, "--url", mock.url) as running:
        wait_for_streams(mock, 1)
        running.process.send_signal(signal.SIGINT)
        ended = running.end()
    assert (ended.code, ended.out) == (130, "")
    assert "stopped by the user" in last_word(ended)


def test_a_stopped_task_is_the_last(tmp_path: Path) -> None:
    """After Ctrl-C no further task begins, those that did not are named, and SIGTERM is as good, with exit code 143."""
    config = tmp_path / "run.py"
    with Mock(ttft_ms=50, itl_ms=5, log=tmp_path / "log") as mock:
        model = {"type": "openai_chat", "url": mock.url}
        models = [{**model, "abbr": abbr} for abbr in ("first", "second", "third")]
        datasets = [{"type": "synthetic", "count": 200, "input_len": 4, "output_len": 20}]
        config.write_text(f"models = {models}\ndatasets = {datasets}\nnum_warmups = 0\n")
        with Running(tmp_path, "--config", config) as running:
            mock.log_entries(2)
            running.process.send_signal(signal.SIGTERM)
            ended = running.end()
    assert ended.code == 143
    left = "second/synthetic, third/synthetic"
    resumed = f"fastbench perf --reuse {ended.run.name} -w {ended.run.parent}"
    told = f"fastbench: first/synthetic: stopped by the user; not begun: {left}; for the rest: {resumed}"
    assert last_word(ended) == told
    assert [path.name for path in (ended.run / "performances").iterdir()] == ["first"]


def interrupted_after(delay_s: float, directory: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a command that was interrupted some time after Python heard it first."""
    process = subprocess.Popen(
        # Python tells of the first import of ours, the earliest moment at which it can be asked for anything.
        [sys.executable, "-v", "-m", "fastbench", *arguments],
        cwd=directory,
        env=package_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process:
        for line in process.stderr:
            if "'fastbench.cli'" in line:
                break
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        # Past the buffer of what Python says, so that it may stand in the middle of a line of that.
        before, message, after = process.stderr.read().partition("fastbench: interrupted\n")
    others = [line for line in (before + after).splitlines(True) if not line.startswith(("#", "import "))]
    return process.returncode, message + "".join(others)


@pytest.mark.parametrize("delay_s", [0, 0.005, 0.01, 0.03, 0.06, 0.1, 0.2, 0.4])
def test_while_it_starts(tmp_path: Path, delay_s: float) -> None:
    """Ctrl-C in the imports, or whenever before the load, is one line and exit code 130; no traceback is shown."""
    config = tmp_path / "slow.py"
    config.write_text("import time\ntime.sleep(60)\n")
    code, err = interrupted_after(delay_s, tmp_path, "perf", "--config", str(config))
    assert (code, err) == (130, "fastbench: interrupted\n")
