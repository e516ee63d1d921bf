"""P12, burst fidelity: many streams asked at once, and each asked anew when it ends.

fastbench and the bare C loop (all requests sent one after the other without reading, kernel stamps), in turn against
the same kind of simulated service. `ramp`: from the first send until the limit is in flight. `in flight`: the mean
between the ramp and the drain, as a share of the limit. `TTFT added`: the first wave's measured TTFT minus the
service's set one; the service reads the burst with one thread, so most of it is its own. Medians of the rounds.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.clients import Clients, Stream, service
from benchmarks.harness import Figure, Results, run_main

PROMISES = ("P12",)
GOAL_RAMP_MS, GOAL_IN_FLIGHT, GOAL_ADDED_MS = 30.0, 0.99, 0.2
CLIENTS = ("fastbench", "C loop")


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--waves", type=int, default=3, help="requests of each stream")
    parser.add_argument("--tokens", type=int, default=48, help="output tokens of a request")
    parser.add_argument("--ttft-ms", type=float, default=200.0)
    parser.add_argument("--itl-ms", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)


def measure(streams: int, waves: int, tokens: int, ttft_ms: float, itl_ms: float, rounds: int) -> Results:
    """client → a list of rounds: ramp_ms, in_flight (share), added_ms (median), added_p99_ms."""
    results: Results = {client: [] for client in CLIENTS}
    requests = streams * waves
    for _ in range(rounds):
        for client in CLIENTS:
            with tempfile.TemporaryDirectory() as name, service(ttft_ms=ttft_ms, itl_ms=itl_ms) as mock:
                clients = Clients(mock.url, Path(name))
                if client == "fastbench":
                    seen = clients.fastbench(streams, requests, tokens).streams()
                else:
                    seen = clients.epoll_loop(streams, requests, tokens, "kernel", step_ns=0, keep=True).streams
            results[client].append(fidelity(list(seen.values()), streams, ttft_ms))
    return results


def fidelity(seen: list[Stream], streams: int, ttft_ms: float) -> dict[str, float]:
    """How well a load of `streams` at a time was held."""
    seen = sorted(seen, key=lambda stream: stream.sent_ns)
    sent = np.array([stream.sent_ns for stream in seen])
    ends = np.sort([stream.end_ns for stream in seen])
    full, drain = sent[streams - 1], sent[-1]
    # The area under the number in flight, from the ramp's end to the last send.
    held = sum(min(stream.end_ns, drain) - max(stream.sent_ns, full) for stream in seen if stream.end_ns > full)
    first = np.array([stream.token_ns[0] - stream.sent_ns for stream in seen[:streams]]) / 1e6 - ttft_ms
    return {
        "ramp_ms": float(full - sent[0]) / 1e6,
        "peak": float(streams - np.searchsorted(ends, full)),
        "in_flight": float(held / (drain - full) / streams) if drain > full else 1.0,
        "added_ms": float(np.median(first)),
        "added_p99_ms": float(np.percentile(first, 99)),
    }


def _median(results: Results, client: str, field: str) -> float:
    return float(statistics.median(turn[field] for turn in results[client]))


def details(results: Results) -> str:
    """The clients' medians."""
    fields = tuple(results["fastbench"][0])
    rows: list[tuple[Any, ...]] = [
        (client, *(f"{_median(results, client, field):.3f}" for field in fields)) for client in results
    ]
    return str(tabulate(rows, ["client", *(field.replace("_", " ") for field in fields)], disable_numparse=True))


def figures(results: Results) -> list[Figure]:
    """Ramp, in flight, TTFT added."""
    ramp, held, added = (_median(results, "fastbench", field) for field in ("ramp_ms", "in_flight", "added_ms"))
    loop = {field: _median(results, "C loop", field) for field in ("ramp_ms", "in_flight", "added_ms")}
    return [
        Figure.against(
            "P12",
            "until the whole burst is in flight",
            "≤ 30 ms",
            f"{ramp:.1f} ms",
            ramp <= GOAL_RAMP_MS,
            f"{ramp - GOAL_RAMP_MS:.1f} ms too long; the C loop, which sends without a plan, needs "
            f"{loop['ramp_ms']:.1f} ms",
            ratio=f"C loop {loop['ramp_ms']:.1f} ms",
        ),
        Figure.against(
            "P12",
            "mean in flight between ramp and drain",
            "≥ 99 %",
            f"{100 * held:.2f} %",
            held >= GOAL_IN_FLIGHT,
            f"{100 * (GOAL_IN_FLIGHT - held):.2f} % short: slots stood empty; the C loop holds "
            f"{100 * loop['in_flight']:.2f} %",
            ratio=f"C loop {100 * loop['in_flight']:.2f} %",
        ),
        Figure.against(
            "P12",
            "TTFT added by the burst, median",
            "≤ C loop + 0.2 ms",
            f"{added:.2f} ms",
            added <= loop["added_ms"] + GOAL_ADDED_MS,
            f"{added - loop['added_ms'] - GOAL_ADDED_MS:.2f} ms too much",
            ratio=f"C loop {loop['added_ms']:.2f} ms",
        ),
    ]


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
