from typing import Any

from fastbench._core.wire.rules import OutputSpec

class OutputReader:
    """The classifier as a Python object, for tests and tools. One object reads one stream."""

    memo_hits: int
    """Events that needed no walk."""
    def __init__(self, spec: OutputSpec, use_memo: bool = True) -> None: ...
    def read(self, data: bytes) -> dict[str, Any]:
        """What one event's data says. Raises ValueError when it is neither `[DONE]` nor a JSON object."""
