"""R15, looking on does not disturb: the live view on a terminal against the same view held still.

In each run the view is stopped and continued (SIGSTOP, SIGCONT) by turns, so that what else happens on the machine
meets both alike. Two loads: as many output events per second as one worker takes, and requests at a rate that leaves
the client idle for most of the time. The view has the client's processor to share, the worst place for it. The turns
with and without it make pairs; the figure is the median of their ratios, and its standard error, from the pairs' own
scatter, says what can be told on this machine.
"""

import argparse
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.clients import service
from benchmarks.harness import Figure, Results, run_main
from benchmarks.place import ROOT, as_client
from benchmarks.sink import terminal
from benchmarks.threads import ThreadTimes
from fastbench._core.ring import FLAGS
from fastbench.metrics.samples.timeline import arrivals
from fastbench.recording import Recording
from fastbench.units import NS_PER_MS, NS_PER_S

PROMISES = ("R15",)
GOALS = {"events_per_s": 0.02, "ttft_p99_ms": 0.01}
GOAL_VIEW_CPU = 0.02
TTFT_MS = 100
BIN_NS = 10 * NS_PER_MS
SETTLE_S = 0.05
"""After the view was stopped or continued, which belongs to neither."""
_NAMES = {"events_per_s": "output events/s at the ceiling", "ttft_p99_ms": "TTFT p99 at a rate"}
_NOT_MEASURED = FLAGS["warmup"] | FLAGS["superseded"]


class Window(NamedTuple):
    """A stretch of a run, ns of CLOCK_MONOTONIC, with the view or without."""

    start_ns: int
    end_ns: int
    view: bool


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--rounds", type=int, default=2, help="runs of each load")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each run")
    parser.add_argument("--window", type=float, default=0.5, metavar="SECONDS", help="with the view, and without it")
    parser.add_argument("--rate", type=int, default=400, help="requests per second of the second load")


def measure(rounds: int, seconds: float, window: float, rate: int) -> Results:
    """figure → the ratios of all pairs, and the medians with the view and without; and what the view itself used."""
    loads: dict[str, tuple[dict[str, int], list[Any]]] = {
        "events_per_s": ({"ttft_ms": 0, "itl_ms": 0}, ["--concurrency", 64, "--output-len", 4096]),
        "ttft_p99_ms": ({"ttft_ms": TTFT_MS}, ["--rate", f"{rate}/s", "--output-len", 16]),
    }
    results: Results = {"view_cpu": []}
    for figure, (simulated, options) in loads.items():
        pairs: list[tuple[float, float]] = []
        with service(**simulated) as mock:
            for _ in range(rounds):
                found, cpu = _run(mock.url, figure, [*options, "--duration", f"{seconds}s"], window)
                pairs += found
                results["view_cpu"].append(cpu)
        results[figure] = [list(pair) for pair in pairs]
    return results


def _run(url: str, figure: str, options: list[Any], window_s: float) -> tuple[list[tuple[float, float]], float]:
    """(with, without) the view of each pair of windows, and the view's share of a processor."""
    with tempfile.TemporaryDirectory(prefix="fastbench-bench-") as name, terminal() as side:
        command = [sys.executable, "-m", "fastbench", "perf", "--url", url, "--model", "mock", "-w", name, "--no-plot"]
        process = subprocess.Popen(
            [*command, "--input-len", "16", *map(str, options)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=side,
            env={**os.environ, "TERM": "xterm"},
            preexec_fn=as_client,
            cwd=ROOT,
        )
        windows, times = _in_turn(process, Path(name), window_s)
        process.wait()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        recording = Recording.open(next(Path(name).glob("*/performances/*/*_recording")))
        windows = _within(windows, int(recording.rows["sent_ns"].max()))
        values = _VALUES[figure](recording, windows)
    usage = times.busiest(windows[0].start_ns, windows[-1].end_ns)
    watched = sum(window.end_ns - window.start_ns for window in windows if window.view)
    by_turn = zip(windows[::2], values[::2], values[1::2], strict=False)
    pairs = [(first, second) if window.view else (second, first) for window, first, second in by_turn]
    return [pair for pair in pairs if not math.isnan(sum(pair))], usage.cpu_ns / watched


def _in_turn(process: "subprocess.Popen[bytes]", work: Path, window_s: float) -> tuple[list[Window], ThreadTimes]:
    """Stops and continues the view of a run until its load is over: the windows, and the view's times."""
    view = _view_of(process)
    times = ThreadTimes(view)
    _wait_for_status(process, work, '"inferencing"')
    time.sleep(window_s)  # for the load to become steady
    windows: list[Window] = []
    shown = True
    while process.poll() is None and '"inferencing"' in _status(work):
        time.sleep(SETTLE_S)
        times.sample()
        start = time.monotonic_ns()
        time.sleep(window_s)
        windows.append(Window(start, time.monotonic_ns(), shown))
        times.sample()
        # Off, on, on, off, …: who comes second in a pair takes turns.
        following = shown if len(windows) % 2 == 0 else not shown
        if following is not shown:
            _tell(view, signal.SIGCONT if following else signal.SIGSTOP)
        shown = following
    _tell(view, signal.SIGCONT)
    return windows, times


def _tell(view: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # the run has just ended, and the view with it
        os.kill(view, number)


def _within(windows: list[Window], end_ns: int) -> list[Window]:
    """The pairs of windows in which requests were sent to the end."""
    whole = [window for window in windows if window.end_ns <= end_ns]
    if len(whole) < 2:
        raise ValueError("the run was too short for a pair of windows: make --seconds longer, or --window shorter")
    return whole[: len(whole) // 2 * 2]


def _view_of(process: "subprocess.Popen[bytes]") -> int:
    """The process that draws, as soon as there is one."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        for pid in children.read_text().split():
            command = Path(f"/proc/{pid}/cmdline")
            if command.exists() and b"fastbench.live" in command.read_bytes():
                return int(pid)
        time.sleep(0.01)
    raise ValueError("the run ended without a view")


def _wait_for_status(process: "subprocess.Popen[bytes]", work: Path, word: str) -> None:
    while word not in _status(work):
        if process.poll() is not None:
            raise ValueError("the run ended before its load began")
        time.sleep(0.01)


def _status(work: Path) -> str:
    return "".join(path.read_text() for path in work.glob("*/status/*.json"))


def _events_per_s(recording: Recording, windows: list[Window]) -> list[float]:
    origin = windows[0].start_ns
    bins = math.ceil((windows[-1].end_ns - origin) / BIN_NS)
    counts = arrivals(recording, _measured(recording), origin, BIN_NS, bins)
    found = []
    for window in windows:
        # Whole bins alone.
        first, stop = -((origin - window.start_ns) // BIN_NS), (window.end_ns - origin) // BIN_NS
        found.append(float(counts[first:stop].sum()) / ((stop - first) * BIN_NS / NS_PER_S))
    return found


def _ttft_p99_ms(recording: Recording, windows: list[Window]) -> list[float]:
    """Of the requests whose first token arrived in a window; not a number where there are none."""
    rows = recording.rows[_measured(recording)]
    ttft, at = (rows["first_token_ns"] - rows["sent_ns"]) / NS_PER_MS, rows["first_token_ns"]
    within = [ttft[(at >= window.start_ns) & (at < window.end_ns)] for window in windows]
    return [float(np.percentile(found, 99)) if found.size else math.nan for found in within]


def _measured(recording: Recording) -> NDArray[np.bool_]:
    rows = recording.rows
    return np.asarray(((rows["flags"] & _NOT_MEASURED) == 0) & (rows["first_token_ns"] > 0))


_VALUES = {"events_per_s": _events_per_s, "ttft_p99_ms": _ttft_p99_ms}


def _off_by(pairs: list[list[float]]) -> tuple[float, float]:
    """By how much the view changes a figure, as a share: the median of the pairs, and its standard error.

    That of a median is 1.25 times that of a mean; the scatter is told by the quartiles, which outliers leave alone.
    """
    ratios = [on / off - 1 for on, off in pairs]
    if len(ratios) < 4:
        return statistics.median(ratios), math.inf
    lower, _, upper = statistics.quantiles(ratios, n=4)
    return statistics.median(ratios), 1.25 * (upper - lower) / 1.35 / math.sqrt(len(ratios))


def details(results: Results) -> str:
    """The medians."""
    rows = []
    for figure in GOALS:
        off_by, error = _off_by(results[figure])
        on, off = (statistics.median(values) for values in zip(*results[figure], strict=True))
        shares = (f"{off_by:+.2%}", f"{error:.2%}")
        rows.append((_NAMES[figure], len(results[figure]), f"{off:,.3f}", f"{on:,.3f}", *shares))
    columns = ["figure", "pairs", "without the view", "with it", "median of the ratios", "standard error"]
    return str(tabulate(rows, columns, disable_numparse=True))


def figures(results: Results) -> list[Figure]:
    """With the view against without, and what the view itself uses."""
    lines = [_figure(name, goal, *_off_by(results[name])) for name, goal in GOALS.items()]
    cpu = statistics.median(results["view_cpu"])
    what, missed = "the view's own share of a processor", f"drawing takes {cpu:.1%} of a processor on this machine"
    goal = f"< {GOAL_VIEW_CPU:.0%}"
    return [*lines, Figure.against("R15", what, goal, f"{cpu:.2%}", cpu < GOAL_VIEW_CPU, missed)]


def _figure(name: str, goal: float, off_by: float, error: float) -> Figure:
    what, wanted, shown = f"{_NAMES[name]}, with the live view", f"within {goal:.0%}", f"{off_by:+.2%} ± {error:.2%}"
    if error > goal:
        why = "the seconds of a run differ more than the goal allows: this machine is not quiet"
        return Figure("R15", what, wanted, shown, met=None, why=why)
    return Figure.against("R15", what, wanted, shown, abs(off_by) < goal, f"off by {off_by:+.2%}")


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
