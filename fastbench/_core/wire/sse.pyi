from typing import Final

MAX_EVENT: Final[int]
"""Bytes that a line or an event may have; a longer one is refused."""

class SseParser:
    """The event-stream scanner as a Python object, for tests and tools."""

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that `data` completes, lines joined by LF.

        Raises ValueError for a line or an event of more than `MAX_EVENT` bytes.
        """
