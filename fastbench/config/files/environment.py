"""`${NAME}` in the text values of YAML and JSON configs: what the environment variable holds."""

import os
import re
from collections.abc import Callable
from typing import Any

from fastbench.config.secrets import KNOWN, is_secret_name
from fastbench.errors import ConfigError

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
