"""Prints the share of the Cython lines that have run, by file and in all, as gcov counted them.

Run in a tree that was built with FASTBENCH_COVERAGE=1, after its tests: `python tests/cython_lines.py`. What a process
that was killed had run is not counted.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def counted() -> dict[str, dict[int, bool]]:
    """By .pyx file each line that has code, and whether it ran. Raises subprocess.CalledProcessError."""
    found: dict[str, dict[int, bool]] = {}
    for notes in sorted(ROOT.glob("build/temp*/**/*.gcno")):
        command = ["gcov", "--json-format", "--stdout", str(notes)]
        # In the tree, as the compiler was: the names of files count from there. It warns of what never ran.
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        code = notes.relative_to(next(iter(ROOT.glob("build/temp*")))).with_suffix(".c")
        name = str(code.relative_to("build/cython").with_suffix(".pyx"))
        with_code = lines_in(ROOT / code, name)
        found[name] = dict.fromkeys(sorted(with_code), False)
        for report in map(json.loads, done.stdout.splitlines()):
            for file in (file for file in report["files"] if file["file"].removeprefix(f"{ROOT}/") == name):
                for line in (line for line in file["lines"] if line["count"] and line["line_number"] in with_code):
                    found[name][line["line_number"]] = True
    return found


def lines_in(code: Path, name: str) -> set[int]:
    """The lines of a .pyx file that Cython says it made C code of; gcov alone would count C lines on from there."""
    text = code.read_text(encoding="utf-8")
    return {int(number) for number in re.findall(rf'^#line (\d+) "{re.escape(name)}"$', text, re.MULTILINE)}


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
