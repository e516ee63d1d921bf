"""P9, the install: what `pip install` of this tree brings into an empty virtual environment.

    python -m benchmarks.bench_install [--json FILE]

Counted are fastbench itself and everything that came with it, compiled bytecode included; not pip and what a new
environment has anyway. Needs a package index.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Figure, Results, run_main
from benchmarks.place import ROOT

PROMISES = ("P9",)
MB = 1e6
PACKAGES, SIZE = 25, 250 * MB
EXTRAS = ("", "[all]")
_NOT_SOURCE = (".*", "build", "dist", "outputs", "*.egg-info", "*.so", "*.c", "__pycache__", "tests", "docs")


def parameters(_: argparse.ArgumentParser) -> None:
    """None."""


def measure() -> Results:
    """The base, and the base with all extras."""
    with tempfile.TemporaryDirectory(prefix="fastbench-install-") as name:
        place = Path(name)
        source = place / "source"
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*_NOT_SOURCE))
        _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(place), str(source))
        (wheel,) = place.glob("*.whl")
        return {extra: _install(place / f"environment{number}", wheel, extra) for number, extra in enumerate(EXTRAS)}


def _install(environment: Path, wheel: Path, extra: str) -> dict[str, Any]:
    _run(sys.executable, "-m", "venv", str(environment))
    python = str(environment / "bin" / "python")
    packages, size = _packages(python), _size(environment)
    _run(python, "-m", "pip", "install", "--quiet", f"{wheel}{extra}")
    return {"packages": sorted(_packages(python) - packages), "bytes": _size(environment) - size}


def _packages(python: str) -> set[str]:
    return {package["name"] for package in json.loads(_run(python, "-m", "pip", "list", "--format", "json"))}


def _size(environment: Path) -> int:
    return sum(path.stat().st_size for path in environment.rglob("*") if path.is_file() and not path.is_symlink())


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
    return done.stdout


def details(results: Results) -> str:
    """The packages."""
    rows = [
        (f"fastbench{extra}", len(one["packages"]), f"{one['bytes'] / MB:.0f}", " ".join(one["packages"]))
        for extra, one in results.items()
    ]
    return str(tabulate(rows, ["install", "packages", "MB", "names"], maxcolwidths=[None, None, None, 70]))


def figures(results: Results) -> list[Figure]:
    """Number and size of the base."""
    count, size = len(results[""]["packages"]), results[""]["bytes"]
    more = results["[all]"]
    return [
        Figure.against(
            "P9",
            "install: packages, fastbench included",
            f"<= {PACKAGES}",
            f"{count} ({len(more['packages'])} with all extras)",
            count <= PACKAGES,
            f"{count - PACKAGES} too many",
            ratio=f"{count / PACKAGES:.2f}",
        ),
        Figure.against(
            "P9",
            "install: size",
            f"<= {SIZE / MB:.0f} MB",
            f"{size / MB:.0f} MB ({more['bytes'] / MB:.0f} MB with all extras)",
            size <= SIZE,
            f"{(size - SIZE) / MB:.0f} MB too much",
            ratio=f"{size / SIZE:.2f}",
        ),
    ]


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
