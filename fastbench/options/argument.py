"""What stands in place of a config: a config file, a service's URL, or by mistake something else."""

from __future__ import annotations

import re
from pathlib import Path

from fastbench.errors import UsageError
from fastbench.options.option import flag
from fastbench.options.table import OPTIONS

_URL = re.compile(r"[a-z][a-z0-9+.-]*://|[^/?#]*@|[\w.-]+:\d+(/|\?|$)", re.IGNORECASE)
_PROMPTS = {suffix: option.name for option in OPTIONS.values() for suffix in option.suffixes}


def is_url(text: str) -> bool:
    """Whether `text` is a service's URL and no file: with a scheme, a user or a port. Raises UsageError for what is
    neither a URL nor a config, which names the option that it belongs to where that is known."""
    path = Path(text)
    if path.is_dir():
        raise UsageError(_of_directory(path))
    if not path.exists() and _URL.match(text.strip()):
        return True
    suffix = path.suffix.lower()
    # Imported late: a run without a config does not need it, and help must not wait for it.
    from fastbench.config.files import FORMS, SUFFIXES, is_json_config

    if suffix in _PROMPTS and not (suffix in SUFFIXES and is_json_config(text)):
        why = "it is no object with a setting, such as models" if suffix in SUFFIXES else f"one ends in {FORMS}"
        raise UsageError(f"{text} is no config: {why}; if it holds prompts, give it as {flag(_PROMPTS[suffix])} FILE")
    if not path.exists() and suffix not in SUFFIXES:
        raise UsageError(
            f"{text} is neither a file nor a URL: if it is a service, write http://{text}; a config ends in {FORMS}"
        )
    return False


def is_config_name(text: str) -> bool:
    """Whether `text` ends as the name of a config does."""
    from fastbench.config.files import SUFFIXES

    return Path(text).suffix.lower() in SUFFIXES


def _of_directory(path: Path) -> str:
    where = path.resolve()
    return (
        f"{path} is a directory, not a config; if it is a run, continue it by --reuse {where.name} "
        f"--work-dir {path.parent}, or see it by `fastbench report {path}`"
    )
