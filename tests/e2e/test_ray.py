"""The nodes of a Ray cluster send the load: two node processes of this machine."""

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from nursery import ROOT, Mock, package_environment
from priorities import may_be_real_time
from running import Running, perf

from fastbench._core.ring import FLAGS

pytest.importorskip("ray", reason="the extra [ray] is not installed")

LIMIT_S = 150
LOAD = ("--input-len", 8, "--output-len", 4, "--quiet", "--no-plot")
LOST = "no outcome (lost from the recording)"
ENV = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}


class Nodes:
    """A cluster, and a way to kill its nodes."""

    def __init__(self, process: "subprocess.Popen[str]", address: str) -> None:
        self._process = process
        self.address = address

    def kill_one(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("kill\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "killed\n"


@contextmanager
def cluster(count: int) -> Iterator[Nodes]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("ray_nodes.py")), str(count)],
        env=package_environment(ENV),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, "the cluster did not start"
        yield Nodes(process, address)
    finally:
        process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        try:
            process.wait(30)
        finally:
            # All of its processes are in one session; whatever is left of it goes.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with cluster(2) as made:
        yield made


def test_no_cluster(tmp_path: Path) -> None:
    """Where no cluster answers one sentence says so at once, and says what to do."""
    with Mock() as mock:
        ended = perf(tmp_path, "--url", mock.url, *LOAD, "--concurrency", 4, "--ray", "127.0.0.1:1", "--nodes", 2)
    assert ended.code == 2
    assert ended.one_sentence() == (
        "fastbench: --ray 127.0.0.1:1: no Ray cluster can be reached ([Errno 111] Connection "
        "refused); start one with `ray start --head`, or give its address"
    )


def test_more_nodes_than_there_are(tmp_path: Path, nodes: Nodes) -> None:
    """A cluster that is too small is told of before anything is sent."""
    with Mock() as mock:
        ended = perf(tmp_path, "--url", mock.url, *LOAD, "--concurrency", 9, "--ray", nodes.address, "--nodes", 9)
    assert ended.code == 2
    assert "--nodes is 9, but the Ray cluster at " in ended.err.splitlines()[-1]


def test_two_nodes_and_a_death(tmp_path: Path, nodes: Nodes) -> None:
    """Two nodes send the plan of one run; when one of them is killed in the middle its requests are lost, the other
    goes on to its end, the report stands, and the exit code says that something is missing."""
    options = ("--ray", nodes.address, "--nodes", 2)
    with Mock(ttft_ms=5, itl_ms=1, log=tmp_path / "log") as mock:
        whole = ("--url", mock.url, *LOAD, "--num-prompts", 100, "--rate", "100/s", *options)
        (tmp_path / "whole").mkdir()
        with Running(tmp_path / "whole", *whole) as running:
            ended = running.end(LIMIT_S)
        assert ended.code == 0, ended.err
        rows = ended.recording.rows[ended.recording.rows["flags"] & FLAGS["warmup"] == 0]
        rows = np.sort(rows, order="request")
        assert ended.trust["outcomes"] == {"ok": 100}
        assert bool(ended.trust["client"]["real_time_share"]) == may_be_real_time()
        assert np.array_equal(rows["request"], np.arange(100))
        assert np.all(np.abs(np.diff(rows["intended_ns"]) - 10_000_000) < 50_000_000)
        assert [part.header["share"]["number"] for part in ended.recording.parts] == [0, 1]
        for part in ended.recording.parts:
            assert part.footer is not None
            for clock in (part.header["clock"], part.footer["clock"]):
                assert clock["by"] == "round trips"
                assert abs(clock["offset_ns"]) < 50_000_000 + clock["bound_ns"]

        before = len(mock.log_entries())
        (tmp_path / "killed").mkdir()
        killed = ("--url", mock.url, *LOAD, "--num-prompts", 600, "--rate", "60/s", "--num-warmups", 0, *options)
        with Running(tmp_path / "killed", *killed) as running:
            mock.log_entries(before + 60)
            nodes.kill_one()
            ended = running.end(LIMIT_S)
    outcomes = ended.trust["outcomes"]
    assert ended.code == 1
    assert f"on the node {platform.node()} died and left no recording" in ended.err.splitlines()[-1]
    assert (sum(outcomes.values()), outcomes[LOST], outcomes["ok"]) == (600, 300, 300)
    assert "is missing" in ended.out
