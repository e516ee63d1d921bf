"""Whether looking on disturbs (promise R15): pairs of runs, on a terminal with the live view and with `--quiet`.

Prints the p99 of TTFT of each run, and the median of the differences within the pairs.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent), str(HERE.parents[1])]

import numpy as np  # noqa: E402 - as the following ones, found by the path above
from running import LIMIT_S, perf  # noqa: E402
from terminals import OnTerminal  # noqa: E402

from fastbench.mock import Mock  # noqa: E402
from fastbench.recording import NOT_FINAL, Recording  # noqa: E402

LOAD = ("--rate", 200, "--num-prompts", 1_000, "--input-len", 8, "--output-len", 20, "--num-warmups", 1, "--no-plot")


def p99_ms(directory: Path) -> float:
    """Of TTFT, ms, in the only run below a directory."""
    (path,) = directory.rglob("*_recording")
    rows = Recording.open(path).rows
    rows = rows[(rows["flags"] & NOT_FINAL == 0) & (rows["first_token_ns"] > 0)]
    return float(np.percentile(rows["first_token_ns"] - rows["sent_ns"], 99)) / 1e6


def looked_at(url: str, directory: Path) -> float:
    """With the live view, on a terminal."""
    with OnTerminal(directory, "perf", "-w", directory / "out", "--url", url, *LOAD) as terminal:
        assert terminal.process.wait(LIMIT_S) == 0
    return p99_ms(directory)


def unseen(url: str, directory: Path) -> float:
    """Without any."""
    assert perf(directory, "--url", url, *LOAD, "-q").code == 0
    return p99_ms(directory)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compares runs that are looked at with runs that are not.")
    parser.add_argument("--pairs", type=int, default=5)
    differences = []
    with Mock(ttft_ms=50, itl_ms=10) as mock, tempfile.TemporaryDirectory() as place:
        for number in range(parser.parse_args().pairs):
            found = {}
            # In turn, so that a machine that changes meanwhile favours neither.
            for way in (looked_at, unseen)[:: 1 if number % 2 else -1]:
                directory = Path(place, f"{number}-{way.__name__}")
                directory.mkdir()
                found[way.__name__] = way(mock.url, directory)
            differences.append(found["looked_at"] - found["unseen"])
            sys.stdout.write(f"p99 TTFT: with the view {found['looked_at']:.3f} ms, without {found['unseen']:.3f} ms\n")
    sys.stdout.write(f"median difference {1e3 * statistics.median(differences):+.1f} us\n")


if __name__ == "__main__":
    main()
