"""A load shape of an installed package, as somebody else's would bring it."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fastbench.registry import SHAPES, look_again

MODULE = "waves_for_fastbench"
SOURCE = '''
from typing import Annotated, ClassVar

import numpy as np
from msgspec import Meta

from fastbench.plan.shapes import LoadShape, open_loop
from fastbench.units import Duration


class Waves(LoadShape, frozen=True, kw_only=True):
    """Several requests at once, and then a pause."""

    name: ClassVar[str] = "waves"

    of: Annotated[int, Meta(ge=1, le=8)]
    """Requests in a wave."""
    every: Duration
    """From one wave to the next."""

    def faults(self):
        if self.every < 1000:
            yield "every", "must leave time for a wave"

    def schedule(self, spec, count):
        return open_loop(spec, np.arange(count, dtype=np.int64) // self.of * self.every)
'''


@contextmanager
def installed(directory: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package with the shape `waves`. directory: it is made."""
    directory.mkdir()
    (directory / f"{MODULE}.py").write_text(SOURCE)
    info = directory / "waves_for_fastbench-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: waves-for-fastbench\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{SHAPES.group}]\nwaves = {MODULE}:Waves\n")
    patch.syspath_prepend(str(directory))
    importlib.invalidate_caches()
    look_again()
    try:
        yield
    finally:
        patch.undo()
        importlib.invalidate_caches()
        look_again()
        sys.modules.pop(MODULE, None)
