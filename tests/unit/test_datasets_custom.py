"""The user's own questions and their meta file."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from data_files import all_shares, lines_file, prompts

from fastbench.datasets import Dataset, open_dataset
from fastbench.datasets.custom import CustomConfig
from fastbench.errors import DatasetError


def opened(path: str, meta: dict[str, Any] | None = None, **settings: Any) -> Dataset:
    if meta is not None:
        Path(path + ".meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return open_dataset(CustomConfig(abbr="q", path=path, **settings))


def questions(folder: Path, count: int) -> str:
    return lines_file(folder, *({"question": str(number)} for number in range(count)))


def asked(dataset: Dataset) -> list[str]:
    """The questions, without what stands around them."""
    return [prompt.removeprefix("Question: ").removesuffix("\nAnswer: ") for prompt in prompts(dataset)]


def lengths(dataset: Dataset) -> list[int]:
    return [sample.output_len or 0 for sample in dataset.samples()]


def test_questions_with_and_without_answers(tmp_path: Path) -> None:
    """A question is asked in the documented form; an answer is not needed, and not sent."""
    path = lines_file(tmp_path, {"question": "1+1?", "answer": "2"}, {"question": "2+2?", "max_tokens": 9})
    samples = list(opened(path).samples())
    assert [sample.prompt for sample in samples] == ["Question: 1+1?\nAnswer: ", "Question: 2+2?\nAnswer: "]
    assert [sample.output_len for sample in samples] == [None, 9]


def test_options_make_a_choice_of_them(tmp_path: Path) -> None:
    """Two or more options in the first row make a multiple choice, with the options up to the first that is missing."""
    path = lines_file(tmp_path, "question,A,B,C,D,answer", "x?,1,2,3,4,A", "y?,5,6,,8,B", name="q.csv")
    first = "Question: x?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: "
    assert prompts(opened(path)) == [first, "Question: y?\nA. 5\nB. 6\nAnswer: "]
    assert prompts(opened(path, data_type="qa")) == ["Question: x?\nAnswer: ", "Question: y?\nAnswer: "]


def test_csv_lengths_are_numbers(tmp_path: Path) -> None:
    """The max_tokens of a CSV file are whole numbers, not text."""
    path = lines_file(tmp_path, "question,max_tokens", "a, 12 ", "b,", name="q.csv")
    assert [sample.output_len for sample in opened(path).samples()] == [12, None]


def test_a_template_takes_the_place_of_the_form(tmp_path: Path) -> None:
    """A template of one's own is filled with the row."""
    path = lines_file(tmp_path, {"question": "1+1?"})
    assert prompts(opened(path, template="Say: {question}")) == ["Say: 1+1?"]


@pytest.mark.parametrize(
    ("row", "settings", "told"),
    [
        ({"answer": "2"}, {}, "has no question, which must be text"),
        ({"question": ""}, {}, "has '' as question, which must be text"),
        ({"question": "x?", "A": "1"}, {"data_type": "mcq"}, "has 1 options and needs at least A and B"),
        ({"question": "x?", "max_tokens": "many"}, {}, "has 'many' as max_tokens"),
    ],
)
def test_broken_rows_are_told(tmp_path: Path, row: Any, settings: dict[str, Any], told: str) -> None:
    """A row without a question or its options is told with file, line and reason."""
    path = lines_file(tmp_path, {"question": "fine", "A": "1", "B": "2"}, row)
    with pytest.raises(DatasetError) as caught:
        opened(path, **settings).survey(None)
    assert str(caught.value).startswith(f"{path}, line 2: the row {told}")


@pytest.mark.parametrize(
    ("mode", "count", "wanted"),
    [
        ("default", 2, ["0", "1"]),
        ("default", 7, ["0", "1", "2", "3", "4", "0", "1"]),
    ],
)
def test_first_rows_and_cycles(tmp_path: Path, mode: str, count: int, wanted: list[str]) -> None:
    """The first rows are taken, and begun anew where there are too few."""
    data = opened(questions(tmp_path, 5), {"request_count": count, "sampling_mode": mode})
    assert asked(data) == wanted
    assert data.survey(None).samples == data.count == count
    assert all_shares(data, 3) == list(data.samples())


def test_random_rows_are_a_sample_of_all(tmp_path: Path) -> None:
    """random draws from all rows, each at most once before all were drawn, by the seed."""
    path = questions(tmp_path, 50)
    data = opened(path, {"request_count": 20, "sampling_mode": "random"})
    drawn = asked(data)
    assert len(set(drawn)) == 20
    assert any(int(question) >= 20 for question in drawn)
    assert asked(opened(path)) == drawn
    assert asked(opened(path, seed=1)) != drawn
    twice = asked(opened(path, {"request_count": 100, "sampling_mode": "random"}))
    assert set(Counter(twice).values()) == {2}


def test_shuffled_rows_are_the_first_ones(tmp_path: Path) -> None:
    """shuffle takes the first rows, and only them, in random order."""
    drawn = asked(opened(questions(tmp_path, 50), {"request_count": 20, "sampling_mode": "shuffle"}))
    assert sorted(map(int, drawn)) == list(range(20))
    assert drawn != sorted(drawn, key=int)


def test_uniform_lengths_reach_both_ends(tmp_path: Path) -> None:
    """Lengths of a range win over those of the rows, and both ends occur."""
    path = lines_file(tmp_path, *([{"question": "a", "max_tokens": 99}] * 200))
    config = {"output_config": {"method": "uniform", "params": {"min_value": 3, "max_value": 5}}}
    assert set(lengths(opened(path, config))) == {3, 4, 5}


def test_shares_are_exact_and_spread(tmp_path: Path) -> None:
    """Each length occurs as often as its share says, rounded down, the last one for the rest; and none in a block."""
    shares = [[10, 0.25], [20, 0.5], [30, 0.25]]
    config = {"output_config": {"method": "percentage", "params": {"percentage_distribute": shares}}}
    found = lengths(opened(questions(tmp_path, 1003), config))
    assert Counter(found) == {10: 250, 20: 501, 30: 252}
    for start in range(0, 1000, 100):
        part = Counter(found[start : start + 100])
        assert abs(part[10] - 25) <= 3
        assert abs(part[20] - 50) <= 3


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 10, 13, 100])
def test_shares_hold_for_few_requests(tmp_path: Path, count: int) -> None:
    """Whatever the number of requests, the lengths are the floor of each share, and the rest the last."""
    config = {"output_config": {"method": "percentage", "params": {"percentage_distribute": [[10, 0.4], [20, 0.6]]}}}
    found = Counter(lengths(opened(questions(tmp_path, count), config)))
    assert (found[10], found[20]) == (int(0.4 * count), count - int(0.4 * count))
