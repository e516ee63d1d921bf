"""`docs/mock.md` says what the simulated service does."""

import re
from pathlib import Path

import click
import pytest
from config_tables import option_rows

from fastbench.cli.mock import mock_command
from fastbench.mock.options import option_fields
from fastbench.mock.requests.fault import parse_fault

PAGE = (Path(__file__).parents[2] / "docs" / "mock.md").read_text(encoding="utf-8")
OPTIONS, FAULTS = (part.split("\n#")[0] for part in re.split(r"^## (?:Options|Faults)\n", PAGE, flags=re.MULTILINE)[1:])


def cells(text: str) -> list[tuple[str, ...]]:
    """The rows of the table in it."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]


def test_options() -> None:
    """Each option stands in the table, as help shows it."""
    assert cells(OPTIONS) == option_rows([one for one in mock_command.params if isinstance(one, click.Option)])


def test_faults() -> None:
    """The faults that help names stand in the table, in its order, and no other."""
    (helped,) = (row.metadata["help"] for row in option_fields() if row.name == "fault")
    named = helped.split(": ", 1)[1].replace(" (after K tokens; -1: before the head)", "").rstrip(".")
    assert [row[0].strip("`") for row in cells(FAULTS)] == named.split(", ")


@pytest.mark.parametrize("name", [row[0].strip("`") for row in cells(FAULTS)])
def test_a_fault_is_one(name: str) -> None:
    """What the table names is taken as it stands there."""
    kind, argument = parse_fault(name.replace("=STATUS", "=503").replace("=K", "=2"))
    assert kind > 0
    assert argument == (503 if "STATUS" in name else 2 if "=K" in name else 0)
