"""How fast the simulated service is, so that the other figures are the client's: the C loop reads from it.

`gapless`: events/s as fast as the sockets take them. `timed`: the lateness of timed writes, one write a token: the
service's own write stamp minus the time that its options ask for, arrival + TTFT + k * ITL. `requests`: whole requests
of one token over keep-alive connections.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.clients import Clients, service
from benchmarks.harness import Figure, Results, run_main
from fastbench.mock import Mock

PROMISES = ("mock",)
TTFT_MS = 300
TIMED = ((100, 20.0), (1000, 20.0), (1000, 8.3))
"""Streams and ms between tokens of the timed turns; all but the last are what the other benchmarks ask for."""
TOKENS = 4096
EVENTS, REQUESTS = 5_000_000, 10_000
"""Gapless output events, and whole requests: about what a second takes."""
GOAL_EVENTS, GOAL_LATE_US, GOAL_REQUESTS = 5e6, 500.0, 5000.0


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--seconds", type=float, default=1.5, help="of each turn, roughly")


def measure(seconds: float) -> Results:
    """`gapless`, `timed`, `requests`: a list of turns each."""
    return {
        "gapless": [_gapless(streams, seconds) for streams in (1, 64)],
        "timed": [_timed(streams, itl_ms, seconds) for streams, itl_ms in TIMED],
        "requests": [_requests(64, seconds)],
    }


def _gapless(streams: int, seconds: float) -> dict[str, float]:
    requests = max(streams, round(EVENTS * seconds / TOKENS))
    with tempfile.TemporaryDirectory() as place, service() as mock:
        used = cpu_seconds(mock)
        wall_s = Clients(mock.url, Path(place)).epoll_loop(streams, requests, TOKENS, "none").whole.wall_s
        cpu_s = cpu_seconds(mock) - used
    events = requests * TOKENS
    return {"streams": streams, "events/s": events / wall_s, "CPU ns/event": cpu_s / events * 1e9}


def _timed(streams: int, itl_ms: float, seconds: float) -> dict[str, float]:
    tokens = round(seconds * 1000 / itl_ms)
    with tempfile.TemporaryDirectory() as name, service(ttft_ms=TTFT_MS, itl_ms=itl_ms, log=f"{name}/log") as mock:
        Clients(mock.url, Path(name)).epoll_loop(streams, streams, tokens, "clock")
        entries = mock.log_entries(streams)
    due_ns = TTFT_MS * 1e6 + np.arange(tokens) * itl_ms * 1e6
    late = np.concatenate([np.array(entry["writes_ns"]) - entry["arrived_ns"] - due_ns for entry in entries]) / 1000
    p50, p99, most = np.percentile(late, (50, 99, 100)).tolist()
    return {
        "streams": streams,
        "writes/s": streams / itl_ms * 1000,
        "early": int(np.count_nonzero(late < 0)),
        "P50 us": p50,
        "P99 us": p99,
        "Max us": most,
    }


def _requests(streams: int, seconds: float) -> dict[str, float]:
    requests = max(streams, round(REQUESTS * seconds))
    with tempfile.TemporaryDirectory() as place, service() as mock:
        used = cpu_seconds(mock)
        wall_s = Clients(mock.url, Path(place)).epoll_loop(streams, requests, 1, "none").whole.wall_s
        cpu_s = cpu_seconds(mock) - used
    return {"streams": streams, "requests/s": requests / wall_s, "CPU us/request": cpu_s / requests * 1e6}


def cpu_seconds(mock: Mock) -> float:
    """CPU time that the service has used (1/100 s steps)."""
    fields = Path(f"/proc/{mock.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def details(results: Results) -> str:
    """A table of each kind of turn."""
    tables: list[Any] = [
        f"{kind}\n{tabulate(turns, headers='keys', floatfmt=',.1f', intfmt=',')}" for kind, turns in results.items()
    ]
    return "\n\n".join(tables)


def figures(results: Results) -> list[Figure]:
    """What the other benchmarks need of the service."""
    events = max(turn["events/s"] for turn in results["gapless"])
    needed = results["timed"][:-1]
    late = max(turn["P99 us"] for turn in needed)
    requests = results["requests"][0]["requests/s"]
    slow = "the service is too slow on this machine: the figures that need it are its own"
    return [
        Figure.against(
            "mock", "events/s without gaps", "≥ 5 M/s", f"{events / 1e6:.1f} M/s", events >= GOAL_EVENTS, slow
        ),
        Figure.against(
            "mock",
            f"lateness of {needed[-1]['writes/s']:,.0f} timed writes/s, p99",
            "≤ 500 µs",
            f"{late:.0f} µs",
            late <= GOAL_LATE_US,
            "its processor was not its own, or is too slow",
        ),
        Figure.against("mock", "requests/s", "≥ 5 k/s", f"{requests / 1e3:.0f} k/s", requests >= GOAL_REQUESTS, slow),
    ]


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
