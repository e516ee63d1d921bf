"""P11, growth: time and memory of load, report and recalculation over the number of requests.

    python -m benchmarks.bench_growth [--requests 1000 10000 50000 250000] [--json FILE]

Load: the whole command against a service without gaps, 64 streams, 64 tokens a request. Recalculation: synthetic
recordings of 1,024 tokens a request. Growth from one size to the next is linear when the exponent is 1.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from benchmarks.perf_run import perf
from benchmarks.synthetic_recording import make_recording
from benchmarks.watched import FASTBENCH, watch
from fastbench.mock import Mock

PROMISES = ("P11",)
STREAMS, LOAD_TOKENS, RECALC_TOKENS = 64, 64, 1_024
EXPONENT = 1.1
"""Linear, with room for the noise of two runs."""
MB = 1e6
CURVES = {
    "load_s": ("time of load", "s"),
    "load_mb": ("memory of load", "MB"),
    "report_s": ("time of the report at the end", "s"),
    "report_mb": ("memory with the report", "MB"),
    "recalc_s": ("time of recalculation", "s"),
    "recalc_mb": ("memory of recalculation", "MB"),
}


def parameters(parser: argparse.ArgumentParser) -> None:
    """The sizes."""
    parser.add_argument("--requests", type=int, nargs="+", default=[1_000, 10_000, 50_000, 250_000])


def measure(requests: list[int]) -> Results:
    """Each size once; recalculation the better of two, the first of which warms the page cache."""
    with Mock(ttft_ms=0, itl_ms=0) as mock:
        loads = [_load(mock, count) for count in requests]
    recalcs = [_recalc(count) for count in requests]
    points = [{"requests": count, **load, **again} for count, load, again in zip(requests, loads, recalcs, strict=True)]
    return {"points": points}


def _load(mock: Mock, requests: int) -> dict[str, float]:
    sizes = ("--num-prompts", requests, "--input-len", LOAD_TOKENS, "--output-len", LOAD_TOKENS)
    run = perf(mock, *sizes, "--concurrency", STREAMS)
    return {
        "load_s": run.seconds - run.report_seconds,
        "load_mb": run.load_peak / MB,
        "report_s": run.report_seconds,
        "report_mb": run.report_peak / MB,
    }


def _recalc(requests: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="fastbench-growth-") as name:
        directory = Path(name, "synthetic_recording")
        make_recording(directory, requests, RECALC_TOKENS)
        runs = [watch([*FASTBENCH, "recalc", str(directory)]) for _ in range(2)]
    return {"recalc_s": min(run.seconds for run in runs), "recalc_mb": max(run.peak() for run in runs) / MB}


def details(results: Results) -> str:
    """Every point."""
    return str(tabulate(results["points"], headers="keys", floatfmt=",.2f", intfmt=","))


def figures(results: Results) -> list[Figure]:
    """The growth of each from the second largest size to the largest."""
    return [_figure(results["points"], name, *about) for name, about in CURVES.items()]


def _figure(points: list[dict[str, Any]], name: str, what: str, unit: str) -> Figure:
    small, large = points[-2], points[-1]
    show: Callable[[float], str] = "{:.2f}".format if unit == "s" else "{:.0f}".format
    exponent = math.log(large[name] / small[name]) / math.log(large["requests"] / small["requests"])
    return Figure.against(
        "P11",
        f"{what}, {small['requests']:,} to {large['requests']:,} requests",
        f"linear or better (exponent <= {EXPONENT})",
        f"{show(small[name])} to {show(large[name])} {unit}",
        exponent <= EXPONENT,
        f"it grows with the power {exponent:.2f}",
        ratio=f"exponent {exponent:.2f}",
    )


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
