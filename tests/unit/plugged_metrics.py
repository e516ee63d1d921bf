"""Metrics of an installed package, as somebody else's would bring them."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from fastbench.registry import METRICS, look_again

MODULE = "plugged_metrics_of_a_package"


@contextmanager
def installed(directory: Path, source: str, points: Mapping[str, str], patch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package with this module. directory: it is made. points: names in the module, by
    those of their entry points."""
    directory.mkdir()
    (directory / f"{MODULE}.py").write_text(source)
    info = directory / "plugged_metrics-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged-metrics\nVersion: 1.0\n")
    lines = (f"{point} = {MODULE}:{name}" for point, name in points.items())
    (info / "entry_points.txt").write_text("\n".join((f"[{METRICS.group}]", *lines)))
    patch.syspath_prepend(str(directory))
    importlib.invalidate_caches()
    look_again()
    try:
        yield
    finally:
        look_again()
        sys.modules.pop(MODULE, None)
