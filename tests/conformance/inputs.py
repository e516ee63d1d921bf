"""The command line of a check on numbered inputs, whose parts all processors share."""

from __future__ import annotations

import argparse
import faulthandler
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

Check = Callable[[int, int, int], Counter[str]]  # how many inputs, of which seed, from which number on
STEP = 10_000


def main(check: Check, description: str) -> Counter[str]:
    """Checks the inputs that the command line asks for; what became of them. Raises what a check raises."""
    faulthandler.enable()
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    last = asked.first + asked.inputs
    parts = [(check, min(STEP, last - first), asked.seed, first) for first in range(asked.first, last, STEP)]
    # Not a Pool: that one waits for ever where a process dies, as it does at a sanitizer's report.
    with ProcessPoolExecutor(
        mp_context=multiprocessing.get_context("spawn"), initializer=faulthandler.enable
    ) as shared:
        total: Counter[str] = sum(shared.map(_part, parts), Counter())
    assert total.total() == asked.inputs
    return total


def _part(part: tuple[Check, int, int, int]) -> Counter[str]:
    check, inputs, seed, first = part
    sys.stderr.write(f"from input {first}\n")
    return check(inputs, seed, first)
