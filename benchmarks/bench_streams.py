"""P2, 10,000 streams at 50 tokens/s each: half a million tokens a second on two processors, one the client's.

The simulated service gathers five tokens into an event, as engines under load do, because one processor writes hardly
more than 100,000 events a second; each event has its own write and its own read. The truth is the service's own log of
its writes, on the same clock. Quote the ratios: rates depend on the machine.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.bench_mock import cpu_seconds
from benchmarks.clients import Clients, service
from benchmarks.exactness import compare, joined, quantiles
from benchmarks.harness import Figure, Results, run_main
from fastbench.recording import FLAGS

PROMISES = ("P2",)
TTFT_MS, ITL_MS, TOKENS_PER_EVENT = 200.0, 20.0, 5
GOAL_TOKENS, GOAL_JOINED, GOAL_ERROR_US = 0.9 * 500e3, 0.001, (1.0, 10.0)
"""The rate over the whole run, with its ramp and its last tokens."""


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)


def measure(streams: int, seconds: float, rounds: int) -> Results:
    """`turns`: fastbench's."""
    return {"streams": streams, "turns": [_turn(streams, round(seconds * 1000 / ITL_MS)) for _ in range(rounds)]}


def _turn(streams: int, tokens: int) -> dict[str, float]:
    options = {"ttft_ms": TTFT_MS, "itl_ms": ITL_MS, "tokens_per_event": TOKENS_PER_EVENT}
    with tempfile.TemporaryDirectory() as name, service(**options, log=f"{name}/log") as mock:
        used = cpu_seconds(mock)
        run = Clients(mock.url, Path(name)).fastbench(streams, streams, tokens)
        used = cpu_seconds(mock) - used
        entries = mock.log_entries(streams)
    rows = run.recording.rows[(run.recording.rows["flags"] & FLAGS["warmup"]) == 0]
    start_ns, end_ns = int(rows["sent_ns"].min()), int(rows["end_ns"].max())
    whole = run.threads.all(start_ns, end_ns)
    seen = run.streams()
    error_us = quantiles(compare(seen, entries)["ITL error"])
    return {
        "tokens_per_s": int(rows["output_tokens"].sum()) / (end_ns - start_ns) * 1e9,
        "core": whole.cpu_ns / (whole.end_ns - whole.start_ns),
        "service_core": used / (end_ns - start_ns) * 1e9,
        "error_p50_us": error_us["P50"],
        "error_p99_us": error_us["P99"],
        "joined": joined(seen, entries),
    }


def _median(results: Results, field: str) -> float:
    return statistics.median(turn[field] for turn in results["turns"])


def details(results: Results) -> str:
    """Each turn."""
    rows = [
        (
            f"{turn['tokens_per_s'] / 1e3:.0f}",
            f"{turn['core']:.2f}",
            f"{turn['service_core']:.2f}",
            f"{turn['error_p50_us']:.2f}",
            f"{turn['error_p99_us']:.1f}",
            f"{100 * turn['joined']:.3f} %",
        )
        for turn in results["turns"]
    ]
    heads = ["k tokens/s", "client's core", "service's core", "error p50 us", "p99 us", "read together"]
    return str(tabulate(rows, heads, disable_numparse=True))


def figures(results: Results) -> list[Figure]:
    """How many tokens a second, and how exact their times are."""
    tokens, core, service_core, together = (
        _median(results, field) for field in ("tokens_per_s", "core", "service_core", "joined")
    )
    error_us = _median(results, "error_p50_us"), _median(results, "error_p99_us")
    exact = together < GOAL_JOINED and error_us[0] <= GOAL_ERROR_US[0] and error_us[1] <= GOAL_ERROR_US[1]
    shares = f"the client has {core:.2f} of a processor, the service {service_core:.2f}"
    what = f"{results['streams']:,} streams at 50 tokens/s, {TOKENS_PER_EVENT} an event"
    return [
        Figure.against(
            "P2",
            what,
            f"≥ {GOAL_TOKENS / 1e3:.0f} k/s",
            f"{tokens / 1e3:.0f} k/s",
            tokens >= GOAL_TOKENS,
            shares,
            ratio=f"{core:.2f} of the client's processor",
        ),
        Figure.against(
            "P2",
            "|gap - service's write stamps| there",
            "p50 ≤ 1 µs, p99 ≤ 10 µs, < 0.1 % together",
            f"{error_us[0]:.2f} / {error_us[1]:.1f} µs, {100 * together:.3f} %",
            exact,
            shares,
        ),
    ]


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
