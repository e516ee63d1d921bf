"""Text for a terminal that has not all characters: plain ones in their place, one for one."""

from __future__ import annotations

import io
import sys
from typing import TextIO

# Where a terminal lacks one of a group it gets none of it: a line of two kinds, of two widths at worst, looks broken.
_GROUPS = (
    ("╒╤╕╞╪╡╘╧╛├┼┤┌┬┐└┴┘╭╮╰╯═─│", "++++++++++++++++++++++=-|"),
    ("▁▂▃▄▅▆▇█", "_.-~=+*#"),
    ("…", "."),
    ("→", ">"),
    ("µ", "u"),
    ("✔✘", "+x"),
)
_UNKNOWN = "utf-8"


class Charset:
    """What one encoding can show."""

    def __init__(self, encoding: str | None, errors: str | None = None) -> None:
        """encoding: of the terminal; None = not known. errors: what its stream does itself with what it lacks."""
        self.encoding = encoding or _UNKNOWN
        self._errors = errors or "strict"
        groups = [str.maketrans(*group) for group in _GROUPS if not self._takes(group[0], "strict")]
        self._plain = {code: plain for group in groups for code, plain in group.items()}

    def shown(self, text: str) -> str:
        """`text` with nothing in it that a stream of this encoding would refuse."""
        text = text.translate(self._plain) if self._plain else text
        return text if self._takes(text, self._errors) else self.encode(text).decode(self.encoding)

    def encode(self, text: str) -> bytes:
        """The bytes of `text` as it can be shown, with a "?" for what has no plain form."""
        return text.translate(self._plain).encode(self.encoding, "replace")

    def _takes(self, text: str, errors: str) -> bool:
        try:
            text.encode(self.encoding, errors)
        except UnicodeEncodeError:
            return False
        return True


class ShownStream(io.TextIOBase):
    """A text stream that takes every text, whatever its encoding. It shows no `buffer`, which others would write to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._charset = Charset(stream.encoding, stream.errors)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute there
        """As the stream's."""
        return self._charset.encoding

    def write(self, text: str) -> int:
        """Takes all of it."""
        self._stream.write(self._charset.shown(text))
        return len(text)

    def flush(self) -> None:
        """As the stream's."""
        self._stream.flush()

    def fileno(self) -> int:
        """As the stream's."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """As the stream's."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """As the stream's."""
        return self._stream.writable()


def show_all() -> None:
    """From now on standard output and standard error take every text. A stream that is closed stays so."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, ShownStream(stream))


def terminal_charset() -> Charset:
    """That of the terminal that this process writes to."""
    return Charset(getattr(sys.stderr, "encoding", None))
