"""How fast rows that are whole requests become the bytes that are sent, in time of one processor.

Each kind of row is a file of its own, read once: from the file to the finished request, as in a worker.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from fastbench.config.services import ServiceConfig
from fastbench.datasets import RowsConfig, open_dataset
from fastbench.dialects import Speaker

PROMISES = ("rows",)
COUNT, GOAL_PER_S = 20_000, 20_000.0


def _messages(turns: int, characters: int) -> list[dict[str, str]]:
    draw = random.Random(turns)
    text = "".join(draw.choice("abcdefgh \u00e9\n") for _ in range(characters))
    return [{"role": "user" if at % 2 == 0 else "assistant", "content": text} for at in range(turns)]


_TOOLS = [{"type": "function", "function": {"name": f"f{at}", "parameters": {"type": "object"}}} for at in range(8)]
_SHORT = {"model": "m", "messages": _messages(1, 400), "temperature": 0.7, "max_tokens": 100, "stream": False}
_KINDS: dict[str, Callable[[int], Any]] = {
    "body": lambda at: _SHORT,
    "batch": lambda at: {"custom_id": str(at), "method": "POST", "url": "/v1/chat/completions", "body": _SHORT},
    "headers": lambda at: {"body": _SHORT, "headers": {"X-Tenant": str(at % 50)}, "class": "a"},
    "agent": lambda at: {"messages": _messages(21, 400), "tools": _TOOLS, "max_tokens": 100},
}


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--count", type=int, default=COUNT, help=f"rows of each kind [{COUNT}]")


def measure(count: int) -> Results:
    """For each kind of row: rows, bytes of a request, seconds."""
    with tempfile.TemporaryDirectory() as folder:
        return {kind: _walk(Path(folder, f"{kind}.jsonl"), kind, count) for kind in _KINDS}


def _walk(path: Path, kind: str, count: int) -> dict[str, float]:
    path.write_text("".join(json.dumps(_KINDS[kind](at)) + "\n" for at in range(count)))
    speaker = Speaker(ServiceConfig(type="openai_chat", abbr="m", generation_kwargs={"top_p": 0.9}), "m", "h", "")
    data = open_dataset(RowsConfig(abbr="rows", path=str(path)))
    begun, size = time.process_time(), 0
    for sample in data.samples():
        size += len(speaker.encode(sample, "0123456789abcdef0123456-000000000001"))
    return {"rows": count, "bytes": size / count, "seconds": time.process_time() - begun}


def details(results: Results) -> str:
    """All kinds."""
    rows = [(kind, walk["rows"], walk["bytes"], walk["seconds"], _rate(walk)) for kind, walk in results.items()]
    return str(tabulate(rows, ("kind", "rows", "bytes of a request", "seconds of CPU", "rows/s"), floatfmt=".1f"))


def figures(results: Results) -> list[Figure]:
    """The slowest kind."""
    slowest = min(results, key=lambda kind: _rate(results[kind]))
    rate = _rate(results[slowest])
    return [
        Figure.against(
            "rows",
            f"rows of {results[slowest]['bytes']:,.0f} bytes made requests on one core ({slowest}, the slowest)",
            f"≥ {GOAL_PER_S:,.0f}/s",
            f"{rate:,.0f}/s",
            rate >= GOAL_PER_S,
            "another process had the caches, or more of a row is decoded",
            f"{rate / GOAL_PER_S:.2f}",
        )
    ]


def _rate(walk: dict[str, float]) -> float:
    return walk["rows"] / walk["seconds"]


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
