"""`fastbench doctor` at the terminal."""

import json

import pytest
from nursery import ROOT, run_python

from fastbench.api import Check, State
from fastbench.cli.doctor import _print, _summary
from fastbench.cli.printing import Terminal

LONG = Check("Noise", State.WARNING, "one stall and another " * 8, "stop what else runs here " * 8)


def test_a_check_fits_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A check of any length stays within 80 columns: its state and name stand once, the rest below what was found, the
    remedy behind an arrow."""
    _print(LONG, Terminal(True, 80, 24))
    first, *more = capsys.readouterr().out.splitlines()
    assert first.startswith("warning  Noise           one stall")
    assert all(len(line) <= 80 and line.startswith(" " * 25) for line in more)
    assert sum("→ stop" in line for line in more) == 1


def test_the_last_line() -> None:
    """The last line says whether it can be measured, and how many checks warn or fail."""
    good = LONG._replace(state=State.OK)
    assert _summary([good]) == "\nThis machine can measure."
    assert _summary([good, LONG]) == "\nThis machine can measure, with 1 warning."
    failed = LONG._replace(state=State.FAILS)
    assert _summary([failed, LONG, LONG]).endswith("1 of 3 checks fail, with 2 warnings.")


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--concurrency", "0"], "--concurrency must be a whole number from 1"), (["run.yaml"], "run.yaml is a config")],
)
def test_wrong_usage(words: list[str], told: str) -> None:
    """What cannot be planned, and a config, are refused before anything is looked at."""
    done = run_python(ROOT, "doctor", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"fastbench: {told}")


@pytest.mark.slow
def test_the_checks_as_a_document() -> None:
    """With --json - standard output is one document, whose code is that of the command."""
    done = run_python(ROOT, "doctor", "--json", "-")
    found = json.loads(done.stdout)
    assert (found["kind"], found["code"], done.stderr) == ("doctor", done.returncode, "")
    assert all(check["figures"] for check in found["checks"])
