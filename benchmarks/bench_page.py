"""The report page: how large it is, how long it takes to write, and how soon its first picture is there.

    python -m benchmarks.bench_page [--rounds 3] [--largest] [--pictures DIRECTORY] [--json FILE]

The recordings are made by `benchmarks.varied_recording`, with --largest also one of 250,000 x 4,096 tokens by
`benchmarks.synthetic_recording`. Writing is measured apart from the numbers of the report, with the page cache warm.
The first picture is timed by Chromium itself, from the navigation to the timeline drawn, each time in a new context
without a network.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.browser import chromium, open_page
from benchmarks.harness import Figure, Results, run_main
from benchmarks.synthetic_recording import make_recording
from benchmarks.varied_recording import make_varied
from fastbench.metrics import compute_for_page
from fastbench.recording import Recording
from fastbench.report import answer_of
from fastbench.report.page.page import page

PROMISES = ("page",)
SIZES = ((8, 2.0), (10_000, 100.0), (250_000, 400.0))
"""Requests, and how many a second."""
LARGEST = (250_000, 4_096)
MOST_BYTES, MOST_WRITING_S, MOST_PICTURE_S = 12e6, 10.0, 4.0
_PICTURE = "performance.getEntriesByName('first picture')[0].startTime"


def parameters(parser: argparse.ArgumentParser) -> None:
    """How often, and what else."""
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--largest", action="store_true", help="also 250,000 x 4,096 tokens (2.1 GB)")
    parser.add_argument("--pictures", type=Path, help="a directory for pictures of the pages, light and dark")


def measure(rounds: int, largest: bool, pictures: Path | None) -> Results:
    """Writes each page `rounds` times and opens it as often."""
    with tempfile.TemporaryDirectory(prefix="fastbench-page-") as name, chromium() as browser:
        place = Path(name)
        results = []
        for requests, rate in SIZES:
            directory = make_varied(place / f"{requests}", requests, rate)
            results.append(_measure(browser, directory, f"{requests:,} requests", rounds, pictures))
        if largest:
            requests, tokens = LARGEST
            if shutil.disk_usage(place).free < 3 * requests * tokens:
                raise RuntimeError(f"{place} has no room for a recording of {requests * tokens:,} tokens; set TMPDIR")
            directory = place / "largest"
            make_recording(directory, requests, tokens)
            results.append(_measure(browser, directory, f"{requests:,} x {tokens:,} tokens", rounds, pictures))
        return {"pages": results}


def _measure(browser: Any, directory: Path, what: str, rounds: int, pictures: Path | None) -> dict[str, Any]:
    recording = Recording.open(directory)
    computed = compute_for_page(recording, ("Average", "Min", "Max", "Median", "P75", "P90", "P99"))
    file = directory.with_suffix(".html")
    writing_s, picture_s = [], []
    for _ in range(rounds):
        begun = time.perf_counter()
        file.write_bytes(page(recording, computed, answer_of(computed, "bench/page")))
        writing_s.append(time.perf_counter() - begun)
    for scheme in ("light", "dark", *["light"] * rounds)[:rounds]:
        shown = open_page(browser, file, scheme=scheme)
        if shown.complaints:
            raise RuntimeError(f"the page of {what} complains: {shown.complaints}")
        picture_s.append(shown.evaluate(_PICTURE) / 1e3)
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            shown.screenshot(path=pictures / f"{directory.name}_{scheme}.png", full_page=True)
        shown.context.close()
    return {"what": what, "bytes": file.stat().st_size, "writing_s": writing_s, "picture_s": picture_s}


def details(results: Results) -> str:
    """Every round."""
    rows = [
        (
            found["what"],
            f"{found['bytes'] / 1e6:.2f}",
            ", ".join(f"{seconds:.2f}" for seconds in found["writing_s"]),
            ", ".join(f"{seconds:.2f}" for seconds in found["picture_s"]),
        )
        for found in results["pages"]
    ]
    return str(tabulate(rows, ["page of", "MB", "written, s", "first picture, s"], disable_numparse=True))


def figures(results: Results) -> list[Figure]:
    """Size, writing and first picture of the largest ones."""
    return [figure for found in results["pages"] for figure in _figures(found)]


def _figures(found: dict[str, Any]) -> list[Figure]:
    writing, picture = statistics.median(found["writing_s"]), statistics.median(found["picture_s"])

    def figure(name: str, value: float, most: float, unit: str) -> Figure:
        what = f"{name}, {found['what']}"
        missed = f"{value - most:.2f} {unit} too much"
        return Figure.against("page", what, f"<= {most:g} {unit}", f"{value:.2f} {unit}", value <= most, missed)

    return [
        figure("size", found["bytes"] / 1e6, MOST_BYTES / 1e6, "MB"),
        figure("writing", writing, MOST_WRITING_S, "s"),
        figure("first picture", picture, MOST_PICTURE_S, "s"),
    ]


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
