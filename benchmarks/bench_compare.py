"""P6, the comparison of two large recordings: 250,000 requests of 4,096 tokens each, command to answer.

    python -m benchmarks.bench_compare [--requests 250000] [--tokens 4096] [--rounds 3] [--json FILE]

The recordings are made by `benchmarks.synthetic_recording`, with two seeds. The page cache is warm as far as the memory
allows. Time is the whole command's, start included; private memory is the peak of its anonymous pages, without the
mapped files.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from benchmarks.synthetic_recording import make_recording
from benchmarks.watched import FASTBENCH, watch

PROMISES = ("P6",)
GOAL_S = 15.0
EVERY_NS = 20_000_000
"""From one request sent to the next: a reply takes 82 s, and 20 blocks of time depend little on each other."""
PRIVATE_GOAL, PAGE_GOAL = 1e9, 8e6
MB = 1e6


def parameters(parser: argparse.ArgumentParser) -> None:
    """How large, and how often."""
    parser.add_argument("--requests", type=int, default=250_000)
    parser.add_argument("--tokens", type=int, default=4_096)
    parser.add_argument("--rounds", type=int, default=3)


def measure(requests: int, tokens: int, rounds: int) -> Results:
    """Makes both recordings, compares them `rounds` times after one that warms the cache, deletes them."""
    with tempfile.TemporaryDirectory(prefix="fastbench-compare-") as name:
        needed = 6 * requests * tokens
        if shutil.disk_usage(name).free < needed:
            raise RuntimeError(f"{name} has no room for two recordings: {needed / MB:,.0f} MB are needed; set TMPDIR")
        sides = [Path(name, side, "synthetic_recording") for side in ("a", "b")]
        for seed, side in enumerate(sides):
            make_recording(side, requests, tokens, seed, EVERY_NS)
        answer, page = Path(name, "answer.json"), Path(name, "page.html")
        command = [*FASTBENCH, "compare", *map(str, sides), "--anyway", "--cannot-tell-ok", "--run-noise", "1%"]
        runs = [watch([*command, "--json", str(answer)]) for _ in range(rounds + 1)][1:]
        paged = watch([*command, "--page", str(page)])
        told = json.loads(answer.read_text())
        return {
            "requests": requests,
            "tokens": tokens,
            "seconds": [run.seconds for run in runs],
            "private_bytes": max(run.peak() for run in (*runs, paged)),
            "page_seconds": paged.seconds,
            "page_bytes": page.stat().st_size,
            "effects": [_effect(effect) for effect in told["versus"][0]["effects"]],
        }


def _effect(effect: dict[str, Any]) -> tuple[str, float | None, list[float] | None, str]:
    return effect["key"], effect["change"], effect["interval"], effect["verdict"]


def details(results: Results) -> str:
    """Every round, and what was answered."""
    seconds = ", ".join(f"{each:.2f}" for each in results["seconds"])
    table = tabulate(results["effects"], ["number", "change", "95 %", "verdict"])
    return f"{table}\n\nseconds: {seconds}; with the page: {results['page_seconds']:.2f}"


def figures(results: Results) -> list[Figure]:
    """Time, memory, and the page's size."""
    requests, tokens = results["requests"], results["tokens"]
    what = f"comparison of {requests:,} x {tokens:,} with another such"
    seconds, private = statistics.median(results["seconds"]), results["private_bytes"]
    page = results["page_bytes"]
    return [
        Figure.against(
            "P6",
            f"{what}, command to answer",
            f"<= {GOAL_S:g} s",
            f"{seconds:.2f} s",
            seconds <= GOAL_S,
            f"{seconds - GOAL_S:.2f} s too long",
            ratio=f"{2 * requests * tokens / seconds / 1e6:,.0f} M gaps/s",
        ),
        Figure.against(
            "P6",
            f"its private memory, {requests:,} x {tokens:,}",
            f"<= {PRIVATE_GOAL / MB:,.0f} MB",
            f"{private / MB:.0f} MB",
            private <= PRIVATE_GOAL,
            f"{(private - PRIVATE_GOAL) / MB:.0f} MB too much",
        ),
        Figure.against(
            "P6",
            f"its page, {requests:,} x {tokens:,}",
            f"<= {PAGE_GOAL / MB:g} MB",
            f"{page / MB:.2f} MB",
            page <= PAGE_GOAL,
            f"{(page - PAGE_GOAL) / MB:.2f} MB too much",
        ),
    ]


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
