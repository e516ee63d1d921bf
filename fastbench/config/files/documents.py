"""JSON configs, and what YAML and JSON have in common: data alone, nothing of them is run."""

import json
import re
from typing import Any, NoReturn

from fastbench.config.fields.check import join
from fastbench.config.files.environment import Environment
from fastbench.errors import ConfigError

# The core schema of YAML 1.2: no "yes" and "no", no dates, no numbers to the base of 60.
_INT = re.compile(r"[-+]?\d+")
_FLOAT = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?")
_WORDS: dict[str, Any] = {"": None, "~": None, ".inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}
_WORDS |= {
    spelt: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelt in (word, word.capitalize(), word.upper())
}
DEEPEST = 100
"""The most mappings and lists in each other."""
OWN = ("_", "x-")
"""What the names of a file begin with that are no settings: what others in it refer to."""


def scalar_of(text: str) -> Any:
    """What `text` stands for in YAML without quotes: null, true, false, a number, else the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def parse_json(text: str, file: str, environment: Environment) -> tuple[dict[str, Any], dict[str, int]]:
    """The settings in `text`; JSON tells no lines. Raises ConfigError with the line that is wrong."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        for name in found if len(found) < len(items) else ():
            if sum(key == name for key, _ in items) > 1:
                raise ConfigError(f"{file}: {name} stands twice in one object; leave one of them out")
        return found

    def no_number(word: str) -> NoReturn:
        raise ConfigError(f"{file}: {word} is no number of JSON; write a finite one")

    try:
        raw = json.loads(text, object_pairs_hook=pairs, parse_constant=no_number)
        if isinstance(raw, dict):
            settings = {name: value for name, value in raw.items() if not name.startswith(OWN)}
            return _replaced(settings, "", environment, 1), {}
    except json.JSONDecodeError as error:
        raise ConfigError(f"{file}, line {error.lineno}: {error.msg}; the config must be JSON") from error
    except RecursionError:
        raise ConfigError(f"{file}: the config nests more than {DEEPEST} deep; flatten it") from None
    raise ConfigError(f"{file}: the config must be an object of settings, such as models and datasets")


def _replaced(value: Any, path: str, environment: Environment, depth: int) -> Any:
    if depth > DEEPEST:
        raise RecursionError
    below = depth + 1
    match value:
        case str():
            return environment.replace(value, path, None, scalar_of)
        case dict():
            return {name: _replaced(item, join(path, name), environment, below) for name, item in value.items()}
        case list():
            return [_replaced(item, f"{path}[{index}]", environment, below) for index, item in enumerate(value)]
    return value
