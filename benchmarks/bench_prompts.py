"""How fast prompts are made, on one core, and how much memory it takes to walk through all of a large run.

Each walk is a process of its own, which makes every sample of 4,096 tokens, one after the other, and keeps none.
`text` walks the whole run; `ids`, `pool` and `mix` walk a part of it.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from benchmarks.place import ROOT
from fastbench.config.fields.lengths import Gaussian, Uniform, Zipf
from fastbench.datasets import SyntheticConfig, open_dataset
from fastbench.datasets.synthetic import MixPart, PrefixPool

PROMISES = ("prompts",)
COUNT, PART, LENGTH = 250_000, 20_000, 4096
GOAL_PER_S, GOAL_MIB = 3000.0, 300.0

_LENGTHS = Uniform(low=LENGTH, high=LENGTH)
_KINDS: dict[str, dict[str, Any]] = {
    "text": {"input_len": _LENGTHS, "output_len": _LENGTHS},
    "ids": {"input_len": _LENGTHS, "as_ids": True, "vocab_size": 128_000},
    "pool": {"input_len": _LENGTHS, "prefix_pool": PrefixPool(count=100, length=3072, hit_ratio=0.5)},
    "mix": {
        "mix": (
            MixPart(input_len=Zipf(alpha=1.2, low=LENGTH, high=2 * LENGTH)),
            MixPart(input_len=Gaussian(mean=LENGTH, var=1e4, low=LENGTH, high=2 * LENGTH), output_len=_LENGTHS),
        )
    },
}


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--count", type=int, default=COUNT, help=f"prompts of the longest walk [{COUNT}]")
    parser.add_argument("--tokenizer", default="", help="tokenizer.json of the words [common words]")


def measure(count: int, tokenizer: str) -> Results:
    """For each kind of prompt: prompts, seconds, peak memory in MiB, and the memory before the walk."""
    return {kind: _walk_apart(kind, count if kind == "text" else min(count, PART), tokenizer) for kind in _KINDS}


def details(results: Results) -> str:
    """All walks."""
    rows = [
        (kind, walk["prompts"], walk["seconds"], _rate(walk), walk["peak_mib"], walk["peak_mib"] - walk["before_mib"])
        for kind, walk in results.items()
    ]
    columns = ("kind", "prompts", "seconds", "prompts/s", "peak MiB", "of that by the walk")
    return str(tabulate(rows, columns, floatfmt=".1f"))


def figures(results: Results) -> list[Figure]:
    """The slowest kind, and the memory of the longest walk."""
    slowest = min(results, key=lambda kind: _rate(results[kind]))
    rate, walk = _rate(results[slowest]), results["text"]
    return [
        Figure.against(
            "prompts",
            f"prompts of {LENGTH} tokens made on one core ({slowest}, the slowest kind)",
            f"≥ {GOAL_PER_S:,.0f}/s",
            f"{rate:,.0f}/s",
            rate >= GOAL_PER_S,
            "another process had the core, or the drawing of words became dearer",
            f"{rate / GOAL_PER_S:.2f}",
        ),
        Figure.against(
            "prompts",
            f"memory to walk through {walk['prompts']:,} of them",
            f"< {GOAL_MIB:.0f} MiB",
            f"{walk['peak_mib']:.0f} MiB",
            walk["peak_mib"] < GOAL_MIB,
            "the walk keeps what it made",
            f"{walk['peak_mib'] / GOAL_MIB:.2f}",
        ),
    ]


def _rate(walk: dict[str, float]) -> float:
    return walk["prompts"] / walk["seconds"]


def _walk_apart(kind: str, count: int, tokenizer: str) -> dict[str, float]:
    command = [sys.executable, "-c", f"from benchmarks.bench_prompts import walk; walk{(kind, count, tokenizer)!r}"]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=600).stdout
    found: dict[str, float] = json.loads(told)
    return found


def walk(kind: str, count: int, tokenizer: str) -> None:
    """Makes `count` prompts in this process, and prints what it took as JSON."""
    data = open_dataset(SyntheticConfig(count=count, **_KINDS[kind]), tokenizer)
    before = _peak_mib()
    begun = time.perf_counter()
    for _ in data.samples():
        pass
    seconds = time.perf_counter() - begun
    print(json.dumps({"prompts": count, "seconds": seconds, "peak_mib": _peak_mib(), "before_mib": before}))


def _peak_mib() -> float:
    """Of this process alone: what getrusage tells begins with the parent's own peak."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
