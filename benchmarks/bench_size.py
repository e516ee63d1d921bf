"""P5, the size of recordings that real runs leave: timed streams, and bursts as they come after a stall.

    python -m benchmarks.bench_size [--json FILE]

A request costs its row (184 bytes), each gap 2 bytes, a gap of 65.5 ms or more 8 further ones, an uncertain stretch
12, and each second some 3 kB of the client's own state. `bench_recalc` has the size at full scale.
"""

import argparse
import sys
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from benchmarks.perf_run import perf
from fastbench.mock import Mock

PROMISES = ("P5",)
PER_TOKEN = 2.1
PER_REQUEST = 256
# name: the service's times in ms, streams, requests, tokens
RUNS: dict[str, tuple[dict[str, float], int, int, int]] = {
    "timed": ({"ttft_ms": 100, "itl_ms": 10}, 200, 400, 512),
    "slow": ({"ttft_ms": 100, "itl_ms": 70}, 200, 200, 64),
    "bursts": ({"ttft_ms": 0, "itl_ms": 0}, 64, 2_000, 4_096),
    "short": ({"ttft_ms": 0, "itl_ms": 0}, 64, 20_000, 8),
}
DISTURBED = "uncertain stretches, as a disturbed machine has them, are recorded too"
NOTES = {"slow": "each gap is 70 ms, beyond the 65.5 ms that 2 bytes hold, so it takes 10"}


def parameters(_: argparse.ArgumentParser) -> None:
    """None."""


def measure() -> Results:
    """One run of each kind."""
    return {name: _measure(*run) for name, run in RUNS.items()}


def _measure(times: dict[str, float], streams: int, requests: int, tokens: int) -> dict[str, Any]:
    sizes = ("--concurrency", streams, "--num-prompts", requests, "--input-len", 64, "--output-len", tokens)
    with Mock(**times) as mock:
        run = perf(mock, *sizes)
    return {
        "requests": requests,
        "tokens": tokens,
        "recording_bytes": run.recording_bytes,
        "room": PER_TOKEN * requests * tokens + PER_REQUEST * requests,
    }


def details(results: Results) -> str:
    """Bytes of each run."""
    rows = [
        (name, run["requests"], run["tokens"], run["recording_bytes"], run["room"]) for name, run in results.items()
    ]
    return str(tabulate(rows, ["run", "requests", "tokens each", "bytes", "allowed"], floatfmt=",.0f", intfmt=","))


def figures(results: Results) -> list[Figure]:
    """One for each run."""
    return [_figure(name, run) for name, run in results.items()]


def _figure(name: str, run: dict[str, Any]) -> Figure:
    size, room, count = run["recording_bytes"], run["room"], run["requests"]
    return Figure.against(
        "P5",
        f"recording of {count:,} x {run['tokens']:,}, {name}",
        f"<= {PER_TOKEN} B/token + {PER_REQUEST} B/request",
        f"{size / (count * run['tokens']):.3f} B/token in all, {size / count:,.0f} B/request",
        size <= room,
        f"{(size / room - 1):.0%} too large: {NOTES.get(name, DISTURBED)}",
        ratio=f"{size / room:.2f}",
    )


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
