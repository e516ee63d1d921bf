from typing import Final

from fastbench.mock.styles import Templates

SLOTS: Final[tuple[str, ...]]
"""Names of the slots that templates may have."""
KINDS: Final[tuple[str, ...]]
"""Kinds of templates."""

class Wire:
    """Templates by (is chat, kind, with usage), and the JSON-escaped texts of tokens (a power of two of them)."""

    def __init__(self, templates: Templates, words: list[bytes]) -> None: ...
