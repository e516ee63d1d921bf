"""Imports of AISBench's configs: fastbench's presets in place of AISBench's, and stand-ins for the rest, of which only
the names count."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastbench.aisbench.datasets import DATASET_CLASSES
from fastbench.aisbench.models import MODEL_CLASSES
from fastbench.aisbench.summarizer import SUMMARIZER_CLASSES

PRESETS = Path(__file__).parent / "presets"
ROOTS = frozenset({"ais_bench", "mmengine"})
"""Packages that a config file may import, installed or not; their code is not run."""
_PRESET_PACKAGES = (("ais_bench", "benchmark", "configs"), ("fastbench", "aisbench", "presets"))


class _Named(type):
    """Each attribute of a stand-in is a stand-in of that name."""

    def __getattr__(cls, name: str) -> "_Named":
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(name)


class StandIn(metaclass=_Named):
    """A module, class or function of another package; a call gives an object without effect.

    The object is a context manager too, so that `with read_base():` holds.
    """

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(self, *_: object) -> None: ...


def stand_in(name: str) -> _Named:
    """The stand-in for `name`; the translation of the config knows it by its `__name__`."""
    return _Named(name, (StandIn,), {"__module__": "a stand-in of fastbench"})


class AisbenchImports:
    """Further imports of a config, beside Python's own modules and other configs (`config.files.Foreign`)."""

    def configs(self, parts: Sequence[str]) -> Path | None:
        """The preset, or the directory of presets, that a module of AISBench's configs is."""
        return PRESETS.joinpath(*parts[3:]) if tuple(parts[:3]) in _PRESET_PACKAGES else None

    def module(self, package: str) -> object | None:
        """A stand-in for a package of `ROOTS`."""
        return stand_in(package) if package in ROOTS else None

    def known(self) -> Mapping[str, object]:
        """Names that AISBench's documents use without importing them."""
        return {name: stand_in(name) for name in (*MODEL_CLASSES, *DATASET_CLASSES, *SUMMARIZER_CLASSES)}
