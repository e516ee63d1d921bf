"""`tests/lowest.py`: the lowest versions that `make test-lowest` installs."""

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lowest() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lowest", ROOT / "tests" / "lowest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_dependency_has_a_lowest_version(lowest: ModuleType) -> None:
    """All that fastbench and its extras need is pinned to its lower bound, markers and upper bounds left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = lowest.pins()
    assert "hdrhistogram==0.10.3" in pins
    assert "uvloop==0.21" in pins
    assert len(pins) == len(project["dependencies"]) + sum(
        len(project["optional-dependencies"][extra]) for extra in ("tokenizer", "hdr", "parquet", "schema")
    )


def test_a_requirement_without_a_bound_is_an_error(lowest: ModuleType) -> None:
    """A dependency that any version would do for is no promise that is tried."""
    with pytest.raises(ValueError, match="no lower bound"):
        lowest._lowest("anything")
