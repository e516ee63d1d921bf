"""`docs/configuration.md` says what the code does."""

import re
from pathlib import Path

import msgspec
import pytest
from config_tables import field_rows, option_rows

from fastbench.cli.perf_options import SECTIONS
from fastbench.config.catalog import find
from fastbench.config.combinations import CombinationConfig
from fastbench.config.plan import ProfileStage, RunSettings
from fastbench.config.service_schema import ServiceConfig
from fastbench.config.summarizer import CalculatorConfig, SummarizerConfig
from fastbench.config.traffic import TrafficConfig

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
TABLES = {
    "The run": RunSettings,
    "A stage of `profile`": ProfileStage,
    "An item of `model_dataset_combinations`": CombinationConfig,
    "A service": ServiceConfig,
    "`traffic_cfg`": TrafficConfig,
    "The summarizer": SummarizerConfig,
    "`calculator`": CalculatorConfig,
}


def rows(heading: str) -> list[tuple[str, ...]]:
    """The table below a heading, without its head."""
    _, found, rest = PAGE.partition(f"# {heading}\n")
    assert found, f"the page has no heading {heading}"
    lines = re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
    table = [line for line in lines if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in table[2:]]


@pytest.mark.parametrize("heading", TABLES)
def test_fields(heading: str) -> None:
    """Each field stands in its table, in order, with its default and what it allows."""
    kind: type[msgspec.Struct] = TABLES[heading]
    assert [row[:3] for row in rows(heading)] == field_rows(kind)


@pytest.mark.parametrize("section", SECTIONS)
def test_options(section: str) -> None:
    """Each option stands in the table of its section, as help shows it."""
    assert rows(section) == option_rows(list(SECTIONS[section]))


def test_presets() -> None:
    """Each preset stands in the table, and none that there is not."""
    wanted = {option: ["*"] for option in ("models", "datasets", "summarizer")}
    found = [(f"`--{one.option}`", f"`{one.name}`") for fitting in find(wanted) for one in fitting]
    assert [row[:2] for row in rows("Presets")] == found
