"""Conversations: ShareGPT and MT-Bench."""

import random
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

from msgspec.structs import replace

from fastbench.config.dataset_schema import ConversationConfig, MtBenchConfig, ShareGptConfig
from fastbench.config.issues import show
from fastbench.datasets.dataset import LeftOut
from fastbench.datasets.filed import FileDataset, in_range
from fastbench.datasets.output_len import USUAL, length_key, length_names, output_len
from fastbench.datasets.rows import Row, RowError, RowFile, open_rows, walk
from fastbench.datasets.sample import Message, Sample, Turn
from fastbench.datasets.speakers import LISTS, UnfitError, read_conversation
from fastbench.datasets.tokens import load_tokenizer
from fastbench.errors import ConfigError

_USED = length_names(USUAL).union(LISTS, ("turns", "prompt", "reference", "system"))

Turns = Callable[[Row], list[Turn]]
"""Row → its turns, with the answers that the row has. Raises RowError."""


def open_sharegpt(config: ShareGptConfig, tokenizer_path: str = "") -> FileDataset:
    """The conversations that the user begins and a reply ends; others are left out, and counted by the reason.

    Raises ConfigError where `answer_lengths` asks for a tokenizer that is not there.
    """
    if config.answer_lengths and not tokenizer_path:
        raise ConfigError(
            f"the data set {config.abbr}: answer_lengths is True, but the model has no tokenizer; "
            "set path of the model (--tokenizer) to its tokenizer.json"
        )
    rows = open_rows(config.path)
    positions, left_out = _fit_ones(rows)
    if config.shuffle:
        positions = positions[:]
        random.Random(config.seed).shuffle(positions)
    count = load_tokenizer(tokenizer_path).count if config.answer_lengths else None

    def turns(row: Row) -> list[Turn]:
        said = read_conversation(row)
        return [
            Turn(
                each.text, each.reply, length or (max(1, count(each.reply)) if count else None), each.role, each.before
            )
            for each, length in zip(said, _lengths(row, len(said)), strict=True)
        ]

    return _dataset(rows, config, positions, turns, left_out)


def open_mtbench(config: MtBenchConfig) -> FileDataset:
    """The questions of MT-Bench, each with its second turn."""
    rows = open_rows(config.path)
    return _dataset(rows, config, range(len(rows)), _mtbench_turns)


def _dataset(
    rows: RowFile, config: ConversationConfig, positions: Sequence[int], turns: Turns, left_out: LeftOut = ()
) -> FileDataset:
    make = _last if config.infer_mode == "last" else _every
    feeds_answers = config.infer_mode == "every_with_gt"
    return FileDataset(
        rows,
        lambda index, row: make(index, turns(row), feeds_answers),
        in_range(positions, config.test_range, config.path),
        left_out=left_out,
        used=_USED,
    )


def _every(index: int, turns: list[Turn], feeds_answers: bool) -> Sample:
    told = turns if feeds_answers else [replace(turn, answer=None) for turn in turns]
    return Sample(index, [], None, None, None, tuple(told))


def _last(index: int, turns: list[Turn], _: bool) -> Sample:
    messages: list[Message] = []
    for turn in turns[:-1]:
        # An empty reply keeps the roles in turn where the set has none.
        messages += [*turn.messages, {"role": "assistant", "content": turn.answer or ""}]
    messages += turns[-1].messages
    return Sample(index, messages, None, turns[-1].output_len)


@lru_cache(maxsize=2)  # see open_rows
def _fit_ones(rows: RowFile) -> tuple["array[int]", LeftOut]:
    """Positions of the conversations that can be sent, and how many cannot, by the reason."""
    positions, left_out = array("q"), Counter[str]()
    for position, row in walk(rows):
        try:
            read_conversation(row)
        except UnfitError as reason:
            left_out[str(reason)] += 1
        else:
            positions.append(position)
    return positions, tuple(left_out.most_common())


def _mtbench_turns(row: Row) -> list[Turn]:
    key = "turns" if "turns" in row else "prompt"
    texts = _texts(row, key)
    if not all(map(str.strip, texts)):
        raise RowError(f"has {show(texts)} as {key}, where a list of texts that are not empty must stand")
    answers: list[str | None] = [None] * len(texts)
    if row.get("reference"):
        answers = list(_texts(row, "reference"))
        if len(answers) != len(texts):
            raise RowError(f"has {len(answers)} reference answers for {len(texts)} turns")
    return [Turn(*each) for each in zip(texts, answers, _lengths(row, len(texts)), strict=True)]


def _texts(row: Row, key: str) -> list[str]:
    texts = row.get(key)
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise RowError(f"has {show(texts)} as {key}, where a list of texts must stand")
    return texts


def _lengths(row: Row, turns: int) -> list[int | None]:
    """The output length of each turn: one for all, or a list with one for each."""
    key = length_key(row, USUAL)
    given = row.get(key)
    if not isinstance(given, list):
        return [output_len(row, key)] * turns
    if len(given) != turns:
        raise RowError(f"has {len(given)} lengths as {key} for {turns} turns")
    return [output_len({key: length}, key) for length in given]
