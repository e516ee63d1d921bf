"""Conversations in the format of ShareGPT."""

import random
from array import array
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import orjson

from fastbench.config import show
from fastbench.config.fields import Seed, role_of
from fastbench.datasets.conversations.turns import ConversationConfig, open_conversations, turn_lengths
from fastbench.datasets.files import FileDataset
from fastbench.datasets.rows import Row, RowFile, open_rows, walk
from fastbench.datasets.samples import DatasetFormat, LeftOut, Turn
from fastbench.errors import ConfigError
from fastbench.tokenizer import Message, TokenMeasure, load_tokenizer

# The fields of a row that may hold its turns.
_LISTS = ("conversations", "conversation", "messages", "items")
_SPEAKERS, _WORDS = ("from", "role"), ("value", "content", "text")
_JOINT = "\n\n"
_USED = frozenset({*_LISTS, "system"})


class ShareGptConfig(ConversationConfig, frozen=True, kw_only=True, tag_field="type", tag="sharegpt"):
    """Conversations in the format of ShareGPT."""

    answer_lengths: bool = False
    """Ask each turn for as many tokens as the set's reply has; needs a tokenizer."""
    shuffle: bool = False
    seed: Seed = 0
    """For `shuffle`."""


def open_sharegpt(config: ShareGptConfig, measure: TokenMeasure) -> FileDataset:
    """The conversations that the user begins and a reply ends; others are left out, and counted by the reason.

    Raises ConfigError where `answer_lengths` asks for a tokenizer that is not there.
    """
    if config.answer_lengths and not measure.tokenizer:
        raise ConfigError(
            f"the data set {config.abbr}: answer_lengths is True, but the model has no tokenizer; "
            "set path of the model (--tokenizer) to its tokenizer.json"
        )
    rows = open_rows(config.path)
    positions, left_out = _fit_ones(rows)
    if config.shuffle:
        positions = positions[:]
        random.Random(config.seed).shuffle(positions)
    count = load_tokenizer(measure.tokenizer).count if config.answer_lengths else None

    def turns(row: Row) -> list[Turn]:
        said = read_conversation(row)
        return [
            Turn(
                each.text, each.reply, length or (max(1, count(each.reply)) if count else None), each.role, each.before
            )
            for each, length in zip(said, turn_lengths(row, len(said)), strict=True)
        ]

    return open_conversations(rows, config, positions, turns, used=_USED, left_out=left_out)


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


class UnfitError(ValueError):
    """Why a conversation cannot be sent; follows "conversations" in messages."""


class Exchange(NamedTuple):
    """One message to the model, and its reply in the set."""

    before: tuple[Message, ...]
    """Messages between the last reply and the one that is answered: of the system, or of tools."""
    role: str
    """user, or tool."""
    text: str
    reply: str


def read_conversation(row: Row) -> list[Exchange]:
    """The turns of a row. Neighbours of one role are one message. Raises UnfitError."""
    turns: list[Exchange] = []
    before: list[Message] = []
    for role, text in _messages(row):
        if role != "assistant":
            before.append({"role": role, "content": text})
            continue
        turns.append(_turn(before, text, first=not turns))
        before = []
    if before or not turns:
        raise UnfitError("that do not end with a reply")
    return turns


def _turn(before: list[Message], reply: str, *, first: bool) -> Exchange:
    if first and not any(message["role"] == "user" for message in before):
        raise UnfitError("that do not begin with the user")
    if not before or before[-1]["role"] == "system":
        raise UnfitError("with a reply before any question")
    *others, asked = before
    if any(message["role"] == "user" and not message["content"].strip() for message in before):
        raise UnfitError("with a user turn without text")
    return Exchange(tuple(others), asked["role"], asked["content"], reply)


def _messages(row: Row) -> Iterator[tuple[str, str]]:
    """(role, text), no two of one role in a row."""
    for role, group in groupby(_items(row), key=lambda item: item[0]):
        texts = [text for _, text in group]
        yield role, texts[0] if len(texts) == 1 else _JOINT.join(filter(str.strip, texts))


def _items(row: Row) -> Iterator[tuple[str, str]]:
    items = next((found for key in _LISTS if (found := _list(row.get(key)))), None)
    if not items:
        raise UnfitError("without turns")
    # Some sets have what the system says beside the turns.
    if isinstance(system := row.get("system"), str):
        items = [{"from": "system", "value": system}, *items]
    for item in items:
        text = _text(_first(item, _WORDS))
        name = _first(item, _SPEAKERS)
        role = role_of(name)
        if role is None:
            raise UnfitError(f"with the unknown role {show(name)}")
        if text.strip() or role != "system":
            yield role, text


def _list(given: object) -> list[Any] | None:
    """Turns, which tables hold as JSON text."""
    if isinstance(given, str):
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            return None
    return given if isinstance(given, list) else None


def _text(given: object) -> str:
    """The text of a turn, also in typed parts. Raises UnfitError where there is none, or images and the like are."""
    if isinstance(given, list) and given:
        parts = [part if isinstance(part, str) else _first(part, ("text",)) for part in given]
        if not all(isinstance(part, str) for part in parts):
            raise UnfitError("with a turn of images or other parts beside text")
        given = "".join(map(str, parts))
    if not isinstance(given, str):
        raise UnfitError("with a turn that holds no text")
    return given


def _first(item: object, keys: tuple[str, ...]) -> object:
    """The first of the fields that holds anything."""
    return next((item[key] for key in keys if item.get(key) is not None), None) if isinstance(item, dict) else None


SHAREGPT = DatasetFormat(ShareGptConfig, open_sharegpt)
