"""A terminal that is drawn on and listened to, and put back as it was whatever happens. Light: the load has it too."""

from __future__ import annotations

import math
import os
import select
import signal
import termios
import tty
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any, NamedTuple, Self

from fastbench.live.charset import terminal_charset

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The other screen, without a cursor, and without wrapping of what a resize makes too long."""
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_KEYS = {b"\x1b[A": "up", b"\x1bOA": "up", b"\x1b[B": "down", b"\x1bOB": "down", b"p": "p", b"P": "p"}
_CLEAR, _CLEAR_LINE = "\x1b[H\x1b[J", "\x1b[K"
_HOLD, _SHOW = "\x1b[?2026h", "\x1b[?2026l"
"""A terminal that knows these shows nothing half drawn; others leave them alone."""
_USUAL_SIZE = (80, 24)


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


class Terminal:
    """One on a file descriptor. To be used in the main thread, because signals wake it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._before: Modes | None = None
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._drawn: list[str] = []
        self._drawn_size = (0, 0)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        size = os.get_terminal_size(self._fd)
        return (size.columns or _USUAL_SIZE[0], size.lines or _USUAL_SIZE[1])

    def __enter__(self) -> Self:
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGWINCH, _only_wake)
        # What is written when the shell already has the terminal again would stop the whole job, should it go on there.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()
        for number in (signal.SIGWINCH, signal.SIGTTOU):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.close(self._woken)
        os.close(self._waker)

    def draw(self, lines: Sequence[str]) -> None:
        """Puts the lines in the place of what was there; nothing while another job has the terminal.

        lines: with their styles; only those that are others than before are written.
        """
        if self._before is None and not self._take():
            return
        changes = self._changes(lines)
        if changes:
            write(self._fd, f"{_HOLD}{changes}{_SHOW}")

    def _changes(self, lines: Sequence[str]) -> str:
        """What turns that which stands there into the lines. After a resize nobody knows what stands there."""
        size = self.size
        before = self._drawn if size == self._drawn_size else []
        beyond = [""] * max(0, len(before) - len(lines))
        clear = "" if before else _CLEAR
        self._drawn, self._drawn_size = list(lines), size
        # Cleared before it is written: behind a line that fills the screen the cursor still stands on the last column.
        return clear + "".join(
            f"\x1b[{number}H{_CLEAR_LINE}{line}"
            for number, line in enumerate([*lines, *beyond], 1)
            if number > len(before) or before[number - 1] != line
        )

    def wait(self, seconds: float, other_fd: int | None = None) -> tuple[list[str], bool]:
        """The keys pressed until the time is over, or something happened; and whether `other_fd` can be read."""
        heard = [self._woken]
        if self._before is not None:
            heard.append(self._fd)
        if other_fd is not None:
            heard.append(other_fd)
        ready = readable(heard, seconds)
        if self._woken in ready:
            os.read(self._woken, 1024)
        keys = keys_in(os.read(self._fd, 1024)) if self._fd in ready else []
        return keys, other_fd in ready

    def suspend(self, continued: Callable[[], bool]) -> None:
        """Ctrl-Z: gives the terminal back, and returns when the job is continued.

        continued: whether SIGCONT came since Ctrl-Z, for the shell may be faster than this process. Without a shell,
        where Ctrl-Z does not stop the other processes either, it returns at once.
        """
        self._give_back()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        # From here on the kernel itself takes the blocked signal back when the job is continued.
        os.kill(os.getpid(), signal.SIGTSTP)
        if continued():
            signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # takes it back
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
        signal.signal(signal.SIGTSTP, before)

    def _take(self) -> bool:
        if in_foreground(self._fd):
            self._before = Modes.of(self._fd)
            self._before.to_screen()
            self._drawn = []
        return self._before is not None

    def _give_back(self) -> None:
        if self._before is not None:
            self._before.restore()
            self._before = None


def keys_in(data: bytes) -> list[str]:
    """The keys in what a terminal sent: up, down, p; all others are left out."""
    keys = []
    while data:
        code = next((code for code in _KEYS if data.startswith(code)), None)
        if code is not None:
            keys.append(_KEYS[code])
        data = data[len(code or b"\0") :]
    return keys


def _only_wake(_: int, __: FrameType | None) -> None:
    """The wake-up descriptor has said all there is to say."""
