"""What a person at a terminal sees: help, version, the progress bar."""

import os
import pty
import re
import subprocess
import threading
from pathlib import Path

import pytest
from running import LIMIT_S, Argument, command, environment, fastbench_command, perf

import fastbench
from fastbench.mock import Mock

LOAD = ("--input-len", 8, "--output-len", 40, "--num-prompts", 20, "--concurrency", 2)


def on_terminal(directory: Path, *arguments: Argument) -> tuple[int, str, str]:
    """Runs `fastbench perf` with a terminal as its standard error: exit code, standard output, what it showed."""
    terminal, side = pty.openpty()
    shown: list[bytes] = []

    def read() -> None:
        while True:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # Linux says so when the other side has closed
                return
            shown.append(data)

    with subprocess.Popen(
        command("perf", "-w", directory / "out", *arguments),
        cwd=directory,
        env=environment({"TERM": "xterm", "COLUMNS": "120"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=side,
        text=True,
    ) as process:
        os.close(side)
        reader = threading.Thread(target=read)
        reader.start()
        out, _ = process.communicate(timeout=LIMIT_S)
        reader.join()
    os.close(terminal)
    return process.returncode, out, b"".join(shown).decode()


def test_progress_bar(tmp_path: Path, service: Mock) -> None:
    """On a terminal a bar shows the task, the phase, how many are done and how many are in flight."""
    code, out, shown = on_terminal(tmp_path, "--url", service.url, *LOAD)
    assert code == 0
    assert "warm-up: openai-chat/sy…" in shown
    assert re.search(r"openai-chat/synthetic +\[#*-*\] +\d+/20 .*\b[12] in flight", shown)
    assert re.search(r"\[#+\] +20/20", shown)
    # The report goes to standard output alone, without what steers a terminal.
    assert "Performance Parameters" in out
    assert "\x1b" not in out
    assert "Performance Parameters" not in shown


def test_quiet(tmp_path: Path, service: Mock) -> None:
    """`-q` leaves the bar out."""
    code, out, shown = on_terminal(tmp_path, "--url", service.url, *LOAD, "-q")
    assert (code, shown) == (0, "")
    assert "Performance Parameters" in out


def test_no_bar_without_terminal(tmp_path: Path, service: Mock) -> None:
    """Into a file or a pipe nothing but the report is written."""
    ended = perf(tmp_path, "--url", service.url, *LOAD)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Performance Results of task: openai-chat/synthetic")
    assert "\x1b" not in ended.out
    assert "\r" not in ended.out


@pytest.mark.parametrize("arguments", [("--help",), ("perf", "--help"), ("recalc", "--help"), ("mock", "--help")])
def test_help(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Each command explains itself, and needs nothing for it."""
    ended = fastbench_command(tmp_path, *arguments)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: fastbench {' '.join(arguments[:-1])}".rstrip())
    assert "--help" in ended.out


def test_version(tmp_path: Path) -> None:
    """`--version` is the package's own."""
    ended = fastbench_command(tmp_path, "--version")
    assert (ended.code, ended.out, ended.err) == (0, f"fastbench, version {fastbench.__version__}\n", "")
