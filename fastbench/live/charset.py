"""Text for a terminal that has not all characters: plain ones in their place, one for one."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

# Where a terminal lacks one of a group it gets none of it: a line of two kinds, of two widths at worst, looks broken.
_GROUPS = (
    ("╒╤╕╞╪╡╘╧╛├┼┤┌┬┐└┴┘╭╮╰╯═─│", "++++++++++++++++++++++=-|"),
    ("▁▂▃▄▅▆▇█", "_.-~=+*#"),
    # Two columns of dots from the bottom: by the higher one.
    ("⢀⢠⢰⢸⡀⣀⣠⣰⣸⡄⣄⣤⣴⣼⡆⣆⣦⣶⣾⡇⣇⣧⣷⣿", ".-=#..-=#---=#====######"),
    ("━╸", "=>"),
    ("✓▲·", "+^|"),
    ("…", "."),
    ("\N{EN DASH}", "-"),
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


class StreamError(OSError):
    """Standard output or standard error takes no more, as where its disk is full."""


class ClosedError(Exception):
    """The reader of standard output has closed it, such as `head`. No OSError, of which click would make an end of its
    own."""


class ShownStream(io.TextIOBase):
    """A text stream that takes every text, whatever its encoding. It shows no `buffer`, which others would write to."""

    def __init__(self, stream: TextIO, *, of_messages: bool = False) -> None:
        """of_messages: where nobody reads them any more they are dropped."""
        self._stream = stream
        self._of_messages = of_messages
        self._charset = Charset(stream.encoding, stream.errors)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute there
        """As the stream's."""
        return self._charset.encoding

    def write(self, text: str) -> int:
        """Takes all of it. Raises StreamError where it cannot, ClosedError where nobody reads it."""
        with self._named():
            self._stream.write(self._charset.shown(text))
        return len(text)

    def flush(self) -> None:
        """As the stream's. Raises as `write`."""
        with self._named():
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

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            if not self._of_messages:
                raise ClosedError from None
            lead_nowhere(self.fileno())
        except OSError as error:
            raise StreamError(error.errno, error.strerror) from error


def lead_nowhere(number: int) -> None:
    """From now on what is written to the descriptor goes nowhere, also what its stream still holds: Python would try to
    write it again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


class _Standard:
    """Stand-ins for those of the descriptors 0, 1 and 2 that are closed, while there is someone who needs them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._opened: list[int] = []

    @contextlib.contextmanager
    def filled(self) -> Iterator[None]:
        """None of the three is closed meanwhile: what would be opened by such a number, libuv refuses to close."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._opened = [number for number in range(3) if _fill(number)]
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                while not self._users and self._opened:
                    os.close(self._opened.pop())


def _fill(number: int) -> bool:
    """Opens /dev/null by this number, also for child processes, if it is closed."""
    try:
        os.fstat(number)
    except OSError:
        # The lowest that is free: those below are open.
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        return True
    return False


standard_filled = _Standard().filled


def fill_standard() -> None:
    """As `standard_filled`, for as long as this process lives, which then has the streams, too, as if they were sent to
    /dev/null."""
    for number in range(3):
        _fill(number)
    # Python makes none of a descriptor that was closed when it started.
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def show_all() -> None:
    """From now on standard output and standard error take every text. A stream that is closed stays so."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            setattr(sys, name, ShownStream(stream, of_messages=name == "stderr"))


def terminal_charset() -> Charset:
    """That of the terminal that this process writes to."""
    return Charset(getattr(sys.stderr, "encoding", None))
