"""Prompts from a file with one JSON object a line, read as they are needed."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from fastbench.config.dataset_schema import JsonlConfig
from fastbench.config.fields import MAX_LENGTH
from fastbench.config.issues import show
from fastbench.datasets.sample import Prompt, Sample
from fastbench.errors import DatasetError

_PROMPT_KEYS = ("prompt", "question", "messages")
_BOM = b"\xef\xbb\xbf"


class JsonlDataset:
    """The rows of one file; empty lines do not count."""

    def __init__(self, config: JsonlConfig) -> None:
        self._config = config
        self._keys = _PROMPT_KEYS if config.prompt_key is None else (config.prompt_key,)
        if next(self._lines(), None) is None:
            raise DatasetError(f"{config.path}: the data set is empty; write one JSON object a line into it")

    @property
    def count(self) -> int | None:
        """Not known: the rows are counted by `check`."""
        return None

    def check(self, limit: int | None) -> int:
        """How many rows a run of at most `limit` gets. Raises DatasetError for the first broken one."""
        return sum(1 for _ in islice(self.samples(), limit))

    def samples(self, start: int = 0, step: int = 1) -> Iterator[Sample]:
        """The rows `start`, `start + step`, …. Raises DatasetError at a broken one."""
        for index, (number, line) in islice(enumerate(self._lines()), start, self._config.count, step):
            yield self._sample(index, number, line)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Lines that are not empty, with their numbers from 1."""
        path = self._config.path
        try:
            with open(path, "rb") as file:
                for number, line in enumerate(file, 1):
                    text = line.removeprefix(_BOM) if number == 1 else line
                    if text.strip():
                        yield number, text
        except OSError as error:
            raise DatasetError(
                f"{path}: the data set cannot be read: {error.strerror}; set path to a JSONL file"
            ) from error

    def _sample(self, index: int, number: int, line: bytes) -> Sample:
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise self._broken(number, f"is not JSON ({error.msg}, column {error.colno})") from error
        if not isinstance(row, dict):
            raise self._broken(number, f'is {show(row)}, not an object such as {{"prompt": "text"}}')
        return Sample(index, self._prompt(number, row), None, self._output_len(number, row))

    def _prompt(self, number: int, row: dict[str, Any]) -> Prompt:
        key = next((key for key in self._keys if key in row), None)
        if key is None:
            wanted = " or ".join(self._keys)
            raise self._broken(number, f"has no {wanted}, only {', '.join(row) or 'nothing'}; set prompt_key to one")
        prompt: Prompt = row[key]
        if not _is_prompt(prompt):
            allowed = "text, a list of chat messages or a list of token ids"
            raise self._broken(number, f"has {show(prompt)} as {key}, where {allowed} must stand")
        return prompt

    def _output_len(self, number: int, row: dict[str, Any]) -> int | None:
        key = self._config.output_len_key
        length = row.get(key)
        if length is None or (type(length) is int and 1 <= length <= MAX_LENGTH):
            return length
        allowed = f"a whole number from 1 to {MAX_LENGTH}"
        raise self._broken(number, f"has {show(length)} as {key}, where {allowed} must stand")

    def _broken(self, number: int, what: str) -> DatasetError:
        return DatasetError(f"{self._config.path}, line {number}: the row {what}; correct or remove it")


def _is_prompt(prompt: object) -> bool:
    if isinstance(prompt, str):
        return prompt != ""
    if not isinstance(prompt, list) or not prompt:
        return False
    messages = all(isinstance(item, dict) and "role" in item for item in prompt)
    return messages or all(type(item) is int and item >= 0 for item in prompt)
