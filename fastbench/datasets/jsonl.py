"""Prompts from a file with one JSON object a line, read as they are needed."""

from typing import Any

import orjson

from fastbench.config import show
from fastbench.config.fields import Count, Text, role_of
from fastbench.datasets.files import FileConfig, FileDataset, in_range
from fastbench.datasets.row_fields import SENT_FIELDS, USUAL, length_names, output_len, request_fields
from fastbench.datasets.rows import Row, RowError, columns_of, open_rows
from fastbench.datasets.samples import DatasetFormat, Sample
from fastbench.tokenizer import Prompt, TokenMeasure

_MESSAGES = "messages"
_PROMPT_KEYS = ("prompt", "question", _MESSAGES)


class JsonlConfig(FileConfig, frozen=True, kw_only=True, tag_field="type", tag="jsonl"):
    """Finished prompts, read from a file with one JSON object a line."""

    prompt_key: Text | None = None
    """None = the first of "prompt", "question", "messages" that the row has."""
    output_len_key: Text = USUAL
    """The row's key for the output tokens asked for; a row may lack it."""
    count: Count | None = None
    """Rows to use from the start of those that `test_range` leaves; None = all."""


def open_jsonl(config: JsonlConfig, _: TokenMeasure) -> FileDataset:
    """The rows of one file; empty lines do not count."""
    rows = open_rows(config.path)
    keys = _PROMPT_KEYS if config.prompt_key is None else (config.prompt_key,)
    positions = in_range(range(len(rows)), config.test_range, config.path)[: config.count]
    fields = request_fields(all_text=rows.is_csv)

    def make(index: int, row: Row) -> Sample:
        return Sample(index, _prompt(row, keys), None, output_len(row, config.output_len_key), fields=fields(row))

    used = SENT_FIELDS.union(keys, length_names(config.output_len_key))
    return FileDataset(rows, make, positions, used=used)


def _prompt(row: Row, keys: tuple[str, ...]) -> Prompt:
    there = [key for key in keys if key in row]
    # A set whose rows have all columns has null in those that do not count.
    key = next((key for key in there if row[key] not in (None, "")), there[0] if there else None)
    if key is None:
        wanted = " or ".join(keys)
        raise RowError(
            f"has no {wanted}, only {columns_of(row)}; set prompt_key to one in a config (a data set of the type "
            '"jsonl"), or rename it to prompt'
        )
    prompt: Prompt = _messages(row[key]) if key == _MESSAGES else row[key]
    if not _is_prompt(prompt):
        allowed = "text, a list of chat messages or a list of token ids"
        raise RowError(f"has {show(prompt)} as {key}, which must be {allowed}")
    return prompt


def _messages(given: Any) -> Any:
    """Messages that are written as JSON text, as in CSV, as those that they are."""
    if not isinstance(given, str) or not given.lstrip().startswith("["):
        return given
    try:
        found = orjson.loads(given)
    except orjson.JSONDecodeError:
        return given
    return found if _is_prompt(found) else given


def _says_something(message: dict[str, Any]) -> bool:
    """Whether a message of the user has text or parts; others may be a call of a tool."""
    return role_of(message["role"]) != "user" or isinstance(message.get("content"), str | list)


def _is_prompt(prompt: object) -> bool:
    if isinstance(prompt, str):
        return prompt != ""
    if not isinstance(prompt, list) or not prompt:
        return False
    messages = all(isinstance(item, dict) and "role" in item and _says_something(item) for item in prompt)
    return messages or all(type(item) is int and item >= 0 for item in prompt)


JSONL = DatasetFormat(JsonlConfig, open_jsonl)
