"""What shows a run that goes on."""

import time
from pathlib import Path

import pytest
from snapshots import guide_task

import fastbench.live
from fastbench.cli.perf.live import Live
from fastbench.live.files import write

LIMIT_S = 30.0


@pytest.mark.parametrize("quiet", [False, True])
def test_lines_without_a_terminal(
    quiet: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where standard error is no terminal a run that goes on is told of in lines there; with `--quiet` it is not."""
    monkeypatch.setattr(fastbench.live, "EVERY_S", 0.0, raising=False)
    write(tmp_path, "a", guide_task())
    seen = Live(quiet=quiet, debug=False)
    assert not seen.on_screen
    told, give_up = "", time.monotonic() + (0.1 if quiet else LIMIT_S)
    with seen.shown(tmp_path):
        while not told and time.monotonic() < give_up:
            told = capsys.readouterr().err
            time.sleep(0.005)
    assert (f" {guide_task().task}: " in told) is not quiet
    assert capsys.readouterr().out == ""
