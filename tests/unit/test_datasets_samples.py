"""Data sets of packages' formats: what is wrong with them is told with the package's name."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fastbench.config.dataset import build_dataset
from fastbench.config.fields.issues import Issues
from fastbench.datasets import (
    DatasetConfig,
    DatasetFormat,
    FileConfig,
    FileDataset,
    Sample,
    Survey,
    open_dataset,
    open_rows,
)
from fastbench.datasets.samples import alike, check_format
from fastbench.errors import ConfigError, PluginError
from fastbench.registry import DATASETS

TOLD = "the data-set format odd"


class OddConfig(FileConfig, frozen=True, kw_only=True, tag_field="type", tag="odd"):
    """Rows whose samples a test makes."""


class Made:
    """A data set with these samples."""

    def __init__(self, *samples: Any, count: Any = 2, survey: Any = Survey(2, 2, None, 0)) -> None:  # noqa: B008  # frozen
        self._samples = samples
        self._survey = survey
        self.count = count

    def survey(self, limit: int | None) -> Any:
        return self._survey

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Any]:
        return iter(self._samples[start::step])


def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[..., Any]) -> Any:
    """The data set of a format that opens it so."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(2)))
    monkeypatch.setitem(DATASETS._found, "odd", DatasetFormat(OddConfig, make))
    return open_dataset(OddConfig(abbr="odd", path=str(path)))


def leaving(*_: Any) -> Any:
    sys.exit(3)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda row: row["text"], r"KeyError: 'text'"),
        (lambda row: None, "a sample is None, not a Sample"),
        (lambda row: Sample(row["n"], b"bytes"), "the prompt of sample 1 is b'bytes', not text, messages or token ids"),  # type: ignore[arg-type]  # what is refused
        (lambda row: Sample(row["n"], [1, "b"]), r"the prompt of sample 1 is .*, not text, messages or token ids"),  # type: ignore[list-item]  # what is refused
        (leaving, "SystemExit: 3"),
    ],
)
def test_a_row_that_makes_no_sample(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[..., Any], told: str
) -> None:
    """What a package makes of a row is told with file and line, when it is looked through and when it is read."""

    def make_one(index: int, row: dict[str, Any]) -> Any:
        return make(row) if index else Sample(0, "good")

    def open_rows_of(config: OddConfig, measure: Any) -> FileDataset:
        return FileDataset(open_rows(config.path), make_one, range(2))

    dataset = opened(monkeypatch, tmp_path, open_rows_of)
    for cannot, walk in (
        ("be looked through", lambda: dataset.survey(None)),
        ("make its", lambda: list(dataset.samples())),
    ):
        with pytest.raises(
            ConfigError, match=rf"rows.jsonl, line 2: {TOLD} cannot {cannot}.*\({told}\); fix the package"
        ):
            walk()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda *_: {}["x"], r"cannot open its data set \(KeyError: 'x'\)"),
        (
            lambda *_: None,
            r"cannot open its data set \(its `open` gives NoneType, which has no count, survey, samples\)",
        ),
        (leaving, r"cannot open its data set \(SystemExit: 3\)"),
        (lambda *_: Made(survey=None), r"cannot be looked through \(its `survey` gives NoneType, not a Survey\)"),
        (lambda *_: Made(survey=Survey(3, 3, None, 0)), r"its `survey` finds 3 samples, and its `count` is 2"),
        (lambda *_: Made(Sample(0, "a")), r"cannot make its samples \(there is no sample 1, and its `count` is 2\)"),
        (lambda *_: Made(Sample(0, "a"), None), r"cannot make its samples \(a sample is None, not a Sample\)"),
        (lambda *_: Made(count="2"), r"its `count` is '2', not a whole number of at least 1"),
    ],
)
def test_a_data_set_that_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[..., Any], told: str
) -> None:
    """What a package opens is seen to be a data set, with as many samples as it says."""

    def walk() -> None:
        dataset = opened(monkeypatch, tmp_path, make)
        dataset.survey(None)
        list(dataset.samples())

    with pytest.raises(ConfigError, match=f"^{TOLD} cannot .*{told.removeprefix('cannot ')}"):
        walk()


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (DatasetFormat(dict, leaving), "its schema is .*, not a subclass of DatasetConfig"),  # type: ignore[type-var]  # what is refused
        (DatasetFormat(DatasetConfig, leaving), "its schema DatasetConfig has no tag"),
        (DatasetFormat(OddConfig, None), "its open is None, not a function"),  # type: ignore[arg-type]  # what is refused
    ],
)
def test_a_format_that_is_none(found: DatasetFormat[Any], told: str) -> None:
    """A format without settings, without a name or without a function is refused when it is loaded."""
    with pytest.raises(PluginError, match=told):
        check_format(found)


@pytest.mark.parametrize(
    ("function", "told"), [(leaving, "SystemExit: 3"), (lambda *_: 3, "its `alike` gives int, not settings")]
)
def test_settings_that_make_no_others(monkeypatch: pytest.MonkeyPatch, function: Any, told: str) -> None:
    """What a package's settings raise, or give for the warm-up that are none, is told."""
    monkeypatch.setattr(OddConfig, "alike", function)
    with pytest.raises(ConfigError, match=rf"^{TOLD} cannot make other prompts \({told}\); fix the package"):
        alike(OddConfig(abbr="odd", path="/x"), 1)


@pytest.mark.parametrize("name", ["check", "makes_words"])
def test_settings_that_cannot_be_checked(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What a package's settings raise when they are checked, or asked what they make, is told at once."""
    monkeypatch.setattr(OddConfig, name, leaving if name == "check" else property(leaving))
    monkeypatch.setattr(DATASETS, "chosen", lambda kind: DatasetFormat(OddConfig, leaving))
    monkeypatch.setattr(type(DATASETS), "__contains__", lambda self, kind: True)
    with pytest.raises(ConfigError, match=rf"^{TOLD} cannot check its settings \(SystemExit: 3\)"):
        build_dataset({"type": "odd", "path": "/x"}, "datasets[0]", Issues("run.py"))
