"""`fastbench perf --search`: where the named configs lie."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from fastbench.aisbench import PRESETS
from fastbench.cli.perf import perf_command
from fastbench.errors import ConfigError, UsageError


def found(*arguments: str, option: str = "--search") -> list[list[str]]:
    """The rows of the table."""
    result = CliRunner().invoke(perf_command, [option, *arguments], standalone_mode=False, catch_exceptions=False)
    assert result.return_value == 0
    lines = [line for line in result.output.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_named_configs() -> None:
    """Each name has its row, in the order of services, data sets and summarizer."""
    rows = found("--summarizer", "stable_stage", "--datasets", "mtbench_gen", "--models", "tgi_api_general")
    assert rows[0] == ["Task Type", "Task Name", "Config File Path"]
    assert [row[:2] for row in rows[1:]] == [
        ["--models", "tgi_api_general"],
        ["--datasets", "mtbench_gen"],
        ["--summarizer", "stable_stage"],
    ]
    assert all(Path(row[2]).is_file() for row in rows[1:])


def test_the_short_form() -> None:
    """`-s` is the original's short form of `--search`."""
    assert found(option="-s") == found()


def test_all_that_fit() -> None:
    """Of a pattern all are shown, and without a name every preset is."""
    assert [row[1] for row in found("--models", "tgi*")[1:]] == ["tgi_api_general", "tgi_stream_api_general"]
    assert len(found()) == 1 + len(list(PRESETS.rglob("*.py")))


def test_a_config_by_its_path() -> None:
    """What is given by its path needs no search."""
    with pytest.raises(UsageError, match=r"--search lists configs by name, run\.py is a path; give one of them"):
        found("run.py")


def test_a_name_that_fits_nothing() -> None:
    """A name that leads nowhere is told."""
    with pytest.raises(ConfigError, match="--models nothing_like_it: there is no such config in"):
        found("--models", "nothing_like_it")


def test_a_preset_that_a_copy_shadows(tmp_path: Path) -> None:
    """Of two configs of one name the user's is used, and the preset is marked as not used."""
    copy = tmp_path / "models" / "tgi_api_general.py"
    copy.parent.mkdir()
    copy.write_text("models = []")
    rows = found("--models", "tgi*", "--config-dir", str(tmp_path))[1:]
    assert [(row[1], "not used" in row[2]) for row in rows] == [
        ("tgi_api_general", False),
        ("tgi_api_general", True),
        ("tgi_stream_api_general", False),
    ]
    assert rows[0][2] == str(copy)
