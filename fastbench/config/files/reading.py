"""A config file → the names that it sets, and those of them that are settings."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from fastbench.config.fields.issues import nearest
from fastbench.config.files.documents import Environment, parse_json
from fastbench.config.files.python import Foreign, NoForeign, execute
from fastbench.config.run import SETTINGS
from fastbench.errors import ConfigError
from fastbench.secrets import KNOWN, secrets_in_source

_DATA = (".yaml", ".yml", ".json")
SUFFIXES = (".py", *_DATA)
"""Of config files; one with another is read as Python."""


class Settings(NamedTuple):
    """What a file sets, not yet checked."""

    raw: dict[str, Any]
    labels: dict[str, str]
    """Path of a field: file, line and path, where the file tells lines."""


def names_of(path: str, foreign: Foreign | None = None) -> Settings:
    """All names that the file at `path` sets. foreign: what Python configs may import beside Python's own.

    Raises ConfigError with the line that is wrong.
    """
    if not _is_data(path):
        return Settings(execute(path, foreign or NoForeign()), {})
    text = _text_of(path)
    # The text too: of a file that cannot be parsed, only it tells which keys are in it.
    KNOWN.learn(*secrets_in_source(text))
    environment = Environment(path)
    if path.lower().endswith(".json"):
        values, lines = parse_json(text, path, environment)
    else:
        # Imported late: other configs need not wait for PyYAML.
        from fastbench.config.files.yaml_nodes import parse_yaml

        values, lines = parse_yaml(text, path, environment)
    environment.check()
    return Settings(values, {field: f"{path}, line {line}: {field}" for field, line in lines.items()})


def read_settings(path: str, foreign: Foreign | None = None) -> Settings:
    """The settings of the file at `path`, misspelled ones among them. Raises ConfigError as `names_of` does."""
    values, labels = names_of(path, foreign)
    if _is_data(path):
        return Settings(values, labels)
    raw = {name: value for name, value in values.items() if name in SETTINGS or _is_misspelled(name, value, values)}
    return Settings(raw, labels)


def _is_data(path: str) -> bool:
    return Path(path).suffix.lower() in _DATA


def _text_of(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: the config cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: the config is not in UTF-8 (byte {error.start}); save it so") from error


def _is_misspelled(name: str, value: object, values: Mapping[str, Any]) -> bool:
    """A setting that nobody reads must not pass for one; the helpers of a program may be named freely otherwise."""
    close = None if name.startswith("_") or _is_code(value) else nearest(name, SETTINGS)
    if close is None or close in values:
        return False
    missing = close in ("models", "datasets")
    return missing or nearest(name, [close], cutoff=0.85) is not None


def _is_code(value: object) -> bool:
    return callable(value) or isinstance(value, ModuleType | SimpleNamespace)
