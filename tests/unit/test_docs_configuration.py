"""`docs/configuration.md` says what the code does."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest
from config_tables import field_rows, option_rows

from fastbench.aisbench import find
from fastbench.aisbench.summarizer import CalculatorDict, SummarizerDict
from fastbench.cli.compare import compare_command
from fastbench.cli.perf import perf_command
from fastbench.cli.perf.parsing import given_options
from fastbench.cli.saturate import saturate_command
from fastbench.config import ProfileStage, RunSettings
from fastbench.config.builder import CombinationConfig
from fastbench.config.services import ServiceConfig, TrafficConfig
from fastbench.config.shown import SummarizerConfig
from fastbench.options import run_of_options
from fastbench.plan.shapes.open import Gamma
from fastbench.registry import SHAPES

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
TABLES = {
    "The run": RunSettings,
    "A stage of `profile`": ProfileStage,
    "An item of `model_dataset_combinations`": CombinationConfig,
    "A service": ServiceConfig,
    "`traffic_cfg`": TrafficConfig,
    "The summarizer": SummarizerConfig,
    "AISBench's `summarizer`": SummarizerDict,
    "`calculator`": CalculatorDict,
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


@pytest.mark.parametrize("section", perf_command.sections)
def test_options(section: str) -> None:
    """Each option stands in the table of its section, as help shows it."""
    assert rows(section) == option_rows(list(perf_command.sections[section]))


def test_options_of_a_search() -> None:
    """Those of `fastbench saturate` alone stand in a table of their own."""
    assert rows("Search") == option_rows(list(saturate_command.sections["Search"]))


def test_options_of_a_live_comparison() -> None:
    """Those of `fastbench compare` alone that say how two services are measured stand in a table of their own."""
    assert rows("Two services") == option_rows(list(compare_command.sections["Two services"]))


def test_presets() -> None:
    """Each preset stands in the table, and none that there is not."""
    wanted = {option: ["*"] for option in ("models", "datasets", "summarizer")}
    found = [(f"`--{one.option}`", f"`{one.name}`") for fitting in find(wanted) for one in fitting]
    assert [row[:2] for row in rows("Presets")] == found


def test_load_shapes() -> None:
    """Each load shape of fastbench stands in the table, with each of its parameters."""
    table = rows("Load shapes")
    assert [name for name, *_ in table] == [f"`{shape.name}`" for shape in SHAPES]
    for (_, _, words), shape in zip(table, SHAPES, strict=True):
        for field in shape.__struct_fields__:
            assert f"`{field}`" in words, (shape.name, field)


def test_the_two_ways_to_name_a_load_shape(tmp_path: Path) -> None:
    """The page's config and its command line with a load shape are the same load."""
    _, _, section = PAGE.partition("# Load shapes\n")
    file = tmp_path / "run.yaml"
    file.write_text(re.findall(r"^```yaml\n(.*?)^```", section, re.DOTALL | re.MULTILINE)[0])
    command = next(line for line in section.splitlines() if line.startswith("    fastbench perf"))
    loads = [
        run_of_options(given_options(perf_command.make_context("perf", words))).run.load
        for words in (shlex.split(command)[2:], [str(file)])
    ]
    assert loads == [Gamma(rate=20.0, burstiness=0.5)] * 2
