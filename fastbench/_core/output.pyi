from collections.abc import Iterable
from typing import Any, Final

ROLES: Final[tuple[str, ...]]
"""What a JSON path of a reply can mean."""

class OutputSpec:
    """A backend's rules, compiled. rules: pairs (path, role), as ("choices[].delta.content", "text").

    Raises ValueError for a role that is not one of `ROLES`.
    """

    rules: tuple[tuple[str, str], ...]
    needs_finish: bool
    def __init__(self, rules: Iterable[tuple[str, str]]) -> None: ...

class OutputReader:
    """The classifier as a Python object, for tests and tools. One object reads one stream."""

    memo_hits: int
    """Events that needed no walk."""
    def __init__(self, spec: OutputSpec, use_memo: bool = True) -> None: ...
    def read(self, data: bytes) -> dict[str, Any]:
        """What one event's data says. Raises ValueError when it is neither `[DONE]` nor a JSON object."""
