"""Keys stay where they are: a config names them, a dump never shows them."""

import os
import re

from fastbench.errors import ConfigError

NOT_DUMPED = "<not dumped>"
_REFERENCE = re.compile(r"(?:env:|\$)([A-Za-z_][A-Za-z0-9_]*)")
_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|passw|credential|signature|session", re.IGNORECASE)


def env_name(value: str) -> str | None:
    """The variable that `value` points at by "env:NAME" or "$NAME"; None = `value` stands for itself."""
    match = _REFERENCE.fullmatch(value)
    return match[1] if match else None


def resolve_secret(value: str) -> str:
    """`value`, or what its variable holds. Raises ConfigError where the variable is not set or empty."""
    name = env_name(value)
    if name is None:
        if value == NOT_DUMPED:
            raise ConfigError('is left out of dumped configs; give it again, best as "env:NAME"')
        return value
    if not os.environ.get(name):
        raise ConfigError(f"names the environment variable {name}, which is not set; export it first")
    return os.environ[name]


def dumpable(value: str) -> str:
    """`value` as a dump may show it: a reference, or a note that it was left out."""
    return value if not value or env_name(value) else NOT_DUMPED


def is_secret_header(name: str) -> bool:
    """Whether the header is one that usually carries a key."""
    return _SECRET_HEADER.search(name) is not None
