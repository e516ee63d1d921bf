"""All benchmarks, each in a process of its own, and one table at the end: `python -m benchmarks`, or `make bench`.

Those that need what a benchmark cannot bring (`ON_REQUEST`) run only when their promise is named: `--only others`.

Progress goes to standard error. The results directory gets each benchmark's own tables (.txt) and raw results
(.json), the table (table.txt) and all figures (results.json). Returns 1 when a benchmark failed to run; with
--strict also when a goal is not met.
"""

import argparse
import importlib
import pkgutil
import re
import subprocess
import sys
import time
from pathlib import Path

import benchmarks
from benchmarks.harness import Figure, as_dicts, read_figures, table, write_json
from benchmarks.place import ROOT, describe

TIMEOUT_S = 900
ON_REQUEST = {"bench_others"}


def found() -> dict[str, tuple[str, ...]]:
    """Every benchmark's module name and promises, in the order of the promises."""
    names = [item.name for item in pkgutil.iter_modules(benchmarks.__path__) if item.name.startswith("bench_")]
    all_ = {name: tuple(importlib.import_module(f"benchmarks.{name}").PROMISES) for name in names}
    return dict(sorted(all_.items(), key=lambda item: [_order(promise) for promise in item[1]]))


def chosen(only: str | None) -> dict[str, tuple[str, ...]]:
    """The benchmarks for `only`, a list such as "P3,P4"; all but those on request if None. Raises ValueError for an
    unknown promise."""
    every = found()
    if only is None:
        return {name: promises for name, promises in every.items() if name not in ON_REQUEST}
    wanted = set(only.split(","))
    known = {promise for promises in every.values() for promise in promises}
    if wanted - known:
        names = ", ".join(sorted(known, key=_order))
        raise ValueError(f"--only: there is no benchmark for {', '.join(sorted(wanted - known))}; known are {names}")
    return {name: promises for name, promises in every.items() if wanted & set(promises)}


def run(name: str, promises: tuple[str, ...], results: Path) -> tuple[list[Figure], bool]:
    """Runs one benchmark; its figures, and whether it came to its end."""
    file = results / f"{name}.json"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(file.resolve())]
    with (results / f"{name}.txt").open("w") as out, (results / f"{name}.err").open("w+") as err:
        try:
            code = subprocess.run(command, cwd=ROOT, stdout=out, stderr=err, timeout=TIMEOUT_S, check=False).returncode
            ending = f"ended with status {code}"
        except subprocess.TimeoutExpired:
            code, ending = 1, f"was stopped after {TIMEOUT_S} s"
        err.seek(0)
        last = (err.read().strip().splitlines() or [""])[-1]
    if code == 0 and file.exists():
        return read_figures(file), True
    why = f"benchmarks.{name} {ending}: {last}"
    return [Figure(promise, name, "", "did not run", met=None, why=why) for promise in promises], False


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmarks, prints and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="P3,P4", help="the benchmarks of these promises [all]")
    parser.add_argument("--results", type=Path, metavar="DIR", help="where to write [outputs/bench/<time>]")
    parser.add_argument("--strict", action="store_true", help="a goal that is not met is a failure")
    options = parser.parse_args(arguments)
    try:
        plan = chosen(options.only)
    except ValueError as error:
        parser.error(str(error))
    results: Path = options.results or ROOT / "outputs" / "bench" / time.strftime("%Y%m%d_%H%M%S")
    results.mkdir(parents=True, exist_ok=True)
    figures: list[Figure] = []
    whole = True
    for number, (name, promises) in enumerate(plan.items(), 1):
        begun = time.monotonic()
        print(f"[{number}/{len(plan)}] {', '.join(promises)}: {name} …", end=" ", file=sys.stderr, flush=True)
        lines, ran = run(name, promises, results)
        print(f"{'' if ran else 'FAILED after '}{time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        figures += lines
        whole = whole and ran
    figures.sort(key=lambda line: _order(line.promise))
    text = table(figures)
    (results / "table.txt").write_text(text + "\n", encoding="utf-8")
    write_json(results / "results.json", {**describe(), "figures": as_dicts(figures)})
    print(text)
    print(f"results are in {results}", file=sys.stderr)
    missed = options.strict and any(line.met is False for line in figures)
    return 0 if whole and not missed else 1


def _order(promise: str) -> tuple[bool, int, str]:
    """P2 before P10, what is no promise last."""
    number = re.fullmatch(r"P(\d+)", promise)
    return number is None, int(number[1]) if number else 0, promise


if __name__ == "__main__":
    sys.exit(main())
