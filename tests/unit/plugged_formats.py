"""A package with data-set formats that make their prompts, or hold conversations; `examples/plugin` reads a file."""

from pathlib import Path

MAKING = """
from typing import Self

import numpy as np

from fastbench.datasets import ConversationConfig, DatasetConfig, DatasetFormat, Sample, Turn
from fastbench.datasets import open_conversations, open_rows, survey_of
from fastbench.tokenizer import TokenMeasure, words_for


class CountConfig(DatasetConfig, frozen=True, kw_only=True, tag_field="type", tag="counting"):
    words: int
    first: int = 0
    ids: bool = False

    @property
    def makes_token_ids(self) -> bool:
        return self.ids

    @property
    def makes_words(self) -> bool:
        return not self.ids

    def alike(self, count: int, input_len: int | None = None) -> Self:
        return type(self)(abbr=self.abbr, words=input_len or self.words, first=self.first + 100, ids=self.ids)


class Counting:
    def __init__(self, config: CountConfig, measure: TokenMeasure) -> None:
        self._config = config
        self._words = words_for(measure)

    count = 3

    def survey(self, limit):
        return survey_of(self.samples(), limit)

    def samples(self, start=0, step=1):
        for index in range(start, self.count, step):
            numbers = np.arange(self._words.pieces(self._config.words)) + self._config.first + index
            prompt = numbers.tolist() if self._config.ids else self._words.prompt(numbers % len(self._words))
            yield Sample(index, prompt, self._config.words)


class TalkConfig(ConversationConfig, frozen=True, kw_only=True, tag_field="type", tag="talks"):
    pass


def open_talks(config, measure):
    rows = open_rows(config.path)

    def turns(row):
        return [Turn(text) for text in row["said"]]

    return open_conversations(rows, config, range(len(rows)), turns, used=frozenset({"said"}))


COUNTING = DatasetFormat(CountConfig, Counting)
TALKS = DatasetFormat(TalkConfig, open_talks)
"""


def install(folder: Path) -> None:
    """Puts the package's files and its entry points into `folder`, which is to be on the path."""
    (folder / "made_for_fastbench.py").write_text(MAKING, encoding="utf-8")
    info = folder / "for_fastbench-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: for-fastbench\nVersion: 1.0\n")
    points = (
        "counting = made_for_fastbench:COUNTING",
        "talks = made_for_fastbench:TALKS",
        "numbers = made_for_fastbench:COUNTING",
        "wrong = made_for_fastbench:TalkConfig",
    )
    (info / "entry_points.txt").write_text("\n".join(("[fastbench.datasets]", *points)))
