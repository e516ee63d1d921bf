"""docs/datasets.md against the code."""

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fastbench.aisbench import DATASET_CLASSES, translate_dataset
from fastbench.cli.perf import perf_command
from fastbench.config import Issues
from fastbench.config.dataset import build_dataset
from fastbench.datasets.custom_meta import read_meta
from fastbench.datasets.synthetic import MixPart, PrefixPool
from fastbench.errors import UsageError
from fastbench.registry import DATASETS

TEXT = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The examples in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("source", [block for block in blocks("python") if "import" not in block])
def test_the_python_examples_can_be_built(source: str) -> None:
    """Each example in Python is a data set, or a list of them, that builds without a fault."""
    names: dict[str, Any] = {}
    if source.startswith("dict("):
        source = f"datasets = [{source}]"
    exec(source, names)
    assert names["datasets"]
    for index, raw in enumerate(names["datasets"]):
        issues = Issues("docs/datasets.md")
        path = f"datasets[{index}]"
        assert build_dataset(translate_dataset(raw, path, issues), path, issues) is not None
        issues.check()


def test_the_meta_file_example_is_sound(tmp_path: Path) -> None:
    """The example of a meta file is read without a fault."""
    (source,) = (block for block in blocks("json") if "request_count" in block)
    (tmp_path / "q.meta.json").write_text(source, encoding="utf-8")
    assert read_meta(str(tmp_path / "q.meta.json")).request_count == 500


@pytest.mark.parametrize("kind", [*(found.schema for found in DATASETS), MixPart, PrefixPool])
def test_every_field_is_described(kind: Any) -> None:
    """Every setting of every data set is named on the page."""
    for field in kind.__struct_fields__:
        assert re.search(rf"\b{field}\b", TEXT), f"{kind.__name__}.{field} is not described"


def test_every_class_of_the_original_is_named() -> None:
    """Every class that is read by name is on the page, but for later versions of the same."""
    for name in DATASET_CLASSES:
        assert name.removesuffix("V2") in TEXT


def test_a_trace_that_is_sent_by_its_times_needs_all_of_them(tmp_path: Path) -> None:
    """A row without a time is refused before the run where the model has `use_timestamp`, and only there."""
    (tmp_path / "trace.jsonl").write_text('{"timestamp": 0, "input_length": 5}\n{"input_length": 5}\n')
    config = tmp_path / "run.py"
    trace = {"type": "mooncake", "path": str(tmp_path / "trace.jsonl")}
    for used in (False, True):
        model = {"type": "openai_chat", "url": "http://localhost:1", "use_timestamp": used}
        config.write_text(f"models = [{model}]\ndatasets = [{trace}]\n")
        result = CliRunner().invoke(perf_command, [str(config), "--dry-run"], standalone_mode=False)
        assert isinstance(result.exception, UsageError) == used
        assert not used or "has time stamps in 1 of 2 rows" in str(result.exception)
