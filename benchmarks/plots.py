"""Refreshes `docs/performance.md` and its pictures from a directory of results.

    python -m benchmarks.plots RESULTS_DIRECTORY [--png DIRECTORY]

RESULTS_DIRECTORY: what `python -m benchmarks` has written, with `scale.json` of `python -m benchmarks.scale` if that
was run too. What has no results stays as it is. --png also draws the pictures there, to be looked at.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, as_dicts, read_figures
from benchmarks.pictures import PICTURES
from benchmarks.place import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "plots"
SCALE = "scale"
COLUMNS = ("#", "what", "goal", "figure", "ratio", "met")


def draw(results: Path, png: Path | None) -> list[str]:
    """Draws each picture whose results are there; their names."""
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fastbench", "font.family": "sans-serif"})
    drawn = []
    for name, (bench, picture) in PICTURES.items():
        file = results / f"{bench}.json"
        if not file.exists():
            continue
        figure = picture(_read(file)["results"])
        PLOTS.mkdir(parents=True, exist_ok=True)
        figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None}, facecolor="white")
        if png is not None:
            png.mkdir(parents=True, exist_ok=True)
            figure.savefig(png / f"{name}.png", dpi=110, facecolor="white")
        drawn.append(name)
    return drawn


def figures_block(results: Path) -> str | None:
    """Machine, date and the table of all figures; None without results."""
    files = sorted(results.glob("bench_*.json"))
    if not files:
        return None
    about = _read(files[0])
    figures = [figure for file in files for figure in read_figures(file)]
    figures.sort(key=lambda figure: _order(figure.promise))
    return f"{_about(about)}\n\n{_table(figures)}"


def scale_block(file: Path) -> str | None:
    """The table and the report of the run at full scale; None when it was not run."""
    if not file.exists():
        return None
    content = _read(file)
    report = re.sub(r"(?m)^Performance Result files located in .*\n?", "", content["results"]["output"]).strip()
    return f"{_about(content)}\n\n{_table(read_figures(file))}\n\n```text\n{report}\n```"


def put(document: str, name: str, block: str | None) -> str:
    """The document with a block between its marks replaced. Raises ValueError when the marks are not there."""
    if block is None:
        return document
    start, stop = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = document.partition(start)
    _, closed, after = rest.partition(stop)
    if not found or not closed:
        raise ValueError(f"{DOCUMENT} has no place for {name}")
    return f"{before}{start}\n{block}\n\n{stop}{after}"


def _table(figures: list[Figure]) -> str:
    rows = [[_cell(row[column]) for column in ("promise", *COLUMNS[1:-1])] for row in as_dicts(figures)]
    met = ["yes" if figure.met else "**no**" if figure.met is False else "not told" for figure in figures]
    lines = str(tabulate([[*row, told] for row, told in zip(rows, met, strict=True)], COLUMNS, "pipe"))
    reasons = [f"- {figure.promise}, {figure.what}: {figure.why}." for figure in figures if figure.why]
    return "\n".join([lines, *(["", *reasons] if reasons else [])])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<=", "≤").replace(">=", "≥")


def _about(content: dict[str, Any]) -> str:
    return f"{content['when']}, {content['machine']}, Python {content['python']}, fastbench {content['fastbench']}."


def _order(promise: str) -> tuple[bool, int]:
    number = re.fullmatch(r"P(\d+)", promise)
    return number is None, int(number[1]) if number else 0


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def main() -> int:
    """Refreshes what there are results for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, metavar="RESULTS_DIRECTORY")
    parser.add_argument("--png", type=Path, metavar="DIRECTORY")
    options = parser.parse_args()
    results: Path = options.results
    text = DOCUMENT.read_text(encoding="utf-8")
    text = put(text, "figures", figures_block(results))
    text = put(text, SCALE, scale_block(results / f"{SCALE}.json"))
    DOCUMENT.write_text(text, encoding="utf-8")
    print("drawn:", ", ".join(draw(results, options.png)) or "nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
