"""P2, CPU per token at one event per read: many streams, each with its own write for each token.

In rounds and in turn against the same simulated service: a bare C loop (epoll and recvmsg with the kernel's stamps, no
parsing), fastbench's reactor thread, and aiohttp (its whole process, from the first request on). All per output token.
The C loop and fastbench are looked at while all streams run. The total is exact (the scheduler's own account); its part
outside the kernel is sampled (`sampling.py`) in turns of their own, of the C loop over its whole life, of aiohttp at
the kernel's ticks. Further turns of fastbench at a pace that the service just keeps show how many tokens one core
takes, and how many it reads together although the service wrote them at their own times. All are medians.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.clients import Clients, Run, service
from benchmarks.exactness import joined
from benchmarks.harness import Figure, Results, run_main

PROMISES = ("P2", "P2b", "P2c")
GOAL_RATIO, GOAL_USER_US, GOAL_RATE, GOAL_SHARED = 1.15, 1.5, 120e3, 0.001
GOAL_US, GOAL_CORE_RATE = 5.0, 200e3
TTFT_MS = 300
SATURATED = 0.95


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--itl-ms", type=float, default=19.7)
    parser.add_argument("--fast-itl-ms", type=float, default=8.3, help="time between tokens in the turns at full pace")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each client's turn")
    parser.add_argument("--rounds", type=int, default=3)


def measure(streams: int, itl_ms: float, fast_itl_ms: float, seconds: float, rounds: int) -> Results:
    """`rounds`: each client's turns, total_us and user_us per token, reads_a_poll; `fast`: the turns at full pace."""
    turns: dict[str, list[dict[str, float]]] = {"C loop": [], "fastbench": [], "aiohttp": []}
    tokens = round(seconds * 1000 / itl_ms)
    with tempfile.TemporaryDirectory() as place, service(ttft_ms=TTFT_MS, itl_ms=itl_ms) as mock:
        clients = Clients(mock.url, Path(place))
        for _ in range(rounds):
            turns["C loop"].append(_loop(clients, streams, tokens))
            turns["fastbench"].append(_fastbench(clients, streams, tokens))
            turns["aiohttp"].append(_aiohttp(clients, streams, tokens))
    fast = [_full_pace(streams, fast_itl_ms, round(seconds * 1000 / fast_itl_ms)) for _ in range(rounds)]
    return {"rounds": turns, "fast": fast, "asked_per_s": streams / fast_itl_ms * 1000}


def _full_pace(streams: int, itl_ms: float, tokens: int) -> dict[str, float]:
    """fastbench's turn, and the share of tokens that it read together with the one before."""
    with tempfile.TemporaryDirectory() as name, service(ttft_ms=TTFT_MS, itl_ms=itl_ms, log=f"{name}/log") as mock:
        run = Clients(mock.url, Path(name)).fastbench(streams, streams, tokens)
        return {**_steady(run), "joined": joined(run.streams(), mock.log_entries(streams))}


def _loop(clients: Clients, streams: int, tokens: int) -> dict[str, float]:
    plain, sampled = (
        clients.epoll_loop(streams, streams, tokens, "kernel", sampled=sampled) for sampled in (False, True)
    )
    total_us, sampled_us = (sum(loop.steady.cpu) / loop.steady.reads * 1e6 for loop in (plain, sampled))
    return {
        "total_us": total_us,
        "user_us": sampled_us * sampled.threads.busiest(0, time.monotonic_ns()).user_share,
        "reads_a_poll": plain.steady.reads / plain.steady.polls,
    }


def _fastbench(clients: Clients, streams: int, tokens: int) -> dict[str, float]:
    plain, sampled = (
        _steady(clients.fastbench(streams, streams, tokens, sampled=sampled)) for sampled in (False, True)
    )
    return {**plain, **{name: sampled[name] for name in ("user_us", "sampled")}}


def _aiohttp(clients: Clients, streams: int, tokens: int) -> dict[str, float]:
    usual = clients.usual("aiohttp", streams, streams, tokens)
    return {
        "total_us": sum(usual.cpu) / usual.events * 1e6,
        "user_us": usual.cpu.user / usual.events * 1e6,
    }


def _steady(run: Run) -> dict[str, float]:
    """fastbench's busiest thread, its reactor, while all streams run."""
    streams = list(run.streams().values())
    used = run.threads.busiest(
        max(int(stream.token_ns[0]) for stream in streams), min(int(stream.token_ns[-1]) for stream in streams)
    )
    tokens = np.concatenate([stream.token_ns for stream in streams])
    inside = int(np.count_nonzero((tokens > used.start_ns) & (tokens <= used.end_ns)))
    total_us = used.cpu_ns / 1000 / inside
    return {
        "total_us": total_us,
        "user_us": total_us * used.user_share,
        "sampled": used.sampled,
        "reads_a_poll": _health(run, "reads") / _health(run, "turns"),
        "tokens_per_s": inside / (used.end_ns - used.start_ns) * 1e9,
        "core": used.cpu_ns / (used.end_ns - used.start_ns),
    }


def _health(run: Run, counter: str) -> float:
    return float(sum(record[counter] for record in run.recording.health))


def _median(results: Results, client: str, field: str) -> float:
    return float(statistics.median(turn[field] for turn in results["rounds"][client]))


def _fast(results: Results, field: str) -> float:
    return float(statistics.median(turn[field] for turn in results["fast"]))


def details(results: Results) -> str:
    """The clients' medians, and the run at full pace."""
    total = {client: _median(results, client, "total_us") for client in results["rounds"]}
    rows: list[tuple[Any, ...]] = [
        (
            client,
            f"{us:.2f}",
            f"{_median(results, client, 'user_us'):.2f}",
            f"{us / total['C loop']:.2f}",
            "" if client == "aiohttp" else f"{_median(results, client, 'reads_a_poll'):.2f}",
        )
        for client, us in total.items()
    ]
    heads = ["client", "CPU us/token", "outside the kernel", "x C loop", "reads a poll"]
    return (
        f"{tabulate(rows, heads, disable_numparse=True)}\n"
        f"at {results['asked_per_s']:,.0f} tokens/s asked: {_fast(results, 'tokens_per_s'):,.0f}/s came, "
        f"{_fast(results, 'total_us'):.2f} us each, {100 * _fast(results, 'core'):.0f} % of a core; "
        f"{100 * _fast(results, 'joined'):.3f} % were read together with the one before"
    )


def figures(results: Results) -> list[Figure]:
    """Against the C loop, outside the kernel, and tokens that a core takes."""
    return [_against_loop(results), _outside_kernel(results), _capacity(results), *_next_height(results)]


def _next_height(results: Results) -> list[Figure]:
    """In microseconds of this machine: see the ratio to the C loop."""
    ours, limit = (_median(results, name, "total_us") for name in ("fastbench", "C loop"))
    rate = 1e6 / ours
    ratio = f"{ours / limit:.2f} x C loop"
    why = f"the C loop, which parses nothing, takes {limit:.2f} µs here"
    return [
        Figure.against(
            "P2b", "CPU per token, kernel included", "≤ 5 µs", f"{ours:.2f} µs", ours <= GOAL_US, why, ratio
        ),
        Figure.against(
            "P2c", "such tokens/s, by it", "≥ 200 k/s", f"{rate / 1e3:.0f} k/s", rate >= GOAL_CORE_RATE, why, ratio
        ),
    ]


def _against_loop(results: Results) -> Figure:
    ours, limit, usual = (_median(results, name, "total_us") for name in ("fastbench", "C loop", "aiohttp"))
    outside = _median(results, "fastbench", "user_us") - _median(results, "C loop", "user_us")
    return Figure.against(
        "P2",
        "CPU per token, one event per read",
        "≤ 1.15 x C loop",
        f"{ours:.2f} µs",
        ours <= GOAL_RATIO * limit,
        f"{ours - GOAL_RATIO * limit:.2f} µs too much, {outside:.2f} µs more than the C loop outside the kernel",
        ratio=f"{ours / limit:.2f} x C loop, {usual / ours:.1f} x less than aiohttp",
    )


def _outside_kernel(results: Results) -> Figure:
    user, limit = (_median(results, name, "user_us") for name in ("fastbench", "C loop"))
    line = ("P2", "of it outside the kernel", "≤ 1.5 µs", f"{user:.2f} µs")
    if not all(turn["sampled"] for turn in results["rounds"]["fastbench"]):
        return Figure(*line, met=None, why="the system permits no samples, and its ticks can be wrong by a factor of 3")
    missed = f"{user - GOAL_USER_US:.2f} µs too much; the C loop spends {limit:.2f} µs there"
    return Figure.against(*line, user <= GOAL_USER_US, missed)


def _capacity(results: Results) -> Figure:
    """Tokens that one core takes, one each read; not told where the service gave fewer than the core could take."""
    came, joined, core = (_fast(results, field) for field in ("tokens_per_s", "joined", "core"))
    held = came >= GOAL_RATE and joined < GOAL_SHARED
    idle = came < GOAL_RATE and core < SATURATED
    return Figure(
        "P2",
        "such tokens/s on one core, share that is coalesced",
        "≥ 120 k/s, < 0.1 %",
        f"{came / 1e3:.0f} k/s, {100 * joined:.3f} %",
        f"{1e3 / _fast(results, 'total_us'):.0f} k/s by its CPU per token",
        met=None if idle else held,
        why=None
        if held
        else f"{results['asked_per_s'] / 1e3:.0f} k/s were asked for, and what came took {100 * core:.0f} % of the "
        f"client's core: {'the service did not keep the pace' if idle else 'the client was kept from it at times'}",
    )


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
