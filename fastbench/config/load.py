"""A Python config file → the names that it sets."""

import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from fastbench.config.build import SETTINGS, build_run
from fastbench.config.issues import nearest
from fastbench.config.plan import RunConfig
from fastbench.errors import ConfigError


def load_config(path: str) -> RunConfig:
    """The run that the file at `path` describes. Raises ConfigError."""
    return build_run(read_config(path), path, file=path)


def read_config(path: str) -> dict[str, Any]:
    """The settings of the file at `path`, not yet checked. Raises ConfigError with its bad line."""
    names = _execute(path)
    for name, value in names.items():
        if not name.startswith("_") and not isinstance(value, ModuleType | type):
            _refuse_misspelled(path, name, names)
    return {name: names[name] for name in SETTINGS if name in names}


def _execute(path: str) -> dict[str, Any]:
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: the config cannot be read: {error.strerror}") from error
    names: dict[str, Any] = {"__name__": "__config__", "__file__": path, "__builtins__": __builtins__}
    try:
        exec(compile(source, path, "exec"), names)
    # A config is the user's own program: whatever stops it is the user's to see, with its line.
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{path}, line {_line(error, path)}: {_reason(error)}") from error
    return names


def _line(error: BaseException, path: str) -> int:
    """The last line of `path` on the way to the error."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 1
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return lines[-1] or 1 if lines else 1


def _reason(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}" if text else type(error).__name__


def _refuse_misspelled(path: str, name: str, names: dict[str, Any]) -> None:
    """A setting that nobody reads must not pass for one; helpers may be named freely otherwise."""
    close = nearest(name, SETTINGS)
    if name in SETTINGS or close is None or close in names:
        return
    missing = close in ("models", "datasets")
    if missing or nearest(name, [close], cutoff=0.85):
        raise ConfigError(f"{path}: {name} is not a setting; did you mean {close}?")
