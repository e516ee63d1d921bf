"""`fastbench compare --url-a … --url-b …` in real time (`make compare`).

Two simulated services that are alike, many times, each with a seed of its own: none may be called worse. Then one whose
steps take 3 % longer: it must be called worse within two minutes. Prints a line for each; ends with 1 where one was
wrong. Up to two minutes each, some of them at once: both services and the client need a tenth of a core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
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


class Case(NamedTuple):
    """One comparison, and the exit codes that are right for it."""

    slower: float
    seed: int
    codes: tuple[int, ...]
    duet: bool

    def right(self) -> bool:
        """Compares, prints a line of it, and says whether the answer was right."""
        found = compared(self.slower, self.seed, "2%", duet=self.duet)
        right = found.code in self.codes
        print(
            f"{'right' if right else 'WRONG'}: x {self.slower}, seed {self.seed}, {found.pairs} pairs, {found.code}: "
            f"{found.sentence}",
            flush=True,
        )
        return right


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alike", type=int, default=20, metavar="N", help="pairs of services that are alike")
    parser.add_argument("--slower", type=int, default=5, metavar="N", help="pairs of which one is 3 %% slower")
    parser.add_argument("--duet", action="store_true")
    parser.add_argument("--at-once", type=int, default=3, metavar="N", help="comparisons that run beside each other")
    chosen = parser.parse_args()
    cases = [Case(1.0, seed, (0, 4), chosen.duet) for seed in range(chosen.alike)]
    cases += [Case(1.03, seed, (3,), chosen.duet) for seed in range(chosen.slower)]
    with ThreadPoolExecutor(chosen.at_once) as pool:
        return 0 if all(list(pool.map(Case.right, cases))) else 1


if __name__ == "__main__":
    sys.exit(main())
