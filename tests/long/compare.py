"""`fastbench compare --url-a … --url-b …` in real time (`make compare`).

Two simulated services that are alike, many times, each with a seed of its own: none may be called worse. Then one whose
steps take 3 % longer: it must be called worse within two minutes. Prints a line for each; ends with 1 where one was
wrong. Up to two minutes each.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

import fastbench as fb  # noqa: E402 - found by the path above
from fastbench.mock import Mock  # noqa: E402

SERVICE = {"prefill_rate": 20_000.0, "decode_ms": 10.0, "decode_ms_per_seq": 0.5, "jitter": 0.1}
LOAD = {"input_len": "32:96", "output_len": "16:48", "concurrency": 8}
BUDGET = "2m"


class Found(NamedTuple):
    """What a comparison came to."""

    code: int
    sentence: str
    pairs: int


def compared(slower: float, seed: int, tolerance: str, *, duet: bool) -> Found:
    """Of a service and one whose steps take so many times as long."""
    steps = {name: SERVICE[name] * slower for name in ("decode_ms", "decode_ms_per_seq")}
    with (
        tempfile.TemporaryDirectory() as directory,
        Mock(**SERVICE, seed=2 * seed) as a,
        Mock(**{**SERVICE, **steps}, seed=2 * seed + 1) as b,
    ):
        found = fb.compare_live(
            a.url,
            b.url,
            until="decided",
            budget=BUDGET,
            seed=seed,
            tolerance=tolerance,
            duet=duet,
            work_dir=directory,
            **LOAD,
        )
        return Found(found.code, found.sentence, len(found.base.runs))


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alike", type=int, default=20, metavar="N", help="pairs of services that are alike")
    parser.add_argument("--slower", type=int, default=5, metavar="N", help="pairs of which one is 3 %% slower")
    parser.add_argument("--duet", action="store_true")
    chosen = parser.parse_args()
    wrong = 0
    for slower, count, codes in ((1.0, chosen.alike, (0, 4)), (1.03, chosen.slower, (3,))):
        for seed in range(count):
            found = compared(slower, seed, "2%", duet=chosen.duet)
            verdict = "right" if found.code in codes else "WRONG"
            wrong += verdict == "WRONG"
            print(
                f"{verdict}: x {slower}, seed {seed}, {found.pairs} pairs, {found.code}: {found.sentence}", flush=True
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
