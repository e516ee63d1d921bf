"""Prints the share of the Cython lines that have run, by file and in all, as gcov counted them.

Run in a tree that was built with FASTBENCH_COVERAGE=1, after its tests: `python tests/cython_lines.py`. What a process
that was killed had run is not counted.
"""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]


def counted() -> dict[str, dict[int, bool]]:
    """By .pyx file each line that has code, and whether it ran. Raises subprocess.CalledProcessError."""
    found: dict[str, dict[int, bool]] = defaultdict(dict)
    for notes in sorted(ROOT.glob("build/temp*/**/*.gcno")):
        command = ["gcov", "--json-format", "--stdout", str(notes)]
        # In the tree, as the compiler was: the names of files count from there.
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        for report in done.stdout.splitlines():
            for file in json.loads(report)["files"]:
                if file["file"].endswith(".pyx"):
                    add(found[file["file"].removeprefix(f"{ROOT}/")], file["lines"])
    return found


def add(lines: dict[int, bool], more: list[dict[str, int]]) -> None:
    """Adds gcov's lines; one that has code in several places ran if any of them did."""
    for line in more:
        number = line["line_number"]
        lines[number] = lines.get(number, False) or line["count"] > 0


def main() -> None:
    """A line for each file, the least covered first, then the sum."""
    files = counted()
    if not files:
        raise SystemExit("nothing was counted: build with FASTBENCH_COVERAGE=1, and run the tests")
    shares = sorted((sum(lines.values()) / len(lines), name, len(lines)) for name, lines in files.items())
    for share, name, count in shares:
        print(f"{share:5.0%} of {count:4} lines  {name}")
    ran, there = (sum(map(count, files.values())) for count in (lambda lines: sum(lines.values()), len))
    print(f"Cython lines covered: {100 * ran / there:.0f} %")


if __name__ == "__main__":
    main()
