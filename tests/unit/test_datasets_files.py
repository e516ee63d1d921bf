"""Data sets of files: ranges, shares, surveys."""

from pathlib import Path
from typing import Any

import pytest
from data_files import all_shares, lines_file, prompts

from fastbench.datasets import Dataset, Survey, open_dataset
from fastbench.datasets.jsonl import JsonlConfig
from fastbench.errors import DatasetError


def opened(folder: Path, test_range: str | float | None, count: int = 10, **settings: Any) -> Dataset:
    path = lines_file(folder, *({"prompt": str(number)} for number in range(count)))
    return open_dataset(JsonlConfig(abbr="rows", path=path, test_range=test_range, **settings))


@pytest.mark.parametrize(
    ("test_range", "rows"),
    [
        (None, range(10)),
        ("[:3]", range(3)),
        ("[4:6]", [4, 5]),
        ("[-2:]", [8, 9]),
        ("[::4]", [0, 4, 8]),
        ("[ 7 : 99 ]", [7, 8, 9]),
        ("[::-5]", [9, 4]),
        (10, range(10)),
        (99, range(10)),
    ],
)
def test_ranges(tmp_path: Path, test_range: str | float | None, rows: Any) -> None:
    """A slice chooses rows as Python's slices do; a number of rows that is not below their count leaves all."""
    assert prompts(opened(tmp_path, test_range)) == [str(row) for row in rows]


@pytest.mark.parametrize(("test_range", "count"), [(3, 3), (0.5, 5), (0.39, 3), (3.0, 3)])
def test_random_ranges(tmp_path: Path, test_range: float, count: int) -> None:
    """A number draws so many rows, or such a share, each at most once, the same ones each time."""
    drawn = prompts(opened(tmp_path, test_range))
    assert len(set(drawn)) == len(drawn) == count
    assert prompts(opened(tmp_path, test_range)) == drawn
    assert drawn != [str(row) for row in range(count)]


@pytest.mark.parametrize("test_range", ["[5:5]", "[99:]", 0.01])
def test_a_range_that_leaves_nothing_is_refused(tmp_path: Path, test_range: str | float) -> None:
    """A range without rows is told with the number of rows there are."""
    with pytest.raises(DatasetError, match=r"test_range .* leaves none of the 10 rows; widen it"):
        opened(tmp_path, test_range)


def test_a_count_and_a_limit_hold_behind_a_range(tmp_path: Path) -> None:
    """`count` cuts what the range leaves, and a run's limit cuts both."""
    dataset = opened(tmp_path, "[2:]", count=10)
    assert dataset.count == 8
    assert (dataset.survey(3).samples, dataset.survey(99).samples) == (3, 8)
    assert prompts(
        open_dataset(JsonlConfig(abbr="r", path=str(tmp_path / "rows.jsonl"), test_range="[2:]", count=2))
    ) == [
        "2",
        "3",
    ]


def test_shares_add_up(tmp_path: Path) -> None:
    """The shares of any number of workers hold each sample once."""
    dataset = opened(tmp_path, 7)
    for shares in (1, 2, 3, 8, 11):
        assert all_shares(dataset, shares) == list(dataset.samples())


def test_a_survey_tells_what_a_run_asks(tmp_path: Path) -> None:
    """The survey of the first samples knows their number and the longest output, and stops there."""
    path = lines_file(tmp_path, {"prompt": "a", "max_tokens": 5}, {"prompt": "b", "max_tokens": 7}, {"prompt": ""})
    dataset = open_dataset(JsonlConfig(abbr="rows", path=path))
    assert dataset.survey(1) == Survey(samples=1, requests=1, longest_output=5, timed=0, uncounted=1)
    assert dataset.survey(2) == Survey(samples=2, requests=2, longest_output=7, timed=0, uncounted=2)
    with pytest.raises(DatasetError, match="line 3"):
        dataset.survey(3)


def test_walks_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Two walks through one data set at the same time give the same samples."""
    dataset = opened(tmp_path, None)
    pairs = list(zip(dataset.samples(), dataset.samples(), strict=True))
    assert [first for first, _ in pairs] == [second for _, second in pairs]


def test_a_walk_that_is_left_closes_its_file(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """A walk that nobody ends leaves no open file behind."""
    walk = opened(tmp_path, None).samples()
    next(walk)
    del walk
    assert not [warning for warning in recwarn if warning.category is ResourceWarning]
