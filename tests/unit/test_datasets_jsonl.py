"""Prompts from a JSONL file."""

import json
from pathlib import Path
from typing import Any

import pytest
from shared_data import GSM8K, needs

from fastbench.datasets import Dataset, open_dataset
from fastbench.datasets.jsonl import JsonlConfig
from fastbench.errors import DatasetError


def rows_file(folder: Path, *rows: Any) -> Path:
    """A file of these rows; text stands for itself, anything else for its JSON."""
    path = folder / "rows.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def opened(path: Path, **settings: Any) -> Dataset:
    return open_dataset(JsonlConfig(abbr="rows", path=str(path), **settings))


def fault(path: Path, **settings: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        opened(path, **settings).survey(None)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(path))


def test_prompts_are_found_under_the_usual_keys(tmp_path: Path) -> None:
    """A prompt is text, messages or ids under prompt, question or messages; max_tokens is its length."""
    messages = [{"role": "user", "content": "c"}]
    path = rows_file(
        tmp_path,
        {"prompt": "a", "question": "x", "max_tokens": 5},
        {"question": "b"},
        {"messages": messages},
        {"prompt": [1, 2]},
    )
    samples = list(opened(path).samples())
    assert [sample.prompt for sample in samples] == ["a", "b", messages, [1, 2]]
    assert [sample.output_len for sample in samples] == [5, None, None, None]
    assert [sample.index for sample in samples] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("names", "length"),
    [
        (("max_completion_tokens", "max_tokens", "max_new_tokens", "max_out_len", "output_len"), 1),
        (("max_tokens", "max_new_tokens", "max_out_len", "output_len"), 2),
        (("max_new_tokens", "max_out_len", "output_len"), 3),
        (("max_out_len", "output_len"), 4),
        (("output_len",), 5),
    ],
)
def test_lengths_of_all_known_names(tmp_path: Path, names: tuple[str, ...], length: int) -> None:
    """An output length counts under each of its usual names, the newest first; null says nothing."""
    given = {name: 6 - len(names) + place for place, name in enumerate(names)}
    (sample,) = opened(
        rows_file(tmp_path, {"prompt": "a", "max_tokens": None, **dict(reversed(given.items()))})
    ).samples()
    assert (sample.output_len, sample.fields) == (length, None)
    assert fault(rows_file(tmp_path, {"prompt": "a", names[0]: 0})).endswith(
        f"has 0 as {names[0]}, which must be a whole number from 1 to 1048576; correct or remove it"
    )


TOOLS = [{"type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ({}, None),
        ({"id": 5, "answer": "x", "category": "math"}, None),
        ({"tools": TOOLS, "tool_choice": "auto", "max_tokens": 7}, {"tools": TOOLS, "tool_choice": "auto"}),
        ({"tools": json.dumps(TOOLS), "tool_choice": "auto"}, {"tools": TOOLS, "tool_choice": "auto"}),
        ({"tools": None, "stop": None}, None),
        ({"temperature": 0, "stop": "", "seed": 0}, {"temperature": 0, "stop": "", "seed": 0}),
        ({"response_format": {"type": "json_object"}, "top_p": 0.5},
         {"response_format": {"type": "json_object"}, "top_p": 0.5}),
        ({"extra_body": {"top_k": 5, "new_thing": 1, "model": "x", "stream": False, "max_tokens": 3}, "top_k": 4},
         {"top_k": 5, "new_thing": 1}),
        ({"model": "x", "stream": True, "n": 2, "stream_options": {}}, None),
        ({"chat_template_kwargs": {"enable_thinking": False}, "reasoning_effort": "low"},
         {"chat_template_kwargs": {"enable_thinking": False}, "reasoning_effort": "low"}),
    ],
)  # fmt: skip
def test_parameters_of_rows(tmp_path: Path, row: dict[str, Any], fields: dict[str, Any] | None) -> None:
    """A row's parameters of a request belong to its sample; what the run decides, and plain data, do not."""
    (sample,) = opened(rows_file(tmp_path, {"messages": [{"role": "user", "content": "a"}], **row})).samples()
    assert sample.fields == fields


def test_parameters_of_csv_rows(tmp_path: Path) -> None:
    """In CSV a parameter is the JSON that its cell holds, else its text; an empty cell says nothing."""
    path = tmp_path / "rows.csv"
    path.write_text("prompt,temperature,stop,seed,ignore_eos,max_tokens,regex\na,0.5,end,,True,5.0,123\n")
    (sample,) = opened(path).samples()
    # As tables write them: Python's words, whole numbers with .0 where others are missing. Expressions are no JSON.
    assert sample.fields == {"temperature": 0.5, "stop": "end", "ignore_eos": True, "regex": "123"}
    assert sample.output_len == 5


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": None, "question": "", "messages": [{"role": "user", "content": "a"}]},
        {"messages": '[{"role": "user", "content": "a"}]', "prompt": None},
    ],
)
def test_the_key_that_holds_anything(tmp_path: Path, row: dict[str, Any]) -> None:
    """The prompt is under the first key that is not null, and messages that are written as JSON text are messages."""
    (sample,) = opened(rows_file(tmp_path, row)).samples()
    assert sample.prompt == [{"role": "user", "content": "a"}]


def test_what_is_not_sent_of_further_parameters(tmp_path: Path) -> None:
    """What the run sets is not sent of a row's further parameters either, and is told."""
    rows = [{"prompt": "a", "extra_body": {"model": "x", "max_tokens": 3, "top_k": 1}}]
    survey = opened(rows_file(tmp_path, *rows)).survey(None)
    assert dict(survey.unused) == {"extra_body.model": 1, "extra_body.max_tokens": 1}


def test_a_survey_tells_the_fields(tmp_path: Path) -> None:
    """A survey counts the rows that have each parameter, and each field that nothing is made of."""
    rows = [
        {"prompt": "a", "seed": 1, "id": 3, "model": "x"},
        {"prompt": "a", "seed": 2, "id": 4, "answer": None},
        {"prompt": "a"},
    ]
    survey = opened(rows_file(tmp_path, *rows)).survey(None)
    assert survey.fields == (("seed", 2),)
    assert dict(survey.unused) == {"id": 2, "model": 1}
    assert opened(rows_file(tmp_path, *rows)).survey(1).unused == (("id", 1), ("model", 1))


def test_keys_can_be_named(tmp_path: Path) -> None:
    """Both keys can be set, and then only they count."""
    path = rows_file(tmp_path, {"prompt": "a", "text": "b", "n": 7, "max_tokens": 1})
    (sample,) = opened(path, prompt_key="text", output_len_key="n").samples()
    assert (sample.prompt, sample.output_len) == ("b", 7)


def test_empty_lines_and_a_byte_order_mark_do_not_count(tmp_path: Path) -> None:
    """A mark at the start, empty lines and a missing last line end change nothing."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf\r\n{"prompt":"a"}\r\n \n{"prompt":"b"}')
    assert [sample.prompt for sample in opened(path).samples()] == ["a", "b"]


def test_shares_and_limits(tmp_path: Path) -> None:
    """Shares add up to the whole, `count` cuts it, and checking counts what a run gets."""
    path = rows_file(tmp_path, *({"prompt": str(i)} for i in range(10)))
    data = opened(path, count=7)
    assert [sample.index for sample in data.samples(1, 3)] == [1, 4]
    assert sorted(sample.index for share in range(3) for sample in data.samples(share, 3)) == list(range(7))
    assert (data.count, data.survey(None).samples, data.survey(3).samples, data.survey(99).samples) == (7, 7, 3, 7)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"prompt": "a"', "is not JSON"),
        ("[1]", "is [1], not an object"),
        ("{}", "has no prompt or question or messages, only nothing; set prompt_key"),
        ('{"text": "a", "x": 1}', "has no prompt or question or messages, only text, x; set prompt_key"),
        ('{"prompt": ""}', "has '' as prompt, which must be text"),
        ('{"prompt": 5}', "has 5 as prompt"),
        ('{"prompt": []}', "has [] as prompt"),
        ('{"prompt": [1, "a"]}', "has [1, 'a'] as prompt"),
        ('{"prompt": [{"content": "no role"}]}', "has [{'content': 'no role'}] as prompt"),
        ('{"prompt": [true]}', "has [True] as prompt"),
        ('{"messages": [{"role": "user", "content": null}]}', "has [{'role': 'user', 'content': None}] as messages"),
        ('{"messages": [{"role": "human", "content": 5}]}', "has [{'role': 'human', 'content': 5}] as messages"),
        (
            '{"prompt": "a", "max_tokens": "5k"}',
            "has '5k' as max_tokens, which must be a whole number from 1 to 1048576",
        ),
        ('{"prompt": "a", "max_tokens": 0}', "has 0 as max_tokens"),
        ('{"prompt": "\\ud800"}', "is not JSON"),
        ('{"prompt": "a", "extra_body": [1]}', "has [1] as extra_body, which must be an object"),
    ],
)
def test_a_broken_row_is_named_by_its_line(tmp_path: Path, row: str, reason: str) -> None:
    """A row that cannot be used is told with file, line number, reason and way out."""
    path = rows_file(tmp_path, *[{"prompt": "fine"}] * 15, "", row, {"prompt": "fine"})
    told = fault(path)
    assert told.startswith(f", line 17: the row {reason}")
    assert told.endswith("; correct or remove it")


def test_rows_before_a_broken_one_are_served(tmp_path: Path) -> None:
    """The file is streamed: a broken row does no harm to a run that ends before it."""
    path = rows_file(tmp_path, {"prompt": "a"}, "broken")
    assert opened(path).survey(1).samples == 1
    assert next(opened(path).samples()).prompt == "a"


def test_files_without_rows_are_refused(tmp_path: Path) -> None:
    """A missing file, a directory and an empty file are told when the data set is opened."""
    assert fault(tmp_path / "absent.jsonl").startswith(": no such data set; looked at ")
    assert fault(tmp_path).startswith(": the data set cannot be read: Is a directory")
    assert fault(rows_file(tmp_path, "", " ")).startswith(": the data set is empty; write one JSON object a line")


@needs(GSM8K)
def test_gsm8k_loads_whole() -> None:
    """The 1,319 questions of GSM8K's test set are usable as they are."""
    assert opened(GSM8K).survey(None).samples == 1319
