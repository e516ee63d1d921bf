"""P6, recalculation of large recordings: all tables, exact percentiles, files written; and P5, their size.

    python -m benchmarks.bench_recalc [--rounds 3] [--json FILE]

The recordings are made by `benchmarks.synthetic_recording`. The page cache is warm, and for one further round cold (the
file's pages are given up; what the disk's own host keeps is beyond reach). Time is the whole command's,
start included; private memory is the peak of its anonymous pages, without the mapped file. Each percentile is
compared with numpy's on the same data, bit by bit.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from benchmarks.synthetic_recording import make_recording
from benchmarks.watched import FASTBENCH, watch
from fastbench.metrics import compute
from fastbench.recording import ESCAPE, Recording

PROMISES = ("P5", "P6")
SIZES: tuple[tuple[int, int, float, float | None], ...] = ((10_000, 1_024, 0.5, None), (250_000, 4_096, 5.0, 8.0))
"""Requests, tokens of each, seconds that the goal allows with a warm and with a cold page cache."""
PERCENTS = (50.0, 75.0, 90.0, 99.0, 99.9, 99.99)
PRIVATE_GOAL = 1e9
MB = 1e6


def parameters(parser: argparse.ArgumentParser) -> None:
    """How often."""
    parser.add_argument("--rounds", type=int, default=3)


def measure(rounds: int) -> Results:
    """Makes each recording, calculates it `rounds` times after one that warms the cache, deletes it."""
    return {"sizes": [_measure(*size, rounds) for size in SIZES]}


def _measure(requests: int, tokens: int, goal_s: float, cold_goal_s: float | None, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="fastbench-recalc-") as name:
        needed = 3 * requests * tokens
        if shutil.disk_usage(name).free < needed:
            raise RuntimeError(f"{name} has no room for a recording: {needed / MB:,.0f} MB are needed; set TMPDIR")
        directory = Path(name, "synthetic_recording")
        file = make_recording(directory, requests, tokens)
        runs = [watch([*FASTBENCH, "recalc", str(directory)]) for _ in range(rounds + 1)][1:]
        _cool(file)
        cold = watch([*FASTBENCH, "recalc", str(directory)])
        return {
            "requests": requests,
            "tokens": tokens,
            "goal_s": goal_s,
            "cold_goal_s": cold_goal_s,
            "cold_s": cold.seconds,
            "seconds": [run.seconds for run in runs],
            "private_bytes": max(run.peak() for run in runs),
            "recording_bytes": file.stat().st_size,
            "different": differences(Recording.open(directory)),
        }


def _cool(file: Path) -> None:
    """Has the page cache forget a file."""
    with file.open("rb") as source:
        os.fsync(source.fileno())
        os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def differences(recording: Recording, percents: Sequence[float] = PERCENTS) -> list[str]:
    """The percentiles in ms that are not numpy's to the last bit."""
    names = [f"P{percent:g}" for percent in percents]
    rows = recording.rows
    expected = {
        "E2EL": np.percentile(rows["end_ns"] - rows["sent_ns"], percents) / 1e6,
        "TTFT": np.percentile(rows["first_token_ns"] - rows["sent_ns"], percents) / 1e6,
        "ITL": gap_percentiles_us(recording, percents) / 1e3,
    }
    found = {row.name: row.values for row in compute(recording, names).parameters}
    return [
        f"{metric} {name}"
        for metric, values in expected.items()
        for name, value in zip(names, values.tolist(), strict=True)
        if found[metric][name] != value
    ]


def gap_percentiles_us(recording: Recording, percents: Sequence[float]) -> NDArray[np.float64]:
    """As `numpy.percentile` over all gaps: ordered by numpy's counts and sort, interpolated by numpy."""
    counts, escapes = np.zeros(ESCAPE + 1, np.int64), [np.empty(0, np.int64)]
    for run in recording.token_runs():
        counts += np.bincount(run.gaps, minlength=counts.size)
        escapes.append(run.escapes)
    long = np.sort(np.concatenate(escapes))
    ranks = np.cumsum(counts[:ESCAPE])
    size = int(ranks[-1]) + long.size

    def at(rank: int) -> int:
        return int(np.searchsorted(ranks, rank, "right") if rank < ranks[-1] else long[rank - ranks[-1]])

    def value(percent: float) -> np.float64:
        position = (size - 1) * np.true_divide(percent, 100)
        low = int(position)
        return np.float64(np.quantile([at(low), at(min(low + 1, size - 1))], position - low))

    return np.array([value(percent) for percent in percents])


def details(results: Results) -> str:
    """Every round."""
    rows = [
        (
            f"{size['requests']:,} x {size['tokens']:,}",
            ", ".join(f"{seconds:.2f}" for seconds in size["seconds"]),
            f"{size['cold_s']:.2f}",
            f"{size['private_bytes'] / MB:.0f}",
            f"{size['recording_bytes'] / MB:,.1f}",
            ", ".join(size["different"]) or "none",
        )
        for size in results["sizes"]
    ]
    return str(
        tabulate(rows, ["recording", "seconds", "cold", "private MB", "file MB", "not numpy's"], disable_numparse=True)
    )


def figures(results: Results) -> list[Figure]:
    """Time, memory, exactness and size of each."""
    return [figure for size in results["sizes"] for figure in _figures(size)]


def _figures(size: dict[str, Any]) -> list[Figure]:
    what = f"{size['requests']:,} x {size['tokens']:,}"
    seconds, goal_s, private = statistics.median(size["seconds"]), size["goal_s"], size["private_bytes"]
    tokens = size["requests"] * size["tokens"]
    stored, room = size["recording_bytes"], 2.1 * tokens + 256 * size["requests"]
    compared = 3 * len(PERCENTS)
    cold = [_cold_figure(what, size["cold_s"], size["cold_goal_s"])] if size["cold_goal_s"] else []
    return [
        Figure.against(
            "P6",
            f"recalculation of {what}, command to files",
            f"<= {goal_s:g} s",
            f"{seconds:.2f} s",
            seconds <= goal_s,
            f"{seconds - goal_s:.2f} s too long",
            ratio=f"{tokens / seconds / 1e6:,.0f} M gaps/s",
        ),
        *cold,
        Figure.against(
            "P6",
            f"its private memory, {what}",
            f"<= {PRIVATE_GOAL / MB:,.0f} MB",
            f"{private / MB:.0f} MB",
            private <= PRIVATE_GOAL,
            f"{(private - PRIVATE_GOAL) / MB:.0f} MB too much",
            ratio=f"{private / stored:.2f} x file",
        ),
        Figure.against(
            "P6",
            f"percentiles equal to numpy's, {what}",
            "all, to the bit",
            f"{compared - len(size['different'])} of {compared}",
            not size["different"],
            f"not equal: {', '.join(size['different'])}",
        ),
        Figure.against(
            "P5",
            f"recording of {what} (synthetic)",
            f"<= {room / MB:,.0f} MB",
            f"{stored / MB:,.1f} MB",
            stored <= room,
            f"{(stored - room) / MB:.1f} MB too much",
            ratio=f"{stored / tokens:.3f} B/token",
        ),
    ]


def _cold_figure(what: str, seconds: float, goal_s: float) -> Figure:
    return Figure.against(
        "P6",
        f"recalculation of {what}, cold page cache",
        f"<= {goal_s:g} s",
        f"{seconds:.2f} s",
        seconds <= goal_s,
        f"{seconds - goal_s:.2f} s too long",
    )


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
