"""JSON configs, and what YAML and JSON have in common: data alone, nothing of them is run."""

import json
import os
import re
from collections.abc import Callable
from typing import Any, NoReturn

from fastbench.config.fields.check import join
from fastbench.errors import ConfigError
from fastbench.secrets import KNOWN, is_secret_name

_FOUND = re.compile(r"\$(\$\{)|\$\{([^}]*)(\})?")
_WHOLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")
_NAME = re.compile(r"[A-Za-z_]\w*")
_REFERRED = re.compile(r"\w+\[\d+\]\.(?:api_key|headers\..+)")
"""Fields of a service whose keys may stay where they are: see `resolve_secret`."""


class Environment:
    """The environment as one file refers to it."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._faults: list[str] = []

    def replace(self, text: str, path: str, line: int | None, typed: Callable[[str], Any]) -> Any:
        """`text` with what its variables hold; `$${` stands for `${` itself.

        path, line: where `text` is. typed: what a text stands for that is a variable alone. The key of a service
        stays a reference, so that a dump of the config names the variable too.
        """
        names = path.split(".")
        whole = _WHOLE.fullmatch(text)
        if whole and whole[1] in os.environ:
            if _REFERRED.fullmatch(path):
                return f"env:{whole[1]}"
            return typed(self._held(whole[1], names))
        where = f"{self._file}, line {line}: {path}" if line else f"{self._file}: {path}"
        return _FOUND.sub(lambda found: self._of(found, names, where), text)

    def check(self) -> None:
        """Raises one ConfigError with every reference that leads nowhere."""
        if self._faults:
            raise ConfigError("\n".join(dict.fromkeys(self._faults)))

    def _of(self, found: re.Match[str], names: list[str], where: str) -> str:
        escaped, name, closed = found.groups()
        if escaped:
            return str(escaped)
        if not closed or not _NAME.fullmatch(name):
            self._faults.append(f"{where} has a ${{ without a variable's name and }}; write $${{ for ${{ itself")
        elif name not in os.environ:
            self._faults.append(
                f"{where} names the environment variable {name}, which is not set; export it, or write $${{ for ${{ "
                "itself"
            )
        else:
            return self._held(name, names)
        return ""

    @staticmethod
    def _held(variable: str, names: list[str]) -> str:
        text = os.environ[variable]
        if any(map(is_secret_name, (variable, *names))) or "headers" in names:
            KNOWN.learn(text)
        return text


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
