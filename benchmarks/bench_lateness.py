"""P4, lateness of sends: `sent - intended` of an open loop, plain and with `precise` pacing, from the recording.

As a check from outside, the simulated service's log tells when each request arrived there. The usual ways, `call_at` of
uvloop and a task that sleeps until the next moment, are timed without sending anything, which favours them. A quantile
is the median of the rounds; `early` counts over all of them. The goals are for a quiet processor: a loop that only
reads the clock shows, between the turns, whether it is one.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.clients import Clients, service
from benchmarks.harness import Figure, Results, run_main
from benchmarks.place import run_module
from fastbench._core.ring import FLAGS
from fastbench.recording import recorded_id

PROMISES = ("P4",)
GOALS_US = {"plain": 100.0, "precise": 50.0}
USUAL = {"uvloop call_at": "call_at", "asyncio.sleep": "sleep"}
LIMIT = 1000
QUIET_S = 0.3
DISTURBED = 0.0025
"""Of the 1 % of sends that may be later than the goal: the share from which it is the processor that is not quiet."""


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--rates", type=int, nargs="+", default=[1000, 5000], help="sends per second")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)


def measure(rates: list[int], seconds: float, rounds: int) -> Results:
    """rate → way → a list of rounds: what was late by how much (see `_lateness`), and how quiet the processor was."""
    ways = [*GOALS_US, *USUAL]
    results: Results = {str(rate): {way: [] for way in [*ways, "quiet"]} for rate in rates}
    for rate in rates:
        for _ in range(rounds):
            for way in ways:
                results[str(rate)]["quiet"].append(_quiet())
                results[str(rate)][way].append(
                    _usual(way, rate, seconds) if way in USUAL else _sends(way, rate, seconds)
                )
    return results


def _quiet() -> dict[str, float]:
    found: dict[str, float] = json.loads(run_module("benchmarks.quiet", QUIET_S, *GOALS_US.values()))
    return found


def _usual(way: str, rate: int, seconds: float) -> dict[str, float]:
    return _lateness(np.array(json.loads(run_module("benchmarks.usual_pacing", USUAL[way], rate, seconds)), np.int64))


def _sends(way: str, rate: int, seconds: float) -> dict[str, float]:
    requests = round(rate * seconds)
    with tempfile.TemporaryDirectory() as name, service(log=f"{name}/log") as mock:
        clients = Clients(mock.url, Path(name))
        run = clients.fastbench(LIMIT, requests, 1, request_rate=rate, precise=way == "precise")
        arrived = {entry["id"]: entry["arrived_ns"] for entry in mock.log_entries(requests)}
        rows = run.recording.rows[run.recording.rows["flags"] & FLAGS["warmup"] == 0]
        ids = [recorded_id(run.recording.header["run_id"], request) for request in rows["request"]]
    outside = np.array([arrived[name] for name in ids]) - rows["intended_ns"]
    starved = int(np.count_nonzero(rows["flags"] & FLAGS["starved"]))
    cpu_ns = sum(record["cpu_ns"] for record in run.recording.health)
    return {
        **_lateness(rows["sent_ns"] - rows["intended_ns"]),
        **{f"arrived {what}": value for what, value in _lateness(outside).items()},
        "starved": starved,
        "reactor CPU us": cpu_ns / len(rows) / 1000,
    }


def _lateness(late_ns: NDArray[np.int64]) -> dict[str, float]:
    """early: how many; P50, P99, Max in µs."""
    quantiles = (np.percentile(late_ns, (50, 99, 100)) / 1000).tolist()
    return {"early": int(np.count_nonzero(late_ns < 0)), **dict(zip(("P50", "P99", "Max"), quantiles, strict=True))}


def _sum_up(turns: list[dict[str, float]]) -> dict[str, float]:
    """Over the rounds: counts added, the others' medians."""
    counts = ("early", "arrived early", "starved")
    return {name: (sum if name in counts else statistics.median)([turn[name] for turn in turns]) for name in turns[0]}


def details(results: Results) -> str:
    """Each way at each rate."""
    columns = ("early", "P50", "P99", "Max", "arrived early", "arrived P50", "arrived P99", "starved", "reactor CPU us")
    rows: list[list[Any]] = []
    for rate, ways in results.items():
        for way in (*GOALS_US, *USUAL):
            summed = _sum_up(ways[way])
            rows.append(
                [rate, way, *(f"{summed[name]:.1f}".removesuffix(".0") if name in summed else "" for name in columns)]
            )
    heads = ["sends/s", "way", *(f"{name} us" if name[-1].isdigit() or name == "Max" else name for name in columns)]
    return str(tabulate(rows, heads, disable_numparse=True))


def figures(results: Results) -> list[Figure]:
    """Each pacing at each rate."""
    return [_figure(rate, pacing, ways) for rate, ways in results.items() for pacing in GOALS_US]


def _figure(rate: str, pacing: str, ways: dict[str, Any]) -> Figure:
    ours, call_at, sleep = (_sum_up(ways[way]) for way in (pacing, *USUAL))
    goal = GOALS_US[pacing]
    away = statistics.mean(turn[str(goal)] for turn in ways["quiet"])
    longest = max(turn["longest"] for turn in ways["quiet"])
    held = ours["early"] == 0 and ours["P99"] <= goal
    why = (
        f"p99 {ours['P99'] - goal:.0f} µs above, {ours['starved']:.0f} sends without a prepared request; a loop that "
        f"only reads the clock there would have been as late at {100 * away:.2f} % of all moments, by up to "
        f"{longest:.0f} µs"
    )
    return Figure(
        "P4",
        f"send lateness at {int(rate):,}/s, {pacing}",
        f"0 early, p99 ≤ {goal:.0f} µs",
        f"{ours['early']:.0f} early, p50 {ours['P50']:.1f}, p99 {ours['P99']:.0f}, max {ours['Max']:.0f} µs",
        f"p99 uvloop call_at {call_at['P99']:.0f} µs ({call_at['early']:.0f} early), "
        f"asyncio.sleep {sleep['P99']:.0f} µs",
        met=True if held else None if away > DISTURBED and not ours["early"] else False,
        why=None if held else why,
    )


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
