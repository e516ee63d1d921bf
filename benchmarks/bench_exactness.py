"""P3, exactness: the client's token times against the service's own write stamps, request by request.

In turn against the same kind of simulated service: fastbench, a C loop that reads the clock after each read, and
aiohttp with a clock read after each piece. The service runs on this machine, so all use one clock; with two processors
or more, it has one to itself and the client another. A quantile is the median of the rounds.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.clients import Clients, Stream, service
from benchmarks.exactness import compare, quantiles
from benchmarks.harness import Figure, Results, run_main

PROMISES = ("P3",)
GOAL_P50_US, GOAL_P99_US = 1.0, 10.0
CLIENTS = ("fastbench", "C loop", "aiohttp")
WHERE = ("lag", "ITL error", "TTFT error")


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--streams", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--tokens", type=int, default=64, help="output tokens of a stream")
    parser.add_argument("--ttft-ms", type=float, default=200.0)
    parser.add_argument("--itl-ms", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)


def measure(streams: list[int], tokens: int, ttft_ms: float, itl_ms: float, rounds: int) -> Results:
    """streams → client → a list of rounds: error → its quantiles, µs."""
    results: Results = {str(count): {client: [] for client in CLIENTS} for count in streams}
    for count in streams:
        for _ in range(rounds):
            for client in CLIENTS:
                results[str(count)][client].append(_turn(client, count, tokens, ttft_ms, itl_ms))
    return results


def _turn(client: str, count: int, tokens: int, ttft_ms: float, itl_ms: float) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        with service(ttft_ms=ttft_ms, itl_ms=itl_ms, log=str(place / "log")) as mock:
            seen = _streams(Clients(mock.url, place), client, count, tokens)
            errors = compare(seen, mock.log_entries(count))
    return {what: quantiles(values) for what, values in errors.items()}


def _streams(clients: Clients, client: str, count: int, tokens: int) -> dict[str, Stream]:
    if client == "fastbench":
        return clients.fastbench(count, count, tokens).streams()
    if client == "C loop":
        return clients.epoll_loop(count, count, tokens, "clock", keep=True).streams
    return clients.usual(client, count, count, tokens, keep=True).streams


def _median(turns: list[dict[str, dict[str, float]]], what: str) -> dict[str, float]:
    """Each quantile's median over the rounds."""
    return {name: statistics.median(turn[what][name] for turn in turns) for name in turns[0][what]}


def details(results: Results) -> str:
    """Every error of every client."""
    rows: list[tuple[Any, ...]] = [
        (streams, client, what, *_median(turns, what).values())
        for streams, clients in results.items()
        for client, turns in clients.items()
        for what in WHERE
    ]
    return str(tabulate(rows, ["streams", "client", "us", "P50", "P99", "Max"], floatfmt=".2f"))


def figures(results: Results) -> list[Figure]:
    """ITL errors of each number of streams."""
    return [_figure(streams, clients) for streams, clients in results.items()]


def _figure(streams: str, clients: dict[str, Any]) -> Figure:
    ours, loop, usual = (_median(clients[name], "ITL error") for name in CLIENTS)
    lag = _median(clients["fastbench"], "lag")
    return Figure.against(
        "P3",
        f"|ITL - service's write stamps|, {streams} streams",
        "p50 ≤ 1 µs, p99 ≤ 10 µs",
        f"{ours['P50']:.2f} / {ours['P99']:.1f} µs",
        ours["P50"] <= GOAL_P50_US and ours["P99"] <= GOAL_P99_US,
        "the time from the service's write to the kernel's stamp itself varies here "
        f"(p50 {lag['P50']:.1f}, p99 {lag['P99']:.1f} µs): the service was interrupted between its clock and its write",
        ratio=f"C loop, clock after the read {loop['P50']:.1f} / {loop['P99']:.0f}, aiohttp {usual['P50']:.0f} / "
        f"{usual['P99']:.0f} µs",
    )


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
