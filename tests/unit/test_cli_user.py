"""The progress bar of a calculation; the code of a run that was stopped; where nobody reads."""

import io
import os
import signal
import sys

import pytest

from fastbench.cli import user as module
from fastbench.cli.user import calculation_bar, stopped_by
from fastbench.errors import Exit
from fastbench.live.charset import ShownStream
from fastbench.run import Stop


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Takes what is shown from now on."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


def test_a_long_one_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calculation that takes its time shows its name and how far it is, up to the end."""
    terminal = terminal_of(monkeypatch)
    monkeypatch.setattr(module, "SHOWN_AFTER_S", 0.0)
    with calculation_bar("synthetic") as tell:
        assert tell is not None
        tell(0.25)
        tell(1.0)
    assert "calculating synthetic" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_a_short_one_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its time a calculation shows nothing at all."""
    terminal = terminal_of(monkeypatch)
    monkeypatch.setattr(module, "SHOWN_AFTER_S", 3600.0)
    with calculation_bar("synthetic") as tell:
        assert tell is not None
        tell(0.5)
    assert terminal.getvalue() == ""


def test_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked to be quiet, or without a terminal, there is nothing to tell."""
    terminal_of(monkeypatch)
    with calculation_bar("synthetic", quiet=True) as tell:
        assert tell is None
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with calculation_bar("synthetic") as tell:
        assert tell is None


@pytest.mark.parametrize(
    ("number", "code", "wanted"),
    [
        (signal.SIGINT, Exit.INTERRUPTED, 130),
        (signal.SIGTERM, Exit.INTERRUPTED, 143),
        (signal.SIGTERM, Exit.NOT_MET, 3),
    ],
)
def test_which_signal_stopped_it(number: signal.Signals, code: Exit, wanted: int) -> None:
    """A run that the user stopped ends with the code of the signal, and any other with its own."""
    stop = Stop()
    stop.signal = number
    assert stopped_by(stop, code) == wanted


def test_messages_that_nobody_reads() -> None:
    """Where the reader of standard error is gone messages are dropped, these and later ones, and nothing is raised."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        shown = ShownStream(stream, of_messages=True)
        for _ in range(2):
            shown.write("fastbench: a remark\n")
            shown.flush()
