"""R15, looking on does not disturb: the live view on a terminal against no view, in turn, in pairs of runs.

Two loads: as many output events per second as one worker takes, and requests at a rate that leaves the client idle for
most of the time. The view shares the client's processor, which is the worst place that it can have. Each pair gives
one ratio of on to off; the median of the ratios is the figure, and how far the ratios of runs without the view are
apart says how much of it is chance.
"""

import argparse
import json
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.clients import service
from benchmarks.harness import Figure, Results, run_main
from benchmarks.place import ROOT, as_client
from benchmarks.threads import ThreadTimes
from fastbench._core.ring import FLAGS
from fastbench.recording.reader import Recording

PROMISES = ("R15",)
GOALS = {"events_per_s": 0.02, "ttft_p99_ms": 0.01}
GOAL_VIEW_CPU = 0.02
TTFT_MS = 100
START_NS = 500_000_000
"""Of the view, during which the load waits for it."""
_NAMES = {"events_per_s": "output events/s at the ceiling", "ttft_p99_ms": "TTFT p99 at a rate"}
_NOT_MEASURED = FLAGS["warmup"] | FLAGS["superseded"]


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs of each load")
    parser.add_argument("--requests", type=int, default=6400, help="of the ceiling, 4,096 tokens each")
    parser.add_argument("--rate", type=int, default=200, help="requests per second")
    parser.add_argument("--seconds", type=float, default=4.0, help="of the runs at that rate")


def measure(rounds: int, requests: int, rate: int, seconds: float) -> Results:
    """figure → on or off → a list of rounds; and the view's share of a processor in each run that had one."""
    ceiling = ["--concurrency", 64, "--num-prompts", requests, "--output-len", 4096]
    at_rate = ["--rate", f"{rate}/s", "--num-prompts", round(rate * seconds), "--output-len", 32]
    loads = {"events_per_s": ({"ttft_ms": 0, "itl_ms": 0}, ceiling), "ttft_p99_ms": ({"ttft_ms": TTFT_MS}, at_rate)}
    results: Results = {"view_cpu": []}
    for figure, (simulated, options) in loads.items():
        results[figure] = {"on": [], "off": []}
        with service(**simulated) as mock:
            for number in range(rounds):
                # Whoever comes second may find the machine warmer: they take turns.
                for way in ("on", "off") if number % 2 else ("off", "on"):
                    found = _run(mock.url, way == "on", options)
                    results[figure][way].append(found[figure])
                    results["view_cpu"] += found["view_cpu"]
    return results


def _run(url: str, view: bool, options: list[Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name, _terminal() as side:
        command = [sys.executable, "-m", "fastbench", "perf", "--url", url, "--model", "mock", "-w", name, "--no-plot"]
        command += ["--input-len", "16", *map(str, options), *([] if view else ["--quiet"])]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=side,
            env={**os.environ, "TERM": "xterm"},
            preexec_fn=as_client,
            cwd=ROOT,
        )
        shares = list(_view_shares(process))
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        results = next(Path(name).glob("*/performances/*"))
        report = json.loads(next(path for path in results.glob("*.json") if "_trust" not in path.name).read_text())
        rows = Recording.open(next(results.glob("*_recording"))).rows
    rows = rows[(rows["flags"] & _NOT_MEASURED) == 0]
    return {
        "events_per_s": float(report["Output Token Throughput"]["total"].split()[0]),
        "ttft_p99_ms": float(np.percentile(rows["first_token_ns"] - rows["sent_ns"], 99)) / 1e6,
        "view_cpu": shares,
    }


def _view_shares(process: "subprocess.Popen[bytes]") -> Iterator[float]:
    """Waits for the end; the share of a processor that the view used while it could be looked at, if there was one."""
    times: ThreadTimes | None = None
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    start = time.monotonic_ns()
    while process.poll() is None:
        if times is not None:
            times.sample()
        elif children.exists() and (found := _view_in(children.read_text().split())):
            times, start = ThreadTimes(found), time.monotonic_ns()
        time.sleep(0.1)
    if times is None:
        return
    with suppress(ValueError):  # it was there for too short a time
        usage = times.busiest(start + START_NS, time.monotonic_ns())
        yield usage.cpu_ns / (usage.end_ns - usage.start_ns)


def _view_in(pids: list[str]) -> int | None:
    for pid in pids:
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and b"fastbench.dashboard" in command.read_bytes():
            return int(pid)
    return None


@contextmanager
def _terminal() -> Iterator[int]:
    """The side of a terminal that is drawn on; what is drawn is read at once, and thrown away."""
    master, side = pty.openpty()

    def read() -> None:
        while True:
            try:
                os.read(master, 65536)
            except OSError:  # Linux says so when all other sides have closed
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield side
    finally:
        os.close(side)
        reader.join()
        os.close(master)


def _ratio(turns: dict[str, list[float]]) -> float:
    return statistics.median(on / off for on, off in zip(turns["on"], turns["off"], strict=True))


def _chance(turns: dict[str, list[float]]) -> float:
    """How far neighbouring runs without the view are apart, as a share; 0 where there is only one."""
    return statistics.median([abs(after / before - 1) for before, after in pairwise(turns["off"])] or [0.0])


def details(results: Results) -> str:
    """All runs."""
    rows = [
        (_NAMES[figure], way, *(f"{value:,.3f}" for value in results[figure][way]))
        for figure in GOALS
        for way in ("off", "on")
    ]
    return str(tabulate(rows, ["figure", "view", *([""] * len(rows[0][2:]))], disable_numparse=True))


def figures(results: Results) -> list[Figure]:
    """On against off, and what the view itself uses."""
    lines = []
    for figure, goal in GOALS.items():
        off_by, chance = _ratio(results[figure]) - 1, _chance(results[figure])
        lines.append(
            Figure.against(
                "R15",
                f"{_NAMES[figure]}, view on against off",
                f"< {goal:.0%}",
                f"{off_by:+.2%}",
                abs(off_by) < goal,
                f"runs without the view are {chance:.2%} apart themselves",
            )
        )
    return [*lines, _view_cpu(results["view_cpu"])]


def _view_cpu(shares: list[float]) -> Figure:
    what, goal = "the view's own share of a processor", f"< {GOAL_VIEW_CPU:.0%}"
    if not shares:
        return Figure("R15", what, goal, "?", met=None, why="no run was long enough to look at it twice")
    cpu = statistics.median(shares)
    missed = f"drawing takes {cpu:.1%} of a processor on this machine"
    return Figure.against("R15", what, goal, f"{cpu:.2%}", cpu < GOAL_VIEW_CPU, missed)


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
