"""A Python config file → the settings that it makes, and the run that they describe."""

from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

from fastbench.config.build import SETTINGS, build_run
from fastbench.config.execute import execute
from fastbench.config.issues import nearest
from fastbench.config.plan import RunConfig


def load_config(path: str) -> RunConfig:
    """The run that the file at `path` describes. Raises ConfigError."""
    return build_run(read_config(path), path, file=path)


def read_config(path: str) -> dict[str, Any]:
    """The settings of the file at `path`, not yet checked, misspelled ones among them. Raises ConfigError with its
    bad line."""
    names = execute(path)
    return {
        name: value
        for name, value in names.items()
        if name in SETTINGS or (not name.startswith("_") and not is_helper(value) and _is_misspelled(name, names))
    }


def is_helper(value: object) -> bool:
    """Whether a name of a config stands for code, not for a setting."""
    return callable(value) or isinstance(value, ModuleType | SimpleNamespace)


def _is_misspelled(name: str, names: Mapping[str, Any]) -> bool:
    """A setting that nobody reads must not pass for one; helpers may be named freely otherwise."""
    close = nearest(name, SETTINGS)
    if close is None or close in names:
        return False
    missing = close in ("models", "datasets")
    return missing or nearest(name, [close], cutoff=0.85) is not None
