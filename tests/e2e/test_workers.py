"""Several workers on one host: the plan, the counts and the percentiles are those of one."""

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from nursery import Mock
from running import LIMIT_S, Running, perf, write_config
from shared_data import MOONCAKE, needs

from fastbench._core.ring import FLAGS
from fastbench.metrics import compute
from fastbench.recording import Recording

STATS = ("Average", "Min", "Max", "Median", "P75", "P90", "P99")
SHORT = ("--input-len", 8, "--output-len", "2:6", "--quiet", "--no-plot")
CLOSED = (*SHORT, "--num-prompts", 80, "--concurrency", 8)
OPEN = (*SHORT, "--num-prompts", 80, "--rate", "200/s", "--burstiness", 1)
MS = 1_000_000
TRACE_ROWS = int(os.environ.get("FASTBENCH_TRACE_ROWS", "600"))
"""Of the public trace; all 12,031 take 72 s."""
TRACE_S = 150


def final(recording: Recording) -> np.ndarray:
    """The measured rows, by request."""
    rows = recording.rows[recording.rows["flags"] & (FLAGS["warmup"] | FLAGS["superseded"]) == 0]
    return np.sort(rows, order="request")


@pytest.mark.parametrize("load", [CLOSED, OPEN], ids=["closed", "open"])
def test_two_workers_send_the_plan_of_one(tmp_path: Path, service: Mock, load: tuple[str | int, ...]) -> None:
    """With two workers the same requests go out, at the same times of the plan, with the same counts."""
    rows = []
    for workers in (1, 2):
        directory = tmp_path / str(workers)
        directory.mkdir()
        ended = perf(directory, "--url", service.url, *load, "--workers", workers)
        assert ended.code == 0
        assert ended.trust["outcomes"] == {"ok": 80}
        assert len(ended.recording.parts) == workers
        assert ended.recording.damage == []
        rows.append(final(ended.recording))
    one, two = rows
    for name in ("request", "sample", "planned_input", "planned_output", "output_tokens", "input_tokens"):
        assert np.array_equal(one[name], two[name]), name
    if load is OPEN:
        assert np.array_equal(*(found["intended_ns"] - found["intended_ns"][0] for found in rows))
    assert np.all(two["sent_ns"] >= two["intended_ns"])


def test_percentiles_are_those_of_all_parts_together(tmp_path: Path, service: Mock) -> None:
    """What a report of two parts says is what numpy makes of the rows and gaps of both, to the last bit."""
    recording = perf(tmp_path, "--url", service.url, *CLOSED, "--workers", 2).recording
    rows = np.concatenate([part.table.rows for part in recording.parts])
    assert min(len(part.table.rows) for part in recording.parts) > 10, "both have taken of the queue"
    assert recording.rows.tobytes() == rows.tobytes()
    measured = rows[rows["flags"] & FLAGS["warmup"] == 0]
    metrics = {parameter.name: parameter.values for parameter in compute(recording, STATS).parameters}
    for name, since, until in (("TTFT", "sent_ns", "first_token_ns"), ("E2EL", "sent_ns", "last_token_ns")):
        spans = measured[until] - measured[since]
        assert metrics[name]["P99"] == np.percentile(spans, 99) / MS
        assert metrics[name]["Median"] == np.percentile(spans, 50) / MS


def test_a_killed_worker(tmp_path: Path) -> None:
    """A worker killed in the middle costs its own requests alone: they are lost, the report stands and says so."""
    load = (*SHORT, "--num-prompts", 200, "--rate", "50/s", "--workers", 2, "--num-warmups", 0)
    with (
        Mock(ttft_ms=20, itl_ms=2, log=tmp_path / "log") as mock,
        Running(tmp_path, "--url", mock.url, *load) as running,
    ):
        mock.log_entries(40)
        os.kill(worker_of(running.process.pid, tmp_path / "out"), signal.SIGKILL)
        ended = running.end()
    outcomes = ended.trust["outcomes"]
    lost = outcomes["no outcome (lost from the recording)"]
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith("fastbench: worker 1 died")
    count = 200 - lost - 100
    assert f"the {count} requests it had recorded count" in ended.err or count == 1
    assert sum(outcomes.values()) == 200
    assert outcomes["ok"] == len(final(ended.recording)) == 200 - lost
    assert 0 < lost < 100
    assert set(final(ended.recording)["request"]) >= set(range(0, 200, 2))
    assert "worker 1 died or was killed" in ended.out


def worker_of(parent: int, work_dir: Path) -> int:
    """The process that writes the second part."""
    (part,) = work_dir.rglob("requests-1.fbr")
    give_up = time.monotonic() + LIMIT_S
    while time.monotonic() < give_up:
        for process in children(parent):
            if _has_open(process, part):
                return process
        time.sleep(0.01)
    raise AssertionError("nobody writes the second part")


def children(parent: int) -> list[int]:
    """The processes that any of its threads has started."""
    found = []
    for listing in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):  # a thread that has ended
            found += map(int, listing.read_text().split())
    return found


def _has_open(process: int, file: Path) -> bool:
    try:
        return any(link.resolve() == file.resolve() for link in Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return False


def test_ctrl_c_reaches_all_workers(tmp_path: Path) -> None:
    """A terminal's Ctrl-C, which all processes get, lets both workers finish what is in flight, and ends the command
    with 130."""
    load = (*SHORT, "--num-prompts", 400, "--rate", "50/s", "--workers", 2, "--num-warmups", 0)
    with (
        Mock(ttft_ms=20, itl_ms=2, log=tmp_path / "log") as mock,
        Running(tmp_path, "--url", mock.url, *load) as running,
    ):
        mock.log_entries(20)
        os.killpg(running.process.pid, signal.SIGINT)
        ended = running.end()
    assert ended.code == 130
    assert set(ended.trust["outcomes"]) == {"ok", "cancelled"}
    assert sum(ended.trust["outcomes"].values()) == 400
    assert ended.recording.damage == []


def test_ctrl_c_in_a_workers_first_moment(tmp_path: Path, service: Mock) -> None:
    """Ctrl-C while the workers' processes only begin stops the run as at any other time: no traceback, nothing sent."""
    load = (*SHORT, "--num-prompts", 40, "--concurrency", 4, "--workers", 2, "--num-warmups", 0)
    with Running(tmp_path, "--url", service.url, *load, fork=False) as running:
        give_up = time.monotonic() + LIMIT_S
        while not any(map(_begins, children(running.process.pid))):
            assert time.monotonic() < give_up, "no worker was started"
            time.sleep(0.002)
        os.killpg(running.process.pid, signal.SIGINT)
        ended = running.end()
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    assert ended.err.splitlines()[-1].startswith("fastbench: stopped by the user; for the rest: ")


def _begins(process: int) -> bool:
    try:
        return b"fastbench.run.workers.member" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.mark.slow
@needs(MOONCAKE)
def test_the_mooncake_trace_over_two_workers(tmp_path: Path) -> None:
    """The beginning of the public trace at 50 times its speed, over two workers: each request once, none early, each
    at its own time to the nanosecond."""
    lines = MOONCAKE.read_text().splitlines()[:TRACE_ROWS]
    short = [{**json.loads(line), "input_length": 100, "output_length": 2, "hash_ids": [0]} for line in lines]
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in short))
    with Mock(ttft_ms=1, itl_ms=0) as mock:
        model = {"type": "openai_chat", "url": mock.url, "use_timestamp": True}
        config = write_config(tmp_path, models=[model], datasets=[{"type": "mooncake", "path": str(path)}])
        options = ("--trace-speed", 50, "--num-warmups", 0, "--workers", 2, "-q", "--no-plot")
        with Running(tmp_path, config, *options) as running:
            ended = running.end(TRACE_S)
    rows = final(ended.recording)
    expected = np.sort([round(row["timestamp"] * MS / 50) for row in short])
    lateness = rows["sent_ns"] - rows["intended_ns"]
    assert ended.trust["outcomes"] == {"ok": len(lines)}
    assert np.array_equal(rows["request"], np.arange(len(lines)))
    assert np.array_equal(rows["intended_ns"] - rows["intended_ns"][0], expected - expected[0])
    assert np.all(lateness >= 0)
    assert len(ended.recording.parts) == 2
    print(f"lateness P99 {np.percentile(lateness, 99) / MS:.3f} ms, max {lateness.max() / MS:.3f} ms")
