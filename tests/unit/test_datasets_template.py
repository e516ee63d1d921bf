"""Rows in templates."""

from pathlib import Path
from typing import Any

import pytest
from data_files import lines_file, prompts
from shared_data import GSM8K, needs

from fastbench.datasets import Dataset, open_dataset
from fastbench.datasets.template import TemplateConfig
from fastbench.errors import DatasetError

CHAT = (
    {"role": "system", "content": "Solve {this}."},
    {"role": "user", "content": "1+1?"},
    {"role": "assistant", "content": "2"},
    {"role": "user", "content": "{question}"},
)


def opened(path: str, **settings: Any) -> Dataset:
    return open_dataset(TemplateConfig(**{"abbr": "rows", "template": "Q: {question}", **settings}, path=path))


def test_fields_take_the_place_of_their_names(tmp_path: Path) -> None:
    """Each name in braces becomes the row's field, numbers too, and braces around anything else stay."""
    path = lines_file(tmp_path, {"question": "1+{x}?", "n": 7})
    template = "{question} {n} \\boxed{} {2} {unknown} {x"
    assert prompts(opened(path, template=template)) == ["1+{x}? 7 \\boxed{} {2} {unknown} {x"]


def test_messages_are_filled(tmp_path: Path) -> None:
    """A template of messages gives messages, with worked examples as they are."""
    (prompt,) = prompts(opened(lines_file(tmp_path, {"question": "2+2?"}), template=CHAT))
    assert prompt == [*CHAT[:3], {"role": "user", "content": "2+2?"}]


def test_the_answer_is_left_to_the_model(tmp_path: Path) -> None:
    """The answer's name becomes nothing, even where the row has the answer."""
    path = lines_file(tmp_path, {"question": "2+2?", "answer": "4"})
    settings = {"template": "{question} A: {answer}", "output_column": "answer"}
    assert prompts(opened(path, **settings)) == ["2+2? A: "]
    path = lines_file(tmp_path, {"question": "3+3?"})
    assert prompts(opened(path, **settings, columns=("question", "answer"))) == ["3+3? A: "]


def test_an_alias_stands_in_for_a_missing_field(tmp_path: Path) -> None:
    """A field under another name is used where the row lacks the first one."""
    path = lines_file(tmp_path, {"origin_prompt": "a"}, {"question": "b", "origin_prompt": "x"})
    assert prompts(opened(path, aliases={"question": "origin_prompt"})) == ["Q: a", "Q: b"]


def test_csv_and_output_lengths(tmp_path: Path) -> None:
    """Rows of a CSV file work too, with the output length as digits; an empty cell asks for none."""
    path = lines_file(tmp_path, "question,max_tokens", "a,7", "b,", name="rows.csv")
    assert [(sample.prompt, sample.output_len) for sample in opened(path).samples()] == [("Q: a", 7), ("Q: b", None)]


@pytest.mark.parametrize(
    ("row", "settings", "told"),
    [
        ({"q": "a"}, {}, "the row has no question, only q, but the template asks for it"),
        ({}, {}, "the row has no question, only nothing, but"),
        ({"question": None}, {}, "the row has null as question, but"),
        ({"a": 1}, {"template": "{a} {b}", "columns": ("a", "b")}, "the row has no b, only a, but"),
        (
            {"question": "a", "max_tokens": 1.5},
            {},
            "the row has 1.5 as max_tokens, which must be a whole number from 1",
        ),
    ],
)
def test_rows_that_do_not_fit_are_told(tmp_path: Path, row: Any, settings: dict[str, Any], told: str) -> None:
    """A row without what the template asks for is told with file, line, and what it has."""
    path = lines_file(tmp_path, {"question": "fine", "a": 1, "b": 2}, row)
    with pytest.raises(DatasetError) as caught:
        opened(path, **settings).survey(None)
    assert str(caught.value).startswith(f"{path}, line 2: {told}")


@needs(GSM8K)
def test_gsm8k_loads_whole_in_a_chat() -> None:
    """All questions of GSM8K's test set stand behind the examples, the demo takes the first 8."""
    data = opened(str(GSM8K), template=CHAT, columns=("question",))
    assert data.survey(None).samples == data.count == 1319
    assert all(len(prompt) == 4 and len(prompt[3]["content"]) > 20 for prompt in prompts(data))
    demo = opened(str(GSM8K), template=CHAT, test_range="[:8]")
    assert prompts(demo) == prompts(data)[:8]
