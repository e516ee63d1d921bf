"""The keys that this process has come across, and how they are taken out of what it tells."""

import json
import os
import re
from typing import Any
from urllib.parse import quote

from fastbench.config.secrets.recognise import HIDDEN, NOT_DUMPED, env_name, hide_in_text, secrets_in
from fastbench.errors import ConfigError

SHORTEST = 4
"""A shorter value is no secret, and would stand in any text by chance."""
_SURE = 8
"""A value as long as this is hidden inside words too."""
_ANY = frozenset({"empty", "none", "null", "dummy", "test", "token", "true", "false"})
"""What is given where a service wants no key."""
_USUAL_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")


class Redactor:
    """Takes the keys that it has learnt out of texts."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, *values: str) -> None:
        """Keys from now on; a reference to a variable is none, nor is a word that stands for any key."""
        # A header's last word too: the key without its scheme, such as "Bearer".
        for text in (text for value in values for text in (value, *value.split()[-1:])):
            if len(text) < SHORTEST or text.lower() in _ANY or text == NOT_DUMPED or env_name(text):
                continue
            # As it stands in a URL, in JSON and in Python too.
            self._forms |= {text, quote(text, safe=""), json.dumps(text)[1:-1], repr(text)[1:-1]}
            self._pattern = None

    def learn_in(self, settings: Any) -> None:
        """The keys in settings of any shape."""
        self.learn(*secrets_in(settings))

    def hide(self, text: str) -> str:
        """`text` without keys: those learnt, and what is one by its form."""
        if self._pattern is None and self._forms:
            # The longest first, so that no part of one stays behind.
            self._pattern = re.compile("|".join(map(_form, sorted(self._forms, key=len, reverse=True))))
        return hide_in_text(self._pattern.sub(HIDDEN, text) if self._pattern else text)


def _form(text: str) -> str:
    return re.escape(text) if len(text) >= _SURE else rf"(?<!\w){re.escape(text)}(?!\w)"


KNOWN = Redactor()
"""The keys that this process has come across; what it tells its user passes here."""


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
