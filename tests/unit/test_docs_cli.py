"""`docs/cli.md` says what the command does."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from fastbench.cli.main import cli
from fastbench.errors import Exit

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def rows_of(page: Path, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    below = page.read_text(encoding="utf-8").partition(f" {heading}\n")[2]
    lines = re.search(r"(^\|.*\n)+", below, re.MULTILINE)
    assert lines is not None, heading
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[0].splitlines()[2:]]


def test_the_page_has_the_exit_codes() -> None:
    """The table on the page is the one in the code."""
    assert rows_of(PAGE, "Exit codes") == [[str(int(code)), code.means] for code in Exit]


def test_help_has_the_exit_codes() -> None:
    """`fastbench --help` prints the table of the code, a line for each."""
    lines = CliRunner().invoke(cli, ["--help"], terminal_width=100).output.splitlines()
    assert [f"    {code:<4} {code.means}" for code in Exit] == [line for line in lines if re.match(r" {4}\d", line)]


@pytest.mark.parametrize("code", Exit, ids=str)
def test_a_code_is_a_number(code: Exit) -> None:
    """A code of the table is its number, wherever a number is wanted."""
    assert Exit(int(code)) is code  # type: ignore[call-arg]
    assert json.dumps(code) == str(int(code))
