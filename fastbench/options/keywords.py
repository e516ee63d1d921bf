"""Sentences of the command line for Python, where options are keywords."""

import contextlib
import re
from collections.abc import Iterator

from fastbench.errors import FastbenchError
from fastbench.secrets import KNOWN

_FLAG = re.compile(r"`[^`]*`|--([a-z][a-z-]*[a-z])(?: (?=[A-Z][A-Z:]*\b|https?:|\[)|(?=(\[|\.\w|:)))?")
"""A command, or an option; 1: its name, 2: what follows the name where that is a place in its value."""


@contextlib.contextmanager
def keywords_named() -> Iterator[None]:
    """Errors raised meanwhile name keywords where the command line's would name options; no key is in them."""
    try:
        yield
    except FastbenchError as error:
        error.args = (in_keywords(KNOWN.hide(str(error))), *error.args[1:])
        raise


def in_keywords(text: str) -> str:
    """A sentence of the command line for Python: "--concurrency 64" as "concurrency=64"."""
    return _FLAG.sub(_keyword, text)


def _keyword(match: re.Match[str]) -> str:
    # Imported late: hardly any report again has an error to tell.
    from fastbench.options.table import OPTIONS

    # A command in backquotes stays one.
    name = (match[1] or "").replace("-", "_")
    if name not in OPTIONS:
        return match[0]
    return name if match[2] else f"{name}="
