"""A Python config file → the settings that it makes, and the run that they describe."""

from types import ModuleType, SimpleNamespace
from typing import Any

from fastbench.config.build import SETTINGS, build_run
from fastbench.config.execute import execute
from fastbench.config.issues import nearest
from fastbench.config.plan import RunConfig
from fastbench.errors import ConfigError


def load_config(path: str) -> RunConfig:
    """The run that the file at `path` describes. Raises ConfigError."""
    return build_run(read_config(path), path, file=path)


def read_config(path: str) -> dict[str, Any]:
    """The settings of the file at `path`, not yet checked. Raises ConfigError with its bad line."""
    names = execute(path)
    for name, value in names.items():
        if not name.startswith("_") and not is_helper(value):
            _refuse_misspelled(path, name, names)
    return {name: names[name] for name in SETTINGS if name in names}


def is_helper(value: object) -> bool:
    """Whether a name of a config stands for code, not for a setting."""
    return callable(value) or isinstance(value, ModuleType | SimpleNamespace)


def _refuse_misspelled(path: str, name: str, names: dict[str, Any]) -> None:
    """A setting that nobody reads must not pass for one; helpers may be named freely otherwise."""
    close = nearest(name, SETTINGS)
    if name in SETTINGS or close is None or close in names:
        return
    missing = close in ("models", "datasets")
    if missing or nearest(name, [close], cutoff=0.85):
        raise ConfigError(f"{path}: {name} is not a setting; did you mean {close}?")
