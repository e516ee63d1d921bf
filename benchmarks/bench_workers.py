"""More than one core: the ceiling of two workers with two service processes, beside that of one with one.

The same closed loop of the whole command, turn by turn: `1 x 1` and `2 x 2` are workers x service processes (those
share a port; the kernel deals connections to them). On a machine with four processors each has one to itself, and two
of each should read twice as much; on fewer they share them, and the figure shows what sharing costs.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from benchmarks.place import processors
from benchmarks.watched import FASTBENCH, watch
from fastbench.mock import Mock
from fastbench.recording import Recording

PROMISES = ("P1",)
SETTINGS = {"1 x 1": (1, 1), "2 x 1": (2, 1), "2 x 2": (2, 2)}
NEEDED = 4
"""Processors that two workers and two services want."""
GOAL = 1.8
"""Of the ceiling of one, where there are so many."""


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--requests", type=int, default=800)
    parser.add_argument("--tokens", type=int, default=4096, help="output tokens of a request")
    parser.add_argument("--rounds", type=int, default=3)


def measure(streams: int, requests: int, tokens: int, rounds: int) -> Results:
    """setting → its turns: events_per_s, and the smaller worker's share of the requests."""
    results: Results = {setting: [] for setting in SETTINGS}
    for _ in range(rounds):
        for setting, (workers, services) in SETTINGS.items():
            with tempfile.TemporaryDirectory() as place, serving(services) as url:
                results[setting].append(_turn(url, Path(place), workers, streams, requests, tokens))
    return results


@contextlib.contextmanager
def serving(count: int) -> Iterator[str]:
    """So many services at one URL."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(Mock(ttft_ms=0, itl_ms=0, reuse_port=True))
        port = int(first.url.rpartition(":")[2])
        for _ in range(count - 1):
            stack.enter_context(Mock(ttft_ms=0, itl_ms=0, reuse_port=True, port=port))
        yield first.url


def _turn(url: str, place: Path, workers: int, streams: int, requests: int, tokens: int) -> dict[str, float]:
    options = {
        "--url": url,
        "--model": "mock",
        "--workers": workers,
        "--concurrency": streams,
        "--num-prompts": requests,
        "--input-len": 16,
        "--output-len": tokens,
        "--num-warmups": 0,
        "-w": place,
    }
    words = [str(word) for option in options.items() for word in option]
    watch([*FASTBENCH, "perf", *words, "--quiet", "--no-plot"])
    recording = Recording.open(next(place.glob("*/performances/*/*_recording")))
    rows = recording.rows
    seconds = (int(rows["end_ns"].max()) - int(rows["sent_ns"].min())) / 1e9
    return {
        "events_per_s": int(rows["events"].sum()) / seconds,
        "smaller_share": min(len(part.table.rows) for part in recording.parts) / len(rows),
    }


def _rates(results: Results) -> dict[str, float]:
    return {setting: statistics.median(turn["events_per_s"] for turn in turns) for setting, turns in results.items()}


def details(results: Results) -> str:
    """The medians of the settings."""
    rates = _rates(results)
    rows = [
        (
            setting,
            f"{rate / 1e6:.3f}",
            f"{rate / rates['1 x 1']:.2f}",
            f"{100 * statistics.median(turn['smaller_share'] for turn in results[setting]):.0f} %",
        )
        for setting, rate in rates.items()
    ]
    columns = ["workers x services", "M events/s", "x one", "smaller worker's share"]
    return str(tabulate(rows, columns, disable_numparse=True))


def figures(results: Results) -> list[Figure]:
    """The ceiling of two beside that of one."""
    rates = _rates(results)
    ratio, have = rates["2 x 2"] / rates["1 x 1"], len(processors())
    what = "output events/s of two workers, two services"
    said = {"goal": f"≥ {GOAL} x one of each", "figure": f"{rates['2 x 2'] / 1e6:.2f} M/s", "ratio": f"{ratio:.2f} x"}
    if have < NEEDED:
        why = f"this machine has {have} processors for the four processes: they share them"
        return [Figure("P1", what, **said, met=None, why=why)]
    return [Figure("P1", what, **said, met=ratio >= GOAL, why=f"{GOAL - ratio:.2f} x short")]


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
