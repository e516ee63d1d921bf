"""P7, memory while load runs: per stream in flight, whatever the number and the length of the requests.

    python -m benchmarks.bench_memory [--streams 100 1000 5000 9000] [--tokens 4096] [--json FILE]

Private memory: the anonymous pages of the `fastbench perf` process, the peak of looks 5 ms apart up to the last
outcome. For the first figure the service falls silent just before the end of nine in ten streams, until the client
gives them up: all are in flight at once, each with a full row of time stamps.
"""

import argparse
import sys
from typing import Any

import numpy as np
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from benchmarks.perf_run import PerfRun, perf
from fastbench.mock import Mock

PROMISES = ("P7",)
MB = 1e6
BASE = 150 * MB
PER_STREAM = 24_000
GROWTH = 1.1
"""What counts as independent: the larger run's peak over the smaller one's."""
_FEW = 64
_MANY = 1_000
_SLOWEST_RATE = 3e6
"""Output events/s that are waited for before the silent streams are given up."""


def parameters(parser: argparse.ArgumentParser) -> None:
    """Streams in flight and tokens of each."""
    parser.add_argument("--streams", type=int, nargs="+", default=[100, 1_000, 5_000, 9_000])
    parser.add_argument("--tokens", type=int, default=4_096)


def measure(streams: list[int], tokens: int) -> Results:
    """The peaks with streams in flight, with few and many requests, with short and long prompts."""
    in_flight = [_all_in_flight(count, tokens) for count in streams]
    with Mock(ttft_ms=0, itl_ms=0) as mock:
        requests = [_peak(mock, _FEW, count, output=16) for count in (4_000, 100_000)]
        prompts = [_peak(mock, _MANY, 4_000, output=16, input_=length) for length in (64, 16_384)]
        lengths = [_peak(mock, _FEW, 1_000, output=length) for length in (256, 16_384)]
    return {"in_flight": in_flight, "requests": requests, "prompts": prompts, "lengths": lengths}


def _all_in_flight(streams: int, tokens: int) -> dict[str, Any]:
    with Mock(ttft_ms=0, itl_ms=0, faults=f"stall={tokens - 1}:0.9") as mock:
        return _peak(mock, streams, streams, output=tokens, timeout_s=2 + streams * tokens / _SLOWEST_RATE)


def _peak(
    mock: Mock, streams: int, requests: int, *, output: int, input_: int = 64, timeout_s: float = 60
) -> dict[str, Any]:
    sizes = ("--concurrency", streams, "--num-prompts", requests, "--output-len", output, "--input-len", input_)
    run: PerfRun = perf(mock, *sizes, "--timeout", f"{timeout_s:.0f}s")
    return {
        "streams": streams,
        "requests": requests,
        "input": input_,
        "output": output,
        "peak in flight": run.trust["load"]["peak_concurrency"],
        "outcomes": run.trust["outcomes"],
        "peak MB": run.load_peak / MB,
        "with report MB": run.report_peak / MB,
    }


def details(results: Results) -> str:
    """Every run."""
    return str(tabulate([row for rows in results.values() for row in rows], headers="keys", floatfmt=".1f"))


def figures(results: Results) -> list[Figure]:
    """The slope and the base of memory over streams, and three independences."""
    rows = results["in_flight"]
    counts, peaks = [row["peak in flight"] for row in rows], [row["peak MB"] * MB for row in rows]
    slope, base = np.polyfit(counts, peaks, 1)
    over = max(peak - BASE - PER_STREAM * count for count, peak in zip(counts, peaks, strict=True))
    figure = Figure.against(
        "P7",
        f"private memory, {counts[0]:,} ... {counts[-1]:,} streams of {rows[-1]['output']:,} tokens",
        "<= 150 MB + 24 kB per stream",
        f"{base / MB:.0f} MB + {slope / 1000:.1f} kB per stream",
        over <= 0,
        f"up to {over / MB:.0f} MB too much",
        ratio=f"{max(peak / (BASE + PER_STREAM * count) for count, peak in zip(counts, peaks, strict=True)):.2f}",
    )
    named = {"requests": "number of requests", "prompts": "length of prompts", "lengths": "number of tokens"}
    return [figure, *(_independence(what, *results[name]) for name, what in named.items())]


def _independence(what: str, small: dict[str, Any], large: dict[str, Any]) -> Figure:
    ratio, most = large["peak MB"] / small["peak MB"], BASE + PER_STREAM * large["streams"]
    changed = next(name for name in ("requests", "input", "output") if small[name] != large[name])
    return Figure.against(
        "P7",
        f"private memory over the {what}, {small[changed]:,} and {large[changed]:,}",
        f"the same, or <= {most / MB:.0f} MB",
        f"{small['peak MB']:.1f} and {large['peak MB']:.1f} MB",
        ratio <= GROWTH or large["peak MB"] * MB <= most,
        f"grows by {large['peak MB'] - small['peak MB']:.0f} MB",
        ratio=f"{ratio:.2f}",
    )


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
