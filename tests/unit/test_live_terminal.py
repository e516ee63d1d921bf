"""A terminal that is drawn on, listened to and put back."""

import contextlib
import os
import pty
import re
import signal
import termios
from collections.abc import Iterator

import pytest
from fastbench.live.modes import Modes, readable
from rich.text import Text

from fastbench.live import usable
from fastbench.live.terminal import Terminal, keys_in

LEFT = b"\x1b[?1049l"


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """The master's end of a terminal, and the side that is drawn on."""
    master, side = pty.openpty()
    yield master, side
    os.close(master)
    os.close(side)


def drawn(master: int) -> bytes:
    """All that was written to the terminal, up to its leaving the screen: the kernel may hand that over in pieces."""
    data = b""
    while not data.endswith(LEFT):
        assert readable([master], 10), f"the screen was not left: {data!r}"
        data += os.read(master, 4096)
    return data


def test_keys() -> None:
    """Arrows, in both of their forms, and P are keys; whatever else is typed is none."""
    assert keys_in(b"\x1b[A\x1b[Bp\x1bOAP\x1bOB") == ["up", "down", "p", "up", "p", "down"]
    assert keys_in(b"x\x1b[Cq\r\xff\x1b") == []


def test_drawing(ends: tuple[int, int]) -> None:
    """A screen begins at the top, clears what was longer, and leaves the terminal as it was."""
    master, side = ends
    before = termios.tcgetattr(side)
    with Terminal(side) as terminal:
        terminal.draw([Text("one"), Text("two")])
        assert termios.tcgetattr(side)[3] & (termios.ICANON | termios.ECHO | termios.ISIG) == termios.ISIG
    assert termios.tcgetattr(side) == before
    shown = drawn(master).decode().replace("\r\r", "\r")  # the terminal's own before each line feed
    assert shown == (
        "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2026h\x1b[H\x1b[Kone\r\n\x1b[Jtwo\x1b[?2026l\x1b[?7h\x1b[?25h\x1b[?1049l"
    )


def test_nothing_is_erased_behind_a_line(ends: tuple[int, int]) -> None:
    """What a line may leave of the one before is erased ahead of it, so that a line of full width keeps its end."""
    master, side = ends
    with Terminal(side) as terminal:
        terminal.draw([Text("x" * 80), Text("y" * 80), Text("z" * 80)])
    assert not re.search(rb"[xyz]\x1b\[[JK]", drawn(master))


def test_the_terminal_is_put_back_after_an_error(ends: tuple[int, int]) -> None:
    """Whatever ends the drawing, the terminal is as it was."""
    master, side = ends
    before = termios.tcgetattr(side)
    with contextlib.suppress(ZeroDivisionError), Terminal(side) as terminal:
        terminal.draw([Text("x")])
        raise ZeroDivisionError
    assert termios.tcgetattr(side) == before
    assert drawn(master).startswith(b"\x1b[?1049h")
    assert signal.getsignal(signal.SIGWINCH) is signal.SIG_DFL


def test_waiting(ends: tuple[int, int]) -> None:
    """A wait ends with a key, a change of size, or the other descriptor; else when its time is over."""
    master, side = ends
    reader, writer = os.pipe()
    with Terminal(side) as terminal:
        terminal.draw([])
        assert terminal.wait(0.01, reader) == ([], False)
        os.write(master, b"p\x1b[A")
        assert terminal.wait(60) == (["p", "up"], False)
        os.kill(os.getpid(), signal.SIGWINCH)
        assert terminal.wait(60, reader) == ([], False)
        os.close(writer)
        assert terminal.wait(60, reader) == ([], True)
    os.close(reader)


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_colour(
    ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], coloured: bool
) -> None:
    """With NO_COLOR set nothing is coloured."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    master, side = ends
    with Terminal(side) as terminal:
        terminal.draw([Text("x", "green")])
    assert (b"\x1b[32m" in drawn(master)) is coloured


def test_usable(ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen needs a terminal that can move its cursor."""
    _, side = ends
    monkeypatch.setenv("TERM", "xterm")
    assert usable(side)
    monkeypatch.setenv("TERM", "dumb")
    assert not usable(side)
    reader, writer = os.pipe()
    monkeypatch.setenv("TERM", "xterm")
    assert not usable(reader)
    os.close(reader)
    os.close(writer)


def test_restoring_twice(ends: tuple[int, int]) -> None:
    """A terminal may be put back by whoever comes last."""
    _, side = ends
    before = Modes.of(side)
    before.to_screen()
    before.restore()
    before.restore()
    assert Modes.of(side) == before
