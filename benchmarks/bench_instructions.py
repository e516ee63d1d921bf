"""Instructions of the core's parts, per event, request or value: a cost that no noise of the machine changes.

    python -m benchmarks.bench_instructions [--update] [--json FILE]

Counted by valgrind's callgrind, for each of `parts.py`. The count for more repetitions less that for fewer is free of
all that happens once. `instructions.json` holds the counts that are expected, with the compiler and the Python that
they hold for; `--update` replaces it by what is counted now, to be reviewed with the change that moved it.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main, write_json
from benchmarks.parts import PARTS
from benchmarks.place import ROOT

PROMISES = ("callgrind",)
STORED = Path(__file__).with_name("instructions.json")
ALLOWED = 1.02
_FEW, _MANY = 5, 25


def parameters(parser: argparse.ArgumentParser) -> None:
    """Whether to keep what is counted."""
    parser.add_argument("--update", action="store_true", help="expect from now on what is counted now")


def measure(update: bool) -> Results:
    """Counts, beside what was expected before."""
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {"built": {}, "per_unit": {}}
    if shutil.which("valgrind") is None:
        return {"per_unit": {}, "built": _built(), "stored": stored}
    per_unit = {kind: round(_per_unit(kind), 1) for kind in PARTS}
    if update:
        write_json(STORED, {"built": _built(), "per_unit": per_unit})
    return {"per_unit": per_unit, "built": _built(), "stored": stored}


def _per_unit(kind: str) -> float:
    return (_instructions(kind, _MANY) - _instructions(kind, _FEW)) / ((_MANY - _FEW) * PARTS[kind].units)


def _instructions(kind: str, times: int) -> int:
    """All instructions of a process that does a part's work so many times."""
    tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command = [*tool, sys.executable, "-m", "benchmarks.parts", kind, str(times)]
    # The same hashes and one thread each time, so that the start costs the same.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
    return int(found[1])


def _built() -> dict[str, str]:
    """What the counts depend on beside the code."""
    compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=False).stdout
    return {
        "machine": platform.machine(),
        "compiler": (compiler.splitlines() or ["none"])[0],
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def details(results: Results) -> str:
    """What was counted and what was expected."""
    stored = results["stored"].get("per_unit", {})
    rows = [
        (PARTS[kind].what, PARTS[kind].unit, count, stored.get(kind)) for kind, count in results["per_unit"].items()
    ]
    return str(tabulate(rows, ["", "each", "instructions", "stored"], floatfmt=".1f", missingval="-"))


def figures(results: Results) -> list[Figure]:
    """One for each part."""
    return [_figure(kind, results) for kind in PARTS]


def _figure(kind: str, results: Results) -> Figure:
    stored: dict[str, Any] = results["stored"]
    expected, counted = stored.get("per_unit", {}).get(kind), results["per_unit"].get(kind)
    what, goal = f"{PARTS[kind].what}: instructions {_each(PARTS[kind].unit)}", f"<= {ALLOWED} x stored"
    if counted is None:
        return Figure("callgrind", what, goal, "-", met=None, why="valgrind is missing: apt-get install valgrind")
    if expected is None or stored["built"] != results["built"]:
        why = f"the stored count holds for {_words(stored['built'])}, this is {_words(results['built'])}"
        return Figure("callgrind", what, goal, f"{counted:.1f}", met=None, why=why)
    return Figure.against(
        "callgrind",
        what,
        f"{goal} ({expected * ALLOWED:.1f})",
        f"{counted:.1f}",
        counted <= ALLOWED * expected,
        f"{counted - expected:.1f} instructions more than stored; if that is meant, run it with --update",
        ratio=f"{counted / expected:.3f} x stored",
    )


def _each(unit: str) -> str:
    return f"an {unit}" if unit[0] in "aeiou" else f"a {unit}"


def _words(built: dict[str, str]) -> str:
    return ", ".join(built.values()) or "nothing"


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
