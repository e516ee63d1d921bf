"""A terminal that is drawn on and listened to, and put back as it was whatever happens."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Self

from rich.console import Console
from rich.text import Text

from fastbench.live.modes import Modes, in_foreground, readable, write

_KEYS = {b"\x1b[A": "up", b"\x1bOA": "up", b"\x1b[B": "down", b"\x1bOB": "down", b"p": "p", b"P": "p"}
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
_HOLD, _SHOW = "\x1b[?2026h", "\x1b[?2026l"
"""A terminal that knows these shows nothing half drawn; others leave them alone."""
_USUAL_SIZE = (80, 24)


class Terminal:
    """One on a file descriptor. To be used in the main thread, because signals wake it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        # It only makes text of styles: the size, and all that moves the cursor, are this class's own.
        self._console = Console(file=io.StringIO(), force_terminal=True, width=1000, legacy_windows=False)
        self._before: Modes | None = None
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

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

    def draw(self, lines: Sequence[Text]) -> None:
        """Puts the lines in the place of what was there; nothing while another job has the terminal."""
        if self._before is None and not self._take():
            return
        with self._console.capture() as captured:
            self._console.print(Text("\n").join(lines), end="", soft_wrap=True)
        # Cleared before it is written: behind a line that fills the screen the cursor still stands on the last column.
        above, _, last = f"{_CLEAR_LINE}{captured.get()}".replace("\n", f"\r\n{_CLEAR_LINE}").rpartition(_CLEAR_LINE)
        write(self._fd, f"{_HOLD}{_HOME}{above}{_CLEAR_BELOW}{last}{_SHOW}")

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
