"""Keys: a config names them, no dump has them, and no message shows them.

Those that are known (`KNOWN`) are taken out of messages, and so is what is a key by its form or its name.
"""

from fastbench.config.secrets.dumping import dumpable, is_key, without_keys
from fastbench.config.secrets.keys import KNOWN, SHORTEST, Redactor, resolve_secret
from fastbench.config.secrets.recognise import (
    FORMS,
    HIDDEN,
    NOT_DUMPED,
    cleaned,
    env_name,
    hide_in_text,
    is_secret_header,
    is_secret_name,
    looks_secret,
    secrets_in,
    secrets_in_source,
)

__all__ = [
    "FORMS",
    "HIDDEN",
    "KNOWN",
    "NOT_DUMPED",
    "SHORTEST",
    "Redactor",
    "cleaned",
    "dumpable",
    "env_name",
    "hide_in_text",
    "is_key",
    "is_secret_header",
    "is_secret_name",
    "looks_secret",
    "resolve_secret",
    "secrets_in",
    "secrets_in_source",
    "without_keys",
]
