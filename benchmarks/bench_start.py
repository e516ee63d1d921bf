"""P8, start: `fastbench --help`, and a command's call to its first request's arrival at the service.

    python -m benchmarks.bench_start [--rounds 15] [--json FILE]

The service runs already, and logs when a request reached it, on the same clock. The model's name is given, so nothing
has to be asked first; the request may be the warm-up's or, with --num-warmups 0 as here, the first measured one.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from benchmarks.perf_run import perf
from benchmarks.watched import FASTBENCH, watch
from fastbench.mock import Mock

PROMISES = ("P8",)
HELP_S = 0.2
FIRST_REQUEST_S = 0.6


def parameters(parser: argparse.ArgumentParser) -> None:
    """How often."""
    parser.add_argument("--rounds", type=int, default=15)


def measure(rounds: int) -> Results:
    """Both starts, in turn, after one of each that warms the page cache."""
    found: Results = {"help": [], "first_request": [], "python": []}
    with tempfile.TemporaryDirectory() as name, Mock(ttft_ms=0, itl_ms=0, log=str(Path(name, "log"))) as mock:
        for _ in range(rounds + 1):
            found["help"].append(watch([*FASTBENCH, "--help"]).seconds)
            found["python"].append(watch([sys.executable, "-c", "pass"]).seconds)
            before = len(mock.log_entries())
            called_ns = time.monotonic_ns()
            perf(mock, "--num-prompts", 1, "--input-len", 16, "--output-len", 1)
            arrived = min(entry["arrived_ns"] for entry in mock.log_entries(before + 1)[before:])
            found["first_request"].append((arrived - called_ns) / 1e9)
    return {what: seconds[1:] for what, seconds in found.items()}


def details(results: Results) -> str:
    """Median and range of each."""
    rows = [(what, statistics.median(seconds), min(seconds), max(seconds)) for what, seconds in results.items()]
    return str(tabulate(rows, ["seconds", "median", "least", "most"], floatfmt=".3f"))


def figures(results: Results) -> list[Figure]:
    """One for each start."""
    bare = statistics.median(results["python"])
    starts = (("help", "fastbench --help", HELP_S), ("first_request", "command to first request", FIRST_REQUEST_S))
    return [_figure(what, results[name], goal, bare) for name, what, goal in starts]


def _figure(what: str, rounds: list[float], goal: float, bare: float) -> Figure:
    seconds = statistics.median(rounds)
    return Figure.against(
        "P8",
        what,
        f"<= {goal} s",
        f"{seconds:.3f} s",
        seconds <= goal,
        f"{seconds - goal:.3f} s too long; Python alone takes {bare:.3f} s",
        ratio=f"{seconds / bare:.1f} x bare Python",
    )


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
