"""A conversation in the format of ShareGPT: who said what, in which order."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from fastbench.config.issues import show
from fastbench.config.roles import role_of
from fastbench.datasets.rows import Row
from fastbench.datasets.sample import Message

LISTS = ("conversations", "conversation", "messages", "items")
"""The fields of a row that may hold its turns."""
_SPEAKERS, _WORDS = ("from", "role"), ("value", "content", "text")
_JOINT = "\n\n"


class UnfitError(ValueError):
    """Why a conversation cannot be sent, told after the word "conversations"."""


class Said(NamedTuple):
    """What is said to the model in one turn, and its reply in the set."""

    before: tuple[Message, ...]
    """Messages between the last reply and the one that is answered: of the system, or of tools."""
    role: str
    """user, or tool."""
    text: str
    reply: str


def read_conversation(row: Row) -> list[Said]:
    """The turns of a row. Neighbours of one role are one message. Raises UnfitError."""
    turns: list[Said] = []
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


def _turn(before: list[Message], reply: str, *, first: bool) -> Said:
    if first and not any(message["role"] == "user" for message in before):
        raise UnfitError("that do not begin with the user")
    if not before or before[-1]["role"] == "system":
        raise UnfitError("with a reply to nobody")
    *others, asked = before
    if any(message["role"] == "user" and not message["content"].strip() for message in before):
        raise UnfitError("with a turn of the user without text")
    return Said(tuple(others), asked["role"], asked["content"], reply)


def _messages(row: Row) -> Iterator[tuple[str, str]]:
    """(role, text), no two of one role in a row."""
    for role, group in groupby(_items(row), key=lambda item: item[0]):
        texts = [text for _, text in group]
        yield role, texts[0] if len(texts) == 1 else _JOINT.join(filter(str.strip, texts))


def _items(row: Row) -> Iterator[tuple[str, str]]:
    items = next((row[key] for key in LISTS if isinstance(row.get(key), list)), None)
    if not items:
        raise UnfitError("without turns")
    # Some sets have what the system says beside the turns.
    if isinstance(system := row.get("system"), str):
        items = [{"from": "system", "value": system}, *items]
    for item in items:
        text = _first(item, _WORDS)
        if not isinstance(text, str):
            raise UnfitError("with a turn that holds no text")
        name = _first(item, _SPEAKERS)
        role = role_of(name)
        if role is None:
            raise UnfitError(f"with the unknown role {show(name)}")
        if text.strip() or role != "system":
            yield role, text


def _first(item: object, keys: tuple[str, ...]) -> object:
    return next((item[key] for key in keys if key in item), None) if isinstance(item, dict) else None
