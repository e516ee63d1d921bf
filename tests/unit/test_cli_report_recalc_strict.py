"""`--strict`: the exit code of a run whose numbers are not to be trusted."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from recordings import MS, Request, header_of, record

from fastbench.cli.report.recalc import recalc_command
from fastbench.cli.report.report import report_command

LATE = {"kind": "open", "arrival": "constant", "rate": 100.0}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two recordings, of which the second is INVALID: its requests went out late."""
    late = [Request(k, intended_ns=900 * MS) for k in range(2)]
    record(tmp_path / "performances/m/a_recording", [Request(0), Request(1)])
    record(tmp_path / "performances/m/b_recording", late, header=header_of(load=LATE))
    return tmp_path


@pytest.mark.parametrize("command", [recalc_command, report_command])
@pytest.mark.parametrize(
    ("names", "strict", "code"), [("ab", True, 4), ("ab", False, 0), ("b", True, 4), ("a", True, 0)]
)
def test_strict(
    run: Path, command: object, names: str, strict: bool, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An INVALID report among those that are made ends a strict command with 4, and another one with 0."""
    monkeypatch.chdir(run)
    for name in {"a", "b"} - set(names):
        for path in (run / f"performances/m/{name}_recording").iterdir():
            path.unlink()
        (run / f"performances/m/{name}_recording").rmdir()
    arguments = [str(run), *(["--strict"] if strict else [])]
    assert CliRunner().invoke(command, arguments, standalone_mode=False).return_value == code  # type: ignore[arg-type]


def test_a_comparison_is_strict_about_each(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does a comparison of which one run is INVALID."""
    monkeypatch.chdir(run)
    both = [str(run / f"performances/m/{name}_recording") for name in "ab"]
    assert CliRunner().invoke(report_command, [*both, "--strict"], standalone_mode=False).return_value == 4
    assert CliRunner().invoke(report_command, both, standalone_mode=False).return_value == 0
