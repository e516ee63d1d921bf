"""Keys stay where they are: a config names them, a dump never shows them."""

import os
import re
from collections.abc import Mapping
from typing import Any

from fastbench.config.redactor import KNOWN, NOT_DUMPED, env_name
from fastbench.config.secret_names import is_secret_name, looks_secret
from fastbench.errors import ConfigError

_USUAL_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")


def resolve_secret(value: str) -> str:
    """`value`, or what its variable holds. Raises ConfigError where the variable is not set or empty."""
    name = env_name(value)
    if name is None:
        if value == NOT_DUMPED:
            raise ConfigError('is left out of dumped configs; give it again, best as "env:NAME"')
        if value.startswith("env:"):
            raise ConfigError("names no environment variable; give the variable's name, not the key, as env:NAME")
        return value
    found = os.environ.get(name)
    if not found:
        # Who gives the key itself in the place of the name must not see it on the screen.
        if _USUAL_NAME.fullmatch(name):
            raise ConfigError(f"names the environment variable {name}, which is not set; export it first")
        raise ConfigError("names an environment variable that is not set; give its name, not the key, and export it")
    KNOWN.learn(found)
    return found


def dumpable(value: str) -> str:
    """`value` as a dump may show it: a reference, or a note that it was left out."""
    return value if not value or env_name(value) else NOT_DUMPED


def without_keys(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` as a dump may show them, whatever they nest; of a key only that it was left out."""
    return {name: _shown(name, value) for name, value in fields.items()}


def _shown(name: str, value: Any) -> Any:
    """A value under a name as a dump may show it. All that stands in headers may let somebody in."""
    if isinstance(value, str):
        return dumpable(value) if is_key(name, value) or name.lower().endswith("headers") else value
    if isinstance(value, Mapping):
        below = name if name.lower().endswith("headers") else None
        return {key: _shown(below or str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(name, inner) for inner in value]
    return value


def is_key(name: str, value: object) -> bool:
    """Whether a setting is a key, by its name or by its form."""
    return isinstance(value, str) and (is_secret_name(name) or looks_secret(value))
