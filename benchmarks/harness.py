"""What every benchmark shares: figures against their goals, the command line, the file of results.

A benchmark is a module `bench_*.py` with

    PROMISES                what it shows, such as ("P3",)
    parameters(parser)      adds its options; each must have a default
    measure(**options)      measures; returns Results, plain data that JSON can hold
    details(results)        its own tables, as text
    figures(results)        its lines in the common table

and `sys.exit(run_main(sys.modules[__name__]))` under `if __name__ == "__main__"`.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.place import describe

Results = dict[str, Any]
COLUMNS = ("#", "what", "goal", "figure", "ratio", "met")


@dataclass(frozen=True)
class Figure:
    """One line of the table. met: None = could not be told here. why: the reason wherever it is not met or not told."""

    promise: str
    what: str
    goal: str
    figure: str
    ratio: str = ""
    met: bool | None = True
    why: str | None = None

    def __post_init__(self) -> None:
        if not self.met and not self.why:
            raise ValueError(f"{self.promise} ({self.what}) is not met: the figure must say why")

    @classmethod
    def against(cls, promise: str, what: str, goal: str, figure: str, held: bool, missed: str, ratio: str = "") -> Self:
        """A figure whose goal is held or not. missed: by how much and why, told only where it is not held."""
        return cls(promise, what, goal, figure, ratio, held, None if held else missed)


def run_main(bench: ModuleType, arguments: Sequence[str] | None = None) -> int:
    """Measures, prints the benchmark's own tables and its figures, writes a JSON file when asked to.

    bench: a module as described above. Returns 0: a goal that is not met is a result, not a failure.
    """
    about = bench.__doc__ or ""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    bench.parameters(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write parameters, raw results and figures there")
    options = vars(parser.parse_args(arguments))
    file: Path | None = options.pop("json")
    results = bench.measure(**options)
    figures = bench.figures(results)
    print(bench.details(results))
    print()
    print(table(figures))
    if file is not None:
        write_json(file, {**describe(), "parameters": options, "results": results, "figures": as_dicts(figures)})
    return 0


def table(figures: Iterable[Figure]) -> str:
    """The figures as one table, and below it why some are not met."""
    listed = list(figures)
    rows = [(line.promise, line.what, line.goal, line.figure, line.ratio, _met(line.met)) for line in listed]
    reasons = [f"{line.promise} {line.what}: {line.why}" for line in listed if line.why]
    return "\n".join([tabulate(rows, COLUMNS, disable_numparse=True), *([""] if reasons else []), *reasons])


def as_dicts(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """The figures as JSON holds them."""
    return [asdict(figure) for figure in figures]


def read_figures(file: Path) -> list[Figure]:
    """The figures of a file of results."""
    return [Figure(**fields) for fields in json.loads(file.read_text(encoding="utf-8"))["figures"]]


def write_json(file: Path, content: dict[str, Any]) -> None:
    """Writes a file of results."""
    file.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def _met(met: bool | None) -> str:
    return "not told" if met is None else "yes" if met else "NO"
