"""The questions of MT-Bench: conversations of the user's turns alone, or with reference answers."""

from fastbench.config import show
from fastbench.datasets.conversations.turns import ConversationConfig, open_conversations, turn_lengths
from fastbench.datasets.files import FileDataset
from fastbench.datasets.rows import Row, RowError, open_rows
from fastbench.datasets.samples import DatasetFormat, Turn
from fastbench.tokenizer import TokenMeasure

_USED = frozenset({"turns", "prompt", "reference"})


class MtBenchConfig(ConversationConfig, frozen=True, kw_only=True, tag_field="type", tag="mtbench"):
    """Conversations in the format of MT-Bench."""


def open_mtbench(config: MtBenchConfig, _: TokenMeasure) -> FileDataset:
    """The questions of MT-Bench, each with its second turn."""
    rows = open_rows(config.path)
    return open_conversations(rows, config, range(len(rows)), _turns, used=_USED)


def _turns(row: Row) -> list[Turn]:
    key = "turns" if "turns" in row else "prompt"
    texts = _texts(row, key)
    if not all(map(str.strip, texts)):
        raise RowError(f"has {show(texts)} as {key}, where a list of texts that are not empty must stand")
    answers: list[str | None] = [None] * len(texts)
    if row.get("reference"):
        answers = list(_texts(row, "reference"))
        if len(answers) != len(texts):
            raise RowError(f"has {len(answers)} reference answers for {len(texts)} turns")
    return [Turn(*each) for each in zip(texts, answers, turn_lengths(row, len(texts)), strict=True)]


def _texts(row: Row, key: str) -> list[str]:
    texts = row.get(key)
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise RowError(f"has {show(texts)} as {key}, where a list of texts must stand")
    return texts


MTBENCH = DatasetFormat(MtBenchConfig, open_mtbench)
