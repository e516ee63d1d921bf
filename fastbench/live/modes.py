"""How a terminal is set for a screen and put back, written to and waited for. Light: the load's process has it."""

from __future__ import annotations

import math
import os
import select
import termios
import tty
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from fastbench.live.charset import terminal_charset

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The other screen, without a cursor, and without wrapping of what a resize makes too long."""
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"


class Modes(NamedTuple):
    """A terminal as it was before."""

    fd: int
    attributes: list[Any]

    @classmethod
    def of(cls, fd: int) -> Self:
        """As it is now."""
        return cls(fd, termios.tcgetattr(fd))

    def to_screen(self) -> None:
        """The terminal for a screen: keys come at once and are not shown, Ctrl-C stays Ctrl-C."""
        tty.setcbreak(self.fd, termios.TCSANOW)
        write(self.fd, _ENTER)

    def restore(self) -> None:
        """As it was; but a shell that has it again has set it for itself. May be done twice."""
        write(self.fd, _LEAVE)
        if in_foreground(self.fd):
            termios.tcsetattr(self.fd, termios.TCSANOW, self.attributes)


def in_foreground(fd: int) -> bool:
    """Whether this job may read from a terminal, and draw on it: the shell's own is for one job at a time."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:  # it is not the terminal of this session, so nobody else claims it
        return True


def usable(fd: int) -> bool:
    """Whether a screen can be drawn on it."""
    return os.isatty(fd) and os.environ.get("TERM") not in (None, "", "dumb") and in_foreground(fd)


def write(fd: int, text: str) -> None:
    """All of it, as the terminal can show it."""
    rest = terminal_charset().encode(text)
    while rest:
        rest = rest[os.write(fd, rest) :]


def readable(descriptors: Iterable[int], seconds: float) -> set[int]:
    """The descriptors that have something to read, or have ended, as soon as there is one; none when the time is over.

    By poll, because select knows none from 1,024 on.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(math.ceil(max(0.0, seconds) * 1_000))}
