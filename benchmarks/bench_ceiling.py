"""P1, the client's ceiling: output events per second of one worker when the service sends as fast as it can.

The same simulated service serves, turn by turn in one run, the limit (a C loop that reads and discards), fastbench (the
whole command; events and duration from its own report) and the usual ways (aiohttp and httpx, orjson, uvloop). Quote
the ratios: absolute rates depend on the machine. With two processors or more, the service has one to itself and the
client another.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.clients import Clients, service
from benchmarks.harness import Figure, Results, run_main

PROMISES = ("P1",)
GOAL_EVENTS, GOAL_LIMIT, GOAL_AIOHTTP = 4e6, 0.8, 15
REQUESTS = {"discard": 1600, "fastbench": 1600, "aiohttp": 96, "httpx": 64}
"""Of 4,096 tokens: some seconds each at the rates that are usual for them."""


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=4096, help="output tokens of a request")
    parser.add_argument("--rounds", type=int, default=3)


def measure(streams: int, tokens: int, rounds: int) -> Results:
    """Each client's turns, the clients in turn: events_per_s, cpu_ns_per_event."""
    results: Results = {client: [] for client in REQUESTS}
    with tempfile.TemporaryDirectory() as place, service(ttft_ms=0, itl_ms=0) as mock:
        clients = Clients(mock.url, Path(place))
        for _ in range(rounds):
            for client, requests in REQUESTS.items():
                # No more tokens in all than planned, whatever a request has of them.
                results[client].append(
                    _turn(clients, client, streams, max(streams, requests * min(tokens, 4096) // 4096), tokens)
                )
    return results


def _turn(clients: Clients, client: str, streams: int, requests: int, tokens: int) -> dict[str, float]:
    events = requests * tokens
    if client == "discard":
        loop = clients.epoll_loop(streams, requests, tokens, "none")
        seconds, cpu_s = loop.whole.wall_s, sum(loop.whole.cpu)
    elif client == "fastbench":
        run = clients.fastbench(streams, requests, tokens)
        seconds, cpu_s = float(run.report["Benchmark Duration"]["total"].split()[0]) / 1000, run.cpu_s
    else:
        usual = clients.usual(client, streams, requests, tokens)
        events, seconds, cpu_s = usual.events, usual.wall_s, sum(usual.cpu)
    return {"events_per_s": events / seconds, "cpu_ns_per_event": cpu_s / events * 1e9}


def _medians(results: Results, field: str) -> dict[str, float]:
    return {client: statistics.median(turn[field] for turn in turns) for client, turns in results.items()}


def details(results: Results) -> str:
    """The clients' medians."""
    rates, cpu = _medians(results, "events_per_s"), _medians(results, "cpu_ns_per_event")
    rows: list[tuple[Any, ...]] = [
        (
            client,
            f"{rate / 1e6:.3f}",
            f"{cpu[client]:.0f}",
            f"{rate / rates['discard']:.2f}",
            f"{rate / rates['aiohttp']:.1f}",
        )
        for client, rate in rates.items()
    ]
    return str(
        tabulate(rows, ["client", "M events/s", "CPU ns/event", "x discard", "x aiohttp"], disable_numparse=True)
    )


def figures(results: Results) -> list[Figure]:
    """The ceiling itself, and against the limit and the usual ways."""
    rates = _medians(results, "events_per_s")
    limit, aiohttp, httpx = (rates["fastbench"] / rates[name] for name in ("discard", "aiohttp", "httpx"))
    return [
        Figure.against(
            "P1",
            "output events/s of one worker",
            "≥ 4 M/s",
            f"{rates['fastbench'] / 1e6:.2f} M/s",
            rates["fastbench"] >= GOAL_EVENTS,
            f"the service and the kernel give the C loop {rates['discard'] / 1e6:.2f} M/s on this machine",
        ),
        Figure.against(
            "P1",
            "of a C loop that reads and discards",
            "≥ 80 %",
            f"{100 * limit:.0f} %",
            limit >= GOAL_LIMIT,
            f"{100 * (GOAL_LIMIT - limit):.0f} % short: parsing costs more than the reader has to spare here",
        ),
        Figure.against(
            "P1",
            "against the usual ways",
            "≥ 15 x aiohttp",
            f"{aiohttp:.1f} x aiohttp",
            aiohttp >= GOAL_AIOHTTP,
            f"{aiohttp:.1f} x only; the service gives {rates['discard'] / 1e6:.2f} M/s, which bounds the ratio to "
            f"{rates['discard'] / rates['aiohttp']:.1f}",
            ratio=f"{httpx:.0f} x httpx",
        ),
    ]


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
