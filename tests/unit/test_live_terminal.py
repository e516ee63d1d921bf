"""A terminal that is drawn on, listened to and put back."""

import contextlib
import fcntl
import os
import pty
import re
import resource
import signal
import termios
from collections.abc import Iterator

import pytest

from fastbench.live import usable
from fastbench.live.terminal import Modes, Terminal, keys_in, readable

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
    """A screen is cleared once, then only lines that are others are written; at its end the terminal is as it was."""
    master, side = ends
    before = termios.tcgetattr(side)
    with Terminal(side) as terminal:
        terminal.draw(["one", "two"])
        terminal.draw(["one", "three"])
        terminal.draw(["one", "three"])
        terminal.draw(["one"])
        assert termios.tcgetattr(side)[3] & (termios.ICANON | termios.ECHO | termios.ISIG) == termios.ISIG
    assert termios.tcgetattr(side) == before
    hold, show = "\x1b[?2026h", "\x1b[?2026l"
    assert drawn(master).decode() == (
        f"\x1b[?1049h\x1b[?25l\x1b[?7l{hold}\x1b[H\x1b[J\x1b[1H\x1b[Kone\x1b[2H\x1b[Ktwo{show}"
        f"{hold}\x1b[2H\x1b[Kthree{show}{hold}\x1b[2H\x1b[K{show}\x1b[?7h\x1b[?25h\x1b[?1049l"
    )


def test_after_a_resize_all_is_drawn(ends: tuple[int, int]) -> None:
    """When the terminal has another size nobody knows what stands on it: it is cleared, and all lines are written."""
    master, side = ends
    with Terminal(side) as terminal:
        terminal.draw(["one", "two"])
        termios.tcsetwinsize(side, (30, 90))
        terminal.draw(["one", "two"])
        assert terminal.size == (90, 30)
    assert drawn(master).count(b"\x1b[H\x1b[J\x1b[1H\x1b[Kone") == 2


def test_nothing_is_erased_behind_a_line(ends: tuple[int, int]) -> None:
    """What a line may leave of the one before is erased ahead of it, so that a line of full width keeps its end."""
    master, side = ends
    with Terminal(side) as terminal:
        terminal.draw(["x" * 80, "y" * 80, "z" * 80])
    assert not re.search(rb"[xyz]\x1b\[[JK]", drawn(master))


def test_the_terminal_is_put_back_after_an_error(ends: tuple[int, int]) -> None:
    """Whatever ends the drawing, the terminal is as it was."""
    master, side = ends
    before = termios.tcgetattr(side)
    with contextlib.suppress(ZeroDivisionError), Terminal(side) as terminal:
        terminal.draw(["x"])
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


def test_what_can_be_read() -> None:
    """A descriptor with bytes and one that has ended can be read; another one cannot when the time is over."""
    (full, fill), (ended, end), (still, kept) = os.pipe(), os.pipe(), os.pipe()
    os.write(fill, b"x")
    os.close(end)
    assert readable([full, ended, still], 10) == {full, ended}
    assert readable([still], 0) == set()
    for descriptor in (full, fill, ended, still, kept):
        os.close(descriptor)


def test_a_descriptor_of_any_number() -> None:
    """Descriptors from 1,024 on, which a run of many streams has, are waited for too."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3_000:
        pytest.skip("the system allows too few open files")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 3_000), hard))
    reader, writer = os.pipe()
    far = fcntl.fcntl(reader, fcntl.F_DUPFD, 2_000)
    try:
        os.write(writer, b"x")
        assert readable([far], 10) == {far}
    finally:
        for descriptor in (reader, writer, far):
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
