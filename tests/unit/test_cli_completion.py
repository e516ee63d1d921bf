"""What a shell completes."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner
from nursery import package_environment

from fastbench.cli.completion import SHELLS
from fastbench.cli.main import COMPLETING, cli


def completed(line: str) -> list[tuple[str, str]]:
    """(type, value) of what completes the last word of a line."""
    *words, incomplete = line.split(" ")
    found = BashComplete(cli, {}, "fastbench", COMPLETING).get_completions(words[1:], incomplete)
    return [(one.type, one.value) for one in found]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("fastbench re", [("plain", "recalc"), ("plain", "report")]),
        ("fastbench perf --conc", [("plain", "--concurrency")]),
        ("fastbench perf --models a b --rat", [("plain", "--rate")]),
        ("fastbench perf --api t", [("plain", "tgi"), ("plain", "triton")]),
        ("fastbench perf --stage st", [("plain", "stable")]),
        ("fastbench perf --ca-file c", [("file", "c")]),
        ("fastbench perf --work-dir ", [("dir", "")]),
        ("fastbench perf r", [("file", "r")]),
        ("fastbench recalc --json r", [("file", "r")]),
        ("fastbench export run --format p", [("plain", "parquet")]),
        ("fastbench baseline s", [("plain", "save")]),
        ("fastbench baseline save --dir b", [("file", "b")]),
        ("fastbench completion z", [("plain", "zsh")]),
        ("fastbench perf --rate ", []),
    ],
)
def test_what_completes_a_line(line: str, found: list[tuple[str, str]]) -> None:
    """Commands, options, choices and the words of help are completed, and files and directories left to the shell."""
    assert completed(line) == found


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_for_each_shell(shell: str) -> None:
    """The command prints a script that asks fastbench itself, by the variable that it answers to."""
    done = CliRunner().invoke(cli, ["completion", shell], standalone_mode=False)
    assert done.return_value == 0
    assert f"{COMPLETING}={shell}_complete" in done.stdout
    assert "fastbench" in done.stdout


@pytest.mark.slow
def test_bash_completes(tmp_path: Path) -> None:
    """In a bash that has read the script what the command answers completes the line."""
    (tmp_path / "fastbench").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fastbench "$@"\n')
    (tmp_path / "fastbench").chmod(0o755)
    script = (
        'PATH=.:$PATH; eval "$(fastbench completion bash)"; COMP_WORDS=(fastbench perf --conc); COMP_CWORD=2; '
        '_fastbench_completion fastbench; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=package_environment(), capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("--concurrency\n", "")
