"""The progress bar of a calculation."""

import io
import sys

import pytest

from fastbench.cli import user as module
from fastbench.cli.user import calculation_bar


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
