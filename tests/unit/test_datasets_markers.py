"""Markers in front of prompts."""

import re
from typing import Any

import orjson
import pytest

from fastbench.datasets import Marker, Sample, Turn
from fastbench.datasets.raw.row import raw_row

SYSTEM = {"role": "system", "content": "be brief"}
USER = {"role": "user", "content": "why"}


def marked(prompt: Any, where: str = "first-turn", place: int = 0, seed: int = 1, **more: Any) -> Sample:
    return Marker(where, seed).mark(Sample(0, prompt, **more), place)


def marker_of(text: str, rest: str) -> str:
    """What stands in front of `rest`, seen to be a marker."""
    marker, gap, found = text.rpartition("\n\n")
    assert (gap, found) == ("\n\n", rest)
    assert re.fullmatch("[a-z]{4}( [a-z]{4}){5}", marker)
    return marker


def test_each_place_and_seed_has_another_marker() -> None:
    """A text has a marker in front, the same for one place and seed, another one for each other."""
    markers = [marker_of(str(marked("a", place=place, seed=seed).prompt), "a") for place in (0, 1) for seed in (1, 2)]
    assert len(set(markers)) == 4
    assert marked("a", place=1) == marked("a", place=1)


@pytest.mark.parametrize(("where", "at"), [("first-turn", 1), ("system", 0)])
def test_messages(where: str, at: int) -> None:
    """It stands in front of the first user message or of all messages, and every other one stays as it is."""
    found: list[Any] = marked([SYSTEM, USER, USER], where).prompt  # type: ignore[assignment]
    marker_of(found[at]["content"], [SYSTEM, USER][at]["content"])
    assert [found[k] for k in range(3) if k != at] == [one for k, one in enumerate([SYSTEM, USER, USER]) if k != at]


def test_contents_of_other_shapes() -> None:
    """A content of parts gets one more; AISBench's `prompt` is a content; a message without text stays."""
    parts = [{"type": "image_url", "image_url": {"url": "x"}}]
    (found,) = marked([{"role": "user", "content": parts}]).prompt
    assert found["content"][1:] == parts  # type: ignore[index]
    marker_of(found["content"][0]["text"], "")  # type: ignore[index]
    (found,) = marked([{"role": "HUMAN", "prompt": "why"}]).prompt
    marker_of(found["prompt"], "why")  # type: ignore[index]
    assert marked([{"role": "user", "content": None}]).prompt == [{"role": "user", "content": None}]


def test_token_ids_and_planned_lengths() -> None:
    """Token ids get six of their own in front; a planned length counts what was added, if it was known."""
    ids = marked([5, 6, 7, 8], input_len=4)
    assert ids.prompt[6:] == [5, 6, 7, 8]
    assert set(ids.prompt) == {5, 6, 7, 8}
    assert (ids.input_len, marked("a", input_len=10).input_len, marked("a").input_len) == (10, 17, None)


@pytest.mark.parametrize("where", ["first-turn", "system"])
def test_conversations(where: str) -> None:
    """Of a conversation the first turn is marked, or what its history begins with; the later turns are not."""
    turns = (Turn("why", before=(SYSTEM,)), Turn("and then"))
    found = marked([], where, turns=turns)
    assert found.turns[1] == turns[1]
    text, before = found.turns[0].text, found.turns[0].before[0]["content"]
    marker_of(*((text, "why") if where == "first-turn" else (before, "be brief")))
    assert "\n\n" not in (before if where == "first-turn" else text)
    history: list[Any] = marked([SYSTEM], "system", turns=(Turn("why"),)).prompt  # type: ignore[assignment]
    marker_of(history[0]["content"], "be brief")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"model": "m", "messages": [SYSTEM, USER], "n": 1}, ["messages", 1, "content"]),
        ({"prompt": "why", "max_tokens": 3}, ["prompt"]),
        ({"prompt": ["why", "how"]}, ["prompt", 0]),
        ({"inputs": "why", "parameters": {"max_new_tokens": 3}}, ["inputs"]),
        ({"text_input": "why"}, ["text_input"]),
    ],
)
def test_whole_requests(body: dict[str, Any], path: list[Any]) -> None:
    """A row that is a request gets its marker in its body, whatever names the prompt, and nothing else changes."""
    for text in (orjson.dumps(body), orjson.dumps({"body": body, "class": "a"})):
        found = marked("", raw=raw_row(text).request).raw
        assert found is not None
        got = orjson.loads(found.body)
        holder, asked = got, body
        for step in path[:-1]:
            holder, asked = holder[step], asked[step]
        marker_of(holder[path[-1]], asked[path[-1]])
        holder[path[-1]] = asked[path[-1]]
        if isinstance(body.get("prompt"), list):
            marker_of(got["prompt"][1], "how")
            got["prompt"][1] = "how"
        assert got == body


def test_sessions_of_whole_requests() -> None:
    """Each request of a session has the same marker in front: its later ones find their own beginning in the cache."""
    bodies = [{"messages": [USER]}, {"messages": [USER, {"role": "assistant", "content": "so"}, USER]}]
    turns = tuple(Turn("", "", raw=raw_row(orjson.dumps(body)).request) for body in bodies)
    found = [orjson.loads(turn.raw.body)["messages"] for turn in marked("", turns=turns).turns if turn.raw]
    first, second = (marker_of(messages[0]["content"], "why") for messages in found)
    assert first == second
    assert found[1][1:] == bodies[1]["messages"][1:]
