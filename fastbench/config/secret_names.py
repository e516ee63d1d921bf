"""What is a key, by its name or by its form."""

import re

# Of header names, and of other names but those of `_NO_SECRET`.
_SECRET = re.compile(
    r"auth|key|token|secret|cookie|passw|passphrase|pwd|credential|bearer|signature|session|jwt", re.IGNORECASE
)
# Lengths, token ids, columns, files and names of variables.
_NO_SECRET = re.compile(
    r"authors?|.*tokens.*|.*tokeniz.*|.*token_?id.*|.*per_token.*|prompt_key|output_len_key|client_key|tls_key"
    r"|.*key_env|key_?words?",
    re.IGNORECASE,
)
FORMS = (
    r"sk[-_][A-Za-z0-9_-]{4,}|(?:pk|rk|xai|nvapi|hf|gh[opsu]|glpat|gsk|xox[abp])[-_](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{8,}"
    r"|github_pat_\w{8,}|(?:AKIA|ASIA|AIza)[A-Za-z0-9_-]{10,}|eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9._-]*"
)
"""What the keys of well-known services begin with, as a regular expression."""
_FORMS = re.compile(rf"(?:{FORMS})|(?:bearer|basic|token|apikey)\s+\S+", re.IGNORECASE)
_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/=_.-]{20,}")


def is_secret_name(name: object) -> bool:
    """Whether a setting of this name usually carries a key."""
    if not isinstance(name, str) or not _SECRET.search(name):
        return False
    return _NO_SECRET.fullmatch(name.replace("-", "_")) is None


def looks_secret(value: object) -> bool:
    """Whether a value has the form of a key, whatever it is called."""
    return isinstance(value, str) and _FORMS.match(value.strip()) is not None


def is_secret_header(name: str, value: str = "") -> bool:
    """Whether a header is one that usually carries a key, or its value is likely to be one."""
    return _SECRET.search(name) is not None or looks_secret(value) or _RANDOM.fullmatch(value) is not None
