"""`fastbench saturate` in real time against services whose operating point is known (`make saturate`).

Three services of the mock's engine model: a smooth one, one with a cliff, one whose speed wanders; some seeds each.
What is true of each is computed by the same model on paper. An answer must lie within 5 % of the truth and cost at most
a third of the requests of a linear sweep of the same resolution. Prints a line for each search; ends with 1 where one
was wrong. Some five minutes for each search, some of them at once: a service and its client need a tenth of a core.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)]

from fastbench.mock import Mock  # noqa: E402 - found by the path above
from fastbench.recording import Recording  # noqa: E402

TOKENS = (8, 24)
"""Output tokens of a request, uniform."""
CLIFF, WANDER_S = 4.0, 1.0
"""As the mock has them."""
TOLERANCE, A_THIRD = 0.05, 1 / 3
CONFIRM_S, LATENCIES = 60.0, 20.0
MOST = 96


class Shape(NamedTuple):
    """A service; times in ms. limit: of TPOT, which `share` of the requests must keep."""

    limit: float
    share: float
    decode: float = 20.0
    each: float = 1.0
    jitter: float = 0.05
    cliff: int = 0
    wander: float = 0.0


SHAPES = {
    "smooth": Shape(limit=62.0, share=0.95, jitter=0.5),
    "cliff": Shape(limit=100.0, share=0.95, cliff=36),
    "noisy": Shape(limit=62.0, share=0.95, wander=0.05),
}


class Level(NamedTuple):
    """What a service does at so many users, on paper."""

    good: float
    per_s: float
    e2el_s: float
    p95_s: float


def on_paper(shape: Shape, users: int, requests: int = 6_000, seed: int = 1) -> Level:
    """A closed loop of the model: what comes during a step is admitted by the next one, and gets its first token at the
    end of that."""
    random = np.random.default_rng(seed)
    left = np.zeros(users, int)
    asked = np.zeros(users, int)
    sent = np.zeros(users)
    first = np.zeros(users)
    waits = np.ones(users, bool)
    comes = np.zeros(users, bool)
    now, drift = 0.0, 0.0
    tpot: list[float] = []
    took: list[float] = []
    while len(took) < requests:
        decoding = left > 0
        admitted = waits & ~comes
        waits, comes = waits & comes, np.zeros(users, bool)
        asked[admitted] = left[admitted] = random.integers(TOKENS[0], TOKENS[1] + 1, int(admitted.sum()))
        many = int(decoding.sum())
        step = (
            (shape.decode + shape.each * many) * (CLIFF if shape.cliff and many > shape.cliff else 1) if many else 0.0
        )
        step *= 1e-3 * (1 + shape.jitter * random.uniform(-1, 1))
        if shape.wander:
            kept = math.exp(-step / WANDER_S)
            drift = kept * drift + math.sqrt(1 - kept**2) * shape.wander * random.normal()
            step *= math.exp(drift)
        now += max(step, 1e-6)
        first[admitted] = now
        left[left > 0] -= 1
        ended = (left == 0) & (decoding | admitted)
        tpot += ((now - first[ended]) / np.maximum(asked[ended] - 1, 1)).tolist()
        took += (now - sent[ended]).tolist()
        # The next request is on its way when the following step begins.
        sent[ended] = now
        waits |= ended
        comes |= ended
    good = np.array(tpot[requests // 10 :]) * 1e3 < shape.limit
    whole = np.array(took[requests // 10 :])
    return Level(float(good.mean()), len(took) / now, float(whole.mean()), float(np.percentile(whole, 95)))


def truth_of(shape: Shape) -> int:
    """The greatest number of users that keeps the limit, by bisection, then by long runs of the neighbours: where the
    speed wanders a quarter of an hour still leaves the share open by one point, as much as a user makes."""
    low, high = 1, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if on_paper(shape, middle).good >= shape.share else (low, middle)
    seeds = range(2, 10 if shape.wander else 4)

    def share(users: int) -> float:
        return float(np.mean([on_paper(shape, users, 40_000, seed).good for seed in seeds]))

    return max((one for one in range(max(1, low - 3), low + 4) if share(one) >= shape.share), default=low)


def sweep_requests(shape: Shape, truth: int) -> float:
    """Of a linear sweep of the same resolution, each level as long as a confirmation."""
    step = max(1, round(TOLERANCE * truth))
    total = 0.0
    for users in range(step, truth + step + 1, step):
        level = on_paper(shape, users, 2_000)
        total += level.per_s * (max(CONFIRM_S, LATENCIES * level.e2el_s) + level.p95_s)
    return total


def searched(shape: Shape, seed: int, directory: Path) -> tuple[dict[str, object], int]:
    """(the answer, requests that were sent)."""
    options = {"decode_ms": shape.decode, "decode_ms_per_seq": shape.each, "jitter": shape.jitter}
    with Mock(**options, decode_cliff=shape.cliff, wander=shape.wander, seed=seed) as mock:
        words = [mock.url, "--slo", f"tpot<{shape.limit}ms@{100 * shape.share:g}%", "--max", str(MOST)]
        load = [
            "--input-len",
            "8",
            "--output-len",
            f"{TOKENS[0]}:{TOKENS[1]}",
            "--workers",
            "1",
            "-q",
            "-w",
            str(directory),
        ]
        done = subprocess.run(
            [sys.executable, "-m", "fastbench", "saturate", *words, *load], capture_output=True, text=True, check=False
        )
    assert done.stdout, done.stderr
    print("   ", done.stdout.splitlines()[0], flush=True)
    (run,) = directory.iterdir()
    sent = 0
    for path in run.glob("performances/*/*_recording"):
        sent += len(Recording.open(path).rows)
    return json.loads((run / "saturate.json").read_text()), sent


class Case(NamedTuple):
    """One search, and what it is held against. truth: users; sweep: requests."""

    name: str
    seed: int
    truth: int
    sweep: float

    def right(self) -> bool:
        """Searches, prints a line of it, and says whether the answer was near and cheap enough."""
        with tempfile.TemporaryDirectory() as directory:
            answer, sent = searched(SHAPES[self.name], self.seed, Path(directory))
        tier = answer["tiers"][0]  # type: ignore[index]  # JSON
        level, bracket = tier["level"], tier["bracket"]
        near = abs(level - self.truth) <= max(1.0, TOLERANCE * self.truth)
        right = near and sent <= A_THIRD * self.sweep
        print(
            f"  {'right' if right else 'WRONG'}: {self.name}, seed {self.seed}: {level:g} of {self.truth} "
            f"({bracket['low']:g}-{bracket['high']:g}), {sent:,} requests, {sent / self.sweep:.0%} of the sweep, "
            f"{answer['seconds']:.0f} s",
            flush=True,
        )
        return right


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--shapes", nargs="*", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--at-once", type=int, default=5, metavar="N", help="searches that run beside each other")
    chosen = parser.parse_args()
    cases = []
    for name in chosen.shapes:
        truth = truth_of(SHAPES[name])
        sweep = sweep_requests(SHAPES[name], truth)
        print(f"{name}: {truth} users on paper; a linear sweep sends {sweep:,.0f} requests", flush=True)
        cases += [Case(name, seed, truth, sweep) for seed in range(chosen.seeds)]
    with ThreadPoolExecutor(chosen.at_once) as pool:
        return 0 if all(list(pool.map(Case.right, cases))) else 1


if __name__ == "__main__":
    sys.exit(main())
