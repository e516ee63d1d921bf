"""The client's own error where other processes want the processors too.

An open loop against a simulated service, while two processes for each processor do nothing but compute: as fastbench
is, and, in turn, without the permission for any priority (CAP_SYS_NICE). Lateness of sends and the client's lag are
those of the runs' own reports, the median of the rounds.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from benchmarks.perf_run import perf
from benchmarks.place import processors
from fastbench.mock import Mock

PROMISES = ("crowd",)
GOAL_US = 100.0
"""That of a quiet machine, P4."""
WAYS = {"as it is": (), "without permission": ("setpriv", "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice")}
BUSY = "while True: pass"
_PARTS = {"send lateness": ("load", "send_lateness", 1000.0), "client lag": ("client", "lag", 1.0)}
"""What → where the trust file has it, and the µs in its unit."""


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--rate", type=int, default=500, help="requests per second")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run")
    parser.add_argument("--busy", type=int, default=2, help="busy processes for each processor")
    parser.add_argument("--rounds", type=int, default=3)


def measure(rate: int, seconds: float, busy: int, rounds: int) -> Results:
    """way → a list of rounds: P50 and P99 in µs of each part, and how long the client was real-time."""
    found: Results = {way: [] for way in WAYS}
    options = ("--rate", f"{rate}/s", "--num-prompts", round(rate * seconds), "--input-len", 64, "--output-len", 20)
    with Mock(ttft_ms=20, itl_ms=10) as mock:
        for _ in range(rounds):
            for way, through in WAYS.items():
                if through and not shutil.which(through[0]):
                    continue
                with crowd(busy * len(processors())):
                    found[way].append(_told(perf(mock, *options, "--no-plot", through=through).trust))
    return found


@contextmanager
def crowd(size: int) -> Iterator[None]:
    """That many processes that compute."""
    others: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(size):
            others.append(subprocess.Popen([sys.executable, "-c", BUSY]))  # noqa: PERF401  # one by one: all are ended
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def _told(trust: dict[str, Any]) -> dict[str, Any]:
    values = {}
    for what, (block, name, us) in _PARTS.items():
        told = trust[block][name]["values"]
        values |= {f"{what} {short}": told[long] * us for short, long in (("P50", "Median"), ("P99", "P99"))}
    return values | {"verdict": trust["verdict"], "real_time_share": trust["client"]["real_time_share"]}


def details(results: Results) -> str:
    """Every round."""
    rows = [[way, *turn.values()] for way, turns in results.items() for turn in turns]
    quantiles = [f"{what} {quantile}, us" for what in _PARTS for quantile in ("P50", "P99")]
    return str(tabulate(rows, ["way", *quantiles, "verdict", "real-time"], floatfmt=".1f"))


def figures(results: Results) -> list[Figure]:
    """Each part beside busy processes."""
    return [_figure(what, *results.values()) for what in _PARTS]


def _ordinary(turns: list[dict[str, Any]]) -> bool:
    return bool(turns) and not any(turn["real_time_share"] for turn in turns)


def _figure(what: str, ours: list[dict[str, Any]], others: list[dict[str, Any]]) -> Figure:
    def median(turns: list[dict[str, Any]], quantile: str) -> float:
        return statistics.median(turn[f"{what} {quantile}"] for turn in turns)

    p99 = median(ours, "P99")
    ratio = f"p99 {median(others, 'P99'):.0f} µs without permission for a priority" if _ordinary(others) else ""
    line = ("crowd", f"{what} beside busy processes on all processors", f"p99 ≤ {GOAL_US:.0f} µs")
    shown = f"p50 {median(ours, 'P50'):.1f}, p99 {p99:.0f} µs"
    if not all(turn["real_time_share"] for turn in ours):
        return Figure(*line, shown, ratio, None, "the system does not permit real-time scheduling here")
    return Figure.against(*line, shown, p99 <= GOAL_US, f"p99 {p99 - GOAL_US:.0f} µs above", ratio)


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
