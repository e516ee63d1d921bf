from collections.abc import Iterable
from typing import Final

ROLES: Final[tuple[str, ...]]
"""What a JSON path of a reply can mean."""

Rule = tuple[str, str] | tuple[str, str, str, str]
"""(path, role), as ("choices[].delta.content", "text"), or (path, role, when_path, when_value), which counts only in
events whose field `when_path` (keys from the document's root, joined by dots) is `when_value`: a string's characters
as they stand, or the spelling of a number, true, false or null. Of the rules of one path the last that counts holds."""

class OutputSpec:
    """A service's rules, compiled.

    Raises ValueError for a role that is not one of `ROLES`, for a condition's path that is empty or has `[]`, and where
    conditions name more than four fields.
    """

    rules: tuple[Rule, ...]
    needs_finish: bool
    def __init__(self, rules: Iterable[Rule]) -> None: ...
