"""Keys: a config names them, no dump has them, and no message shows them.

Those that are known (`KNOWN`) are taken out of messages, and so is what is a key by its form or its name.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from fastbench.errors import ConfigError

# Compiled when they are first used, and kept by `re`: a report again uses few of them.
# Of header names, and of other names but those of `_NO_SECRET`.
_SECRET = r"(?i)auth|key|token|secret|cookie|passw|passphrase|pwd|credential|bearer|signature|session|jwt"
# Lengths, token ids, columns, files and names of variables.
_NO_SECRET = (
    r"(?i)authors?|.*tokens.*|.*tokeniz.*|.*token_?id.*|.*per_token.*|prompt_key|output_len_key|client_key|tls_key"
    r"|.*key_env|key_?words?"
)
FORMS = (
    r"sk[-_][A-Za-z0-9_-]{4,}|(?:pk|rk|xai|nvapi|hf|gh[opsu]|glpat|gsk|xox[abp])[-_](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{8,}"
    r"|github_pat_\w{8,}|(?:AKIA|ASIA|AIza)[A-Za-z0-9_-]{10,}|eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9._-]*"
)
"""Prefixes of well-known services' keys, as a regular expression."""
_FORMS = rf"(?i)(?:{FORMS})|(?:bearer|basic|token|apikey)\s+\S+"
_RANDOM = r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/=_.-]{20,}"

NOT_DUMPED = "<not dumped>"
HIDDEN = "<hidden>"
_DEPTH = 8
_REFERENCE = r"(?:env:|\$)([A-Za-z_][A-Za-z0-9_]*)"
_KEY = rf"(?<![\w-])(?:{FORMS})"
# What is found in a text, and what is kept of it.
_IN_TEXT = (
    # The name and the password before a URL's host, also a password with a slash in it.
    (r"(?<=//)(?:[^/?#\s'\"]*|[^/?#\s'\"@:]*:(?!\d+[/?#])[^\s'\"]*)@", f"{HIDDEN}@"),
    (r"(\w://[^\s?#'\"]*[?#])[^\s'\"]+", rf"\1{HIDDEN}"),
    (r"(?i)\b(bearer|basic)\s+(?!realm)(?=\S*[\d=])[^\s'\"]{4,}", rf"\1 {HIDDEN}"),
    (_KEY, HIDDEN),
)
# name=value, "name": "value", 'name': 'value'
_PAIR = (
    r"(?<![\w.-])(?P<name>[\w.-]+)(?P<is>\s*=\s*|[\"']\s*\]?\s*[:=]\s*)(?P<quote>[rbfuRBFU]{0,2}[\"'])?"
    r"(?P<value>(?(quote)[^\"']+|[^\s&'\",;()\[\]{}]+))"
)


def is_secret_name(name: object) -> bool:
    """Whether a setting of this name usually carries a key."""
    if not isinstance(name, str) or not re.search(_SECRET, name):
        return False
    return re.fullmatch(_NO_SECRET, name.replace("-", "_")) is None


def looks_secret(value: object) -> bool:
    """Whether a value has the form of a key, whatever it is called."""
    return isinstance(value, str) and re.match(_FORMS, value.strip()) is not None


def is_secret_header(name: str, value: str = "") -> bool:
    """Whether a header is one that usually carries a key, or its value is likely to be one."""
    return re.search(_SECRET, name) is not None or looks_secret(value) or re.fullmatch(_RANDOM, value) is not None


def env_name(value: str) -> str | None:
    """The variable that `value` points at by "env:NAME" or "$NAME"; None = `value` stands for itself."""
    match = re.fullmatch(_REFERENCE, value)
    return match[1] if match else None


def hide_in_text(text: str) -> str:
    """`text` without what is a key by its form or by the name before it: in URLs, headers and pairs."""
    for pattern, kept in _IN_TEXT:
        text = re.sub(pattern, kept, text)
    return re.sub(_PAIR, _without_value, text)


def _without_value(pair: re.Match[str]) -> str:
    if not is_secret_name(_last(pair["name"])) or HIDDEN in pair["value"] or env_name(pair["value"]):
        return pair[0]
    return f"{pair['name']}{pair['is']}{pair['quote'] or ''}{HIDDEN}"


def _last(name: str) -> str:
    return name.rpartition(".")[2].strip("-")


class _Shown:
    """An object with a fixed `repr`."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __repr__(self) -> str:
        return self._words


def cleaned(value: object, depth: int = _DEPTH) -> object:
    """`value` with nothing in it that may be a key, to be shown by `repr`."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return hide_in_text(value)
        case bytes():
            return hide_in_text(value.decode("latin-1")).encode("latin-1")
        case type():
            return _Shown(f"class {value.__name__}")
        case Mapping() | list() | tuple() | set() | frozenset() if not depth:
            return _Shown("…")
        case Mapping():
            return {_name(name): _item(name, item, depth - 1) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            items = [cleaned(item, depth - 1) for item in value]
            if len(items) == 2 and is_secret_name(items[0]):
                items[1] = _Shown(HIDDEN)
            return tuple(items) if isinstance(value, tuple) else items
    return _Shown(f"an object of the type {type(value).__name__}")


def _name(name: object) -> object:
    return name if name is None or isinstance(name, bool | int | float) else _Shown(repr(cleaned(name)))


def _item(name: object, item: object, depth: int) -> object:
    if isinstance(name, str) and name.lower().endswith("headers") and isinstance(item, Mapping):
        return {_name(header): _Shown(HIDDEN) for header in item}
    secret = is_secret_name(name) or (isinstance(name, str) and name.lower().endswith("headers"))
    return _Shown(HIDDEN) if secret and item not in (None, "") else cleaned(item, depth)


def secrets_in(value: object, *, named: bool = False) -> Iterator[str]:
    """The keys in settings of any shape. named: whether the name before it says that `value` is one."""
    match value:
        case str():
            if named or looks_secret(value):
                yield value
            else:
                yield from (match[0] for match in re.finditer(_KEY, value))
        case Mapping():
            for name, item in value.items():
                yield from secrets_in(item, named=is_secret_name(name))
        case (str(name), str(item)) if is_secret_name(name) and any(map(str.isdigit, item)):
            yield item
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from secrets_in(item, named=named)


def secrets_in_source(source: str) -> Iterator[str]:
    """The keys that stand in the text of a config, be it one that cannot be run."""
    for pair in re.finditer(_PAIR, source):
        value = pair["value"]
        sure = pair["quote"] or looks_secret(value) or any(map(str.isdigit, value))
        if sure and is_secret_name(_last(pair["name"])):
            yield value
    yield from (match[0] for match in re.finditer(_KEY, source))


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


SHORTEST = 4
"""A shorter value is no secret, and would stand in any text by chance."""
_SURE = 8
"""A value as long as this is hidden inside words too."""
_ANY = frozenset({"empty", "none", "null", "dummy", "test", "token", "true", "false"})
"""Placeholders for services without a key."""
_USUAL_NAME = r"[A-Z_][A-Z0-9_]*"


class Redactor:
    """Takes the keys that it has learnt out of texts."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, *values: str) -> None:
        """Keys from now on; a reference to a variable is none, nor is a word that stands for any key."""
        # The last word of a header as well: the key without its scheme, such as "Bearer".
        for text in (text for value in values for text in (value, *value.split()[-1:])):
            if len(text) < SHORTEST or text.lower() in _ANY or text == NOT_DUMPED or env_name(text):
                continue
            # As it stands in a URL, in JSON and in Python too.
            forms = {text, quote(text, safe=""), json.dumps(text)[1:-1], repr(text)[1:-1]}
            if not forms <= self._forms:
                self._forms |= forms
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
"""The keys that this process has seen; all output to the user passes through it."""


def resolve_secret(value: str) -> str:
    """`value`, or what its variable holds. Raises ConfigError where the variable is not set or empty."""
    name = env_name(value)
    if name is None:
        if value == NOT_DUMPED:
            raise ConfigError('was left out of the dumped config; set it again, best as "env:NAME"')
        if value.startswith("env:"):
            raise ConfigError("names no environment variable; give the variable's name, not the key, as env:NAME")
        return value
    found = os.environ.get(name)
    if not found:
        # A key given in place of a name must not be shown.
        if re.fullmatch(_USUAL_NAME, name):
            raise ConfigError(f"names the environment variable {name}, which is not set; export it first")
        raise ConfigError("names an environment variable that is not set; give its name, not the key, and export it")
    KNOWN.learn(found)
    return found
