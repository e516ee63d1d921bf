"""The real command on a real terminal: what it shows, as a person would see it, and keys for it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyte
from nursery import Forked, nursery, package_environment
from running import LIMIT_S, Argument, command

UP, DOWN = b"\x1b[A", b"\x1b[B"
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


_END = b"\0"


class OnTerminal:
    """A command whose terminal is drawn by an emulator of its own; killed at the end of the `with` block."""

    def __init__(
        self,
        directory: Path,
        *arguments: Argument,
        columns: int = 120,
        lines: int = 40,
        output: Path | None = None,
        env: Mapping[str, str] | None = None,
        shell: bool = False,
        fork: bool = True,
    ) -> None:
        """output: a file for standard output; None = the terminal. shell: bash has the terminal, and starts it. fork:
        off a process that has imported fastbench, where that can be; False = the interpreter is started."""
        self._master, self._side = pty.openpty()
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._drawing = threading.Lock()
        self._text: str | None = None
        self.raw = b""
        """All that was written to the terminal."""
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self._side)
        variables = package_environment({"TERM": "xterm", **(env or {})})
        with (output or Path(os.ttyname(self._side))).open("wb") as out:
            standard = (self._side, out.fileno(), self._side)
            # In a session of its own, whose terminal this one is: else Ctrl-C and jobs would not be what they are.
            if fork and not shell and nursery().fits(variables):
                told = {"module": "fastbench", "directory": str(directory), "arguments": list(map(str, arguments))}
                self.process: Any = Forked(nursery().start({**told, "alone": "session"}, variables, standard))
            else:
                self.process = subprocess.Popen(
                    ["setsid", "--ctty", *(["bash", "--norc", "-i"] if shell else command(*arguments))],
                    cwd=directory,
                    env=variables,
                    stdin=standard[0],
                    stdout=standard[1],
                    stderr=standard[2],
                )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if shell:
            self.press(f"{shlex.join(command(*arguments))}\r".encode())

    def __enter__(self) -> OnTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._side)
        self._reader.join(LIMIT_S)
        os.close(self._master)

    @property
    def shown(self) -> str:
        """What stands on the screen."""
        with self._drawing:
            if self._text is None:
                # Not the emulator's own `display`, which looks at every place, also where nothing was ever written.
                rows = (self._screen.buffer.get(row, {}) for row in range(self._screen.lines))
                self._text = "\n".join(map(_text_of, rows)).rstrip()
            return self._text

    @property
    def after(self) -> list[object]:
        """The terminal's settings now."""
        found: list[object] = termios.tcgetattr(self._side)
        return found

    def colours(self) -> set[str]:
        """Those that stand on the screen."""
        with self._drawing:
            return {cell.fg for line in self._screen.buffer.values() for cell in line.values()} - {"default"}

    def press(self, keys: bytes) -> None:
        """Types; Ctrl-C is b"\\x03"."""
        os.write(self._master, keys)

    def resize(self, columns: int, lines: int) -> None:
        """Gives the terminal another size."""
        with self._drawing:
            self._screen.resize(lines, columns)
            self._text = None
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait_for(self, pattern: str, seconds: float = LIMIT_S) -> re.Match[str]:
        """The first place on the screen that matches, as soon as there is one."""
        give_up = time.monotonic() + seconds
        while (match := re.search(pattern, self.shown)) is None:
            assert time.monotonic() < give_up, f"never shown: {pattern}; the screen:\n{self.shown}"
            time.sleep(0.05)
        return match

    def end(self) -> int:
        """Waits for the end; the exit code."""
        code = self.process.wait(LIMIT_S)
        # Behind what it wrote last; a terminal shows nothing for it.
        os.write(self._side, _END)
        give_up = time.monotonic() + LIMIT_S
        while _END not in self.raw:
            assert time.monotonic() < give_up, "what was written last never came"
            time.sleep(0.01)
        with self._drawing:
            self.raw = self.raw.replace(_END, b"")
        return code

    def view_pid(self) -> int:
        """The process that draws: the only child of a run whose service is elsewhere."""
        (view,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(view)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the command itself."""
        self.process.send_signal(number)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # Linux says so when all other sides have closed
                return
            with self._drawing:
                self.raw += data
                self._stream.feed(data)
                self._text = None


def _text_of(row: Mapping[int, pyte.screens.Char]) -> str:
    """What stands in a row. Of a character of two columns the second one is empty."""
    return "".join(row[column].data if column in row else " " for column in range(max(row, default=-1) + 1)).rstrip()
