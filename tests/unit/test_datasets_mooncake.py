"""Traces in Mooncake's format."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from data_files import all_shares, lines_file
from shared_data import MOONCAKE, TOKENIZER, needs

from fastbench.datasets import Dataset, Survey, open_dataset
from fastbench.datasets.mooncake import MooncakeConfig
from fastbench.errors import DatasetError
from fastbench.tokenizer import load_tokenizer

MS = 1_000_000


def row(timestamp: float | None = None, length: int = 600, **fields: Any) -> dict[str, Any]:
    """A row of a trace; a time of None is left out."""
    time = {} if timestamp is None else {"timestamp": timestamp}
    return time | {"input_length": length, "output_length": 7} | fields


def opened(folder: Path, *rows: Any, **settings: Any) -> Dataset:
    return open_dataset(MooncakeConfig(abbr="t", path=lines_file(folder, *rows), **settings))


def words(dataset: Dataset) -> list[list[str]]:
    return [str(sample.prompt).split() for sample in dataset.samples()]


def times(dataset: Dataset) -> list[float | None]:
    """When the samples go out, ms."""
    found = [sample.timestamp_ns for sample in dataset.samples()]
    return [None if time is None else time / MS for time in found]


def test_lengths_are_those_of_the_trace(tmp_path: Path) -> None:
    """Prompt and reply are as long as the row says; a reply of 0 or none asks for one token."""
    rows = [row(0, 1, hash_ids=[1]), row(1, 512, hash_ids=[2]), row(2, 513, hash_ids=[2, 3]), row(3, 1300)]
    data = opened(tmp_path, *rows, {"input_length": 5, "output_length": 0}, {"input_length": 6})
    samples = list(data.samples())
    assert [sample.input_len for sample in samples] == [1, 512, 513, 1300, 5, 6]
    assert [len(each) for each in words(data)] == [1, 512, 513, 1300, 5, 6]
    assert [sample.output_len for sample in samples] == [7, 7, 7, 7, 1, 1]


def test_an_id_stands_for_the_same_block_everywhere(tmp_path: Path) -> None:
    """Prompts share the blocks of the ids that they share, also where one of them was cut short at first."""
    first, second, third, other = words(
        opened(
            tmp_path,
            row(0, 600, hash_ids=[1, 2]),
            row(1, 1500, hash_ids=[1, 2, 3]),
            row(2, 1024, hash_ids=[2, 1]),
            row(3, 600, hash_ids=[1, 2]),
        )
    )
    assert first == second[:600] == other
    # The id 2 was first seen as a block of 88 tokens, and is whole wherever it is not the last one.
    assert second[512:1024] == third[:512]
    assert second[:512] == third[512:]
    assert second[512:600] != second[:88]


def test_prompts_without_ids_share_nothing(tmp_path: Path) -> None:
    """Rows without hash ids have prompts of their own."""
    first, second = words(opened(tmp_path, row(0, 50), row(0, 50, hash_ids=[])))
    assert first[:4] != second[:4]


def test_a_seed_gives_other_blocks(tmp_path: Path) -> None:
    """The blocks depend on the seed; without one, it is 0."""
    rows = [row(0, 50, hash_ids=[1])]
    plain = words(opened(tmp_path, *rows))
    assert words(opened(tmp_path, *rows, random_seed=0)) == plain
    assert words(opened(tmp_path, *rows, random_seed=1)) != plain


def test_prompts_stay_as_they_are(tmp_path: Path) -> None:
    """The block of an id is this text for ever: a trace can be sent again by a later version."""
    (sample,) = opened(tmp_path, row(0, 6, hash_ids=[46])).samples()
    assert sample.prompt == "fund case mall once gold wave"


def test_text_in_a_row_is_the_prompt(tmp_path: Path) -> None:
    """A row's input_text wins over its length and its ids, which need not agree then."""
    (sample,) = opened(tmp_path, row(0, 5, hash_ids=[1, 2, 3], input_text="hello")).samples()
    assert (sample.prompt, sample.input_len, sample.output_len) == ("hello", None, 7)


def test_rows_go_out_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Samples are sorted by time, equal times keep the file's order, rows without a time come last."""
    rows = [row(30, 1), row(None, 2), row(10.5, 3), row(30, 4), row(0, 5)]
    data = opened(tmp_path, *rows)
    assert [sample.input_len for sample in data.samples()] == [5, 3, 1, 4, 2]
    assert [sample.index for sample in data.samples()] == [0, 1, 2, 3, 4]
    assert times(data) == [0, 10.5, 30, 30, None]
    found = data.survey(None)
    assert found._replace(extents=()) == Survey(samples=5, requests=5, longest_output=7, timed=4)
    assert [(one.input_len, one.output_len, one.sample) for one in found.extents] == [(5, 7, 0)]
    assert found.extents[0].place.endswith(", line 5")
    assert all_shares(data, 3) == list(data.samples())


def test_many_rows_of_one_instant_keep_their_order(tmp_path: Path) -> None:
    """Among hundreds of rows at few instants, those of one instant go out in the file's order."""
    rows = [row(number % 3, number + 1) for number in range(600)]
    found = [sample.input_len for sample in opened(tmp_path, *rows).samples()]
    assert found == [number + 1 for instant in range(3) for number in range(instant, 600, 3)]


@pytest.mark.parametrize(
    ("window", "kept"),
    [
        ({}, [1000, 1500, 2000, 3000, None]),
        ({"fixed_schedule_auto_offset": True}, [0, 500, 1000, 2000, None]),
        ({"fixed_schedule_start_offset": 1500}, [1500, 2000, 3000, None]),
        ({"fixed_schedule_end_offset": 2000}, [1000, 1500, 2000, None]),
        ({"fixed_schedule_start_offset": 1500, "fixed_schedule_end_offset": 1500}, [1500, None]),
        (
            {
                "fixed_schedule_auto_offset": True,
                "fixed_schedule_start_offset": 500,
                "fixed_schedule_end_offset": 1000,
            },
            [500, 1000, None],
        ),
    ],
)
def test_the_window_holds_its_ends(tmp_path: Path, window: dict[str, Any], kept: list[float | None]) -> None:
    """Rows from start to end, both included, are kept, after the shift; rows without a time always are."""
    rows = [row(time) for time in (3000, 1000, None, 1500, 2000)]
    assert times(opened(tmp_path, *rows, **window)) == kept


def test_an_empty_trace_is_refused(tmp_path: Path) -> None:
    """A trace without rows is told when it is opened."""
    with pytest.raises(DatasetError, match="the data set is empty"):
        opened(tmp_path)


def test_an_empty_window_is_refused(tmp_path: Path) -> None:
    """A window without rows is told with the settings that make it."""
    with pytest.raises(DatasetError, match=r"none of the 1 rows is in the window; widen fixed_schedule_start_offset"):
        opened(tmp_path, row(5), fixed_schedule_start_offset=6)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"output_length": 5}, "has neither input_length nor input_text"),
        (row(0, 0), "has 0 as input_length, which must be a whole number from 1 to 1048576"),
        (row(0, 5, output_length=-1), "has -1 as output_length, which must be a whole number from 0"),
        (row(0, 5, hash_ids=["a"]), "has ['a'] as hash_ids, which must be a list of whole numbers"),
        (row(0, 5, input_text=5), "has 5 as input_text, which must be text"),
        (
            row(0, 513, hash_ids=[1]),
            "has input_length 513 and 1 hash_ids of 512 tokens each, which leaves 513 for the last one, where 1 to 512",
        ),
        (row(0, 512, hash_ids=[1, 2]), "has input_length 512 and 2 hash_ids of 512 tokens each, which leaves 0 for"),
    ],
)
def test_broken_rows_are_told(tmp_path: Path, broken: Any, told: str) -> None:
    """A row that cannot be sent is told with file, line and reason before anything is sent."""
    data = opened(tmp_path, row(0), broken)
    with pytest.raises(DatasetError) as caught:
        data.survey(None)
    assert str(caught.value).startswith(f"{tmp_path / 'rows.jsonl'}, line 2: the row {told}")


@pytest.mark.parametrize("time", [-1, "0", True, 1e300])
def test_broken_times_are_told(tmp_path: Path, time: object) -> None:
    """A time that is none is told when the trace is opened."""
    with pytest.raises(DatasetError, match=r"line 2: the row has .* as timestamp, which must be milliseconds from 0"):
        opened(tmp_path, row(0), row() | {"timestamp": time})


@pytest.mark.slow
@needs(MOONCAKE)
@needs(TOKENIZER)
def test_the_conversation_trace_loads_whole() -> None:
    """All 12,031 rows fit, in the order of their times, and prompts have exactly the tokens of the trace."""
    data = open_dataset(MooncakeConfig(abbr="t", path=str(MOONCAKE)), str(TOKENIZER))
    found = data.survey(None)
    assert found._replace(extents=(), shares="") == Survey(
        samples=12031, requests=12031, longest_output=2000, timed=12031
    )
    tokenizer = load_tokenizer(str(TOKENIZER))
    some = list(islice(data.samples(0, 1009), 12))
    assert [tokenizer.count(str(sample.prompt)) for sample in some] == [sample.input_len for sample in some]
    found = [sample.timestamp_ns or 0 for sample in some]
    assert found == sorted(found)
    assert found[-1] > 3000 * 1000 * MS
