"""Settings as a dump may show them: without keys."""

from collections.abc import Mapping
from typing import Any

from fastbench.config.secrets.recognise import NOT_DUMPED, env_name, is_secret_name, looks_secret


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
