"""A config file → the names that it sets, and those of them that are settings."""

import json
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
"""Of config files; one without any is read as Python."""
FORMS = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
_LOOKED_AT = 4096
"""Characters in which the first one that is no space is looked for."""
_ALIKE = 0.85
"""How much a misspelled setting is like the one that is meant."""


class Settings(NamedTuple):
    """The settings of a file, not yet checked."""

    raw: dict[str, Any]
    labels: dict[str, str]
    """Path of a field: file, line and path, where lines are known."""


def names_of(path: str, foreign: Foreign | None = None) -> Settings:
    """All names that the file at `path` sets. foreign: what Python configs may import beside Python's own.

    Raises ConfigError with the line that is wrong.
    """
    suffix = Path(path).suffix.lower()
    if suffix and suffix not in SUFFIXES:
        raise ConfigError(f"{path} is no config: one ends in {FORMS}")
    if not _is_data(path):
        return Settings(execute(path, foreign or NoForeign()), {})
    text = _text_of(path)
    # Keys in a file that cannot be parsed are found in its text only.
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


def is_json_config(path: str) -> bool:
    """Whether the JSON file at `path` is a config, an object with a setting in it, and not a file of prompts. One that
    is broken counts as a config, whose error names the line; so does one that cannot be read."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            # A file of prompts may be large, and most are lists.
            if not file.read(_LOOKED_AT).lstrip().startswith("{"):
                return False
            file.seek(0)
            names = json.load(file)
    except json.JSONDecodeError as error:
        # One object after another, a line each: rows.
        return error.msg != "Extra data"
    except (OSError, RecursionError):
        return True
    return any(name in SETTINGS or nearest(name, SETTINGS, cutoff=_ALIKE) for name in names)


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
    """Whether a name looks like a misspelled setting; other names of a program are its own."""
    close = None if name.startswith("_") or _is_code(value) else nearest(name, SETTINGS)
    if close is None or close in values:
        return False
    missing = close in ("models", "datasets")
    return missing or nearest(name, [close], cutoff=_ALIKE) is not None


def _is_code(value: object) -> bool:
    return callable(value) or isinstance(value, ModuleType | SimpleNamespace)
