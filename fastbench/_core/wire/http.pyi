from typing import Final

MAX_HEAD: Final[int]
"""Bytes that head and trailers of one response may have together."""
MAX_EXTENSIONS: Final[int]
"""Bytes that the chunk extensions of one response may have together."""

class HttpParser:
    """The HTTP/1.x response parser as a Python object, for tests and tools. One object parses one response."""

    head_complete: bool
    complete: bool
    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """The body's bytes in `data`, and what is left behind the message's end.

        Raises ValueError, with the reason, for bytes that are not one HTTP/1.x response.
        """

    def eof(self) -> bool:
        """Tells the parser that the connection ended; True when the message is complete."""

    @property
    def status(self) -> int: ...
    @property
    def keep_alive(self) -> bool: ...
    @property
    def content_type(self) -> str: ...
