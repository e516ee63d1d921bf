from typing import Final

from fastbench._core.ring import Batch
from fastbench._core.wire.rules import OutputSpec

MAX_DOCUMENT: Final[int]
"""Bytes that a response without streaming may have."""

class ReplyReader:
    """One response, parsed exactly as the reactor parses it; for tests and tools."""

    complete: bool
    def __init__(self, spec: OutputSpec, stream: bool = True, keep_text: bool = False) -> None: ...
    def feed(self, data: bytes, stamp_ns: int = 1, late_ns: int = 0) -> int:
        """Takes one read that arrived at `stamp_ns`; returns how many bytes came behind the message's end.

        late_ns: how long before its stamp a byte may have arrived because the reader was late; 0 = it was not.
        Raises ValueError when the response has ended.
        """

    def end(self, how: str = "closed", now_ns: int | None = None) -> Batch:
        """The finished request as a batch of one row. how: closed, reset, timeout, cancelled; a response that
        is complete by its own framing needs none. now_ns: the end's moment, by default the last read's stamp."""
