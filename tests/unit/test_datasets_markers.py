"""Markers in front of prompts."""

import json
import re
from typing import Any

import pytest

from fastbench._core.splice import members
from fastbench.datasets import Marker, RawRequest, Sample, Turn

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
    ("body", "found"),
    [
        (b'{"a":1.0, "messages" : [{"role":"user","content":"why"}],"b":"\\u0062"}', ["messages", 0, "content"]),
        (b'{"prompt":"why", "n": 1e0}', ["prompt"]),
        (b'{"inputs":"why","parameters":{"x": 2.50}}', ["inputs"]),
        (b'{"text_input":"why"}', ["text_input"]),
    ],
)
def test_whole_requests(body: bytes, found: list[Any]) -> None:
    """The prompt of a whole request gets the marker, whatever its name; all else stays byte for byte."""
    raw = RawRequest(body, members(body) or (), "/p", b"{}")
    marked_raw = marked("", raw=raw).raw
    assert marked_raw is not None
    text: Any = json.loads(marked_raw.body)
    for step in found:
        text = text[step]
    marker = marker_of(text, "why")
    rest = marked_raw.body.replace(json.dumps(f"{marker}\n\n")[1:-1].encode(), b"")
    assert (rest, marked_raw.members) == (body, members(marked_raw.body))
    assert (marked_raw.path, marked_raw.headers) == ("/p", b"{}")


def test_several_prompts_in_one_request() -> None:
    """Each prompt of a request that has several, as texts or token ids, gets the marker."""
    body = json.dumps({"prompt": ["why", "how"]}).encode()
    raw = marked("", raw=RawRequest(body, members(body) or ())).raw
    assert raw is not None
    first, second = json.loads(raw.body)["prompt"]
    assert marker_of(first, "why") == marker_of(second, "how")
    ids: Any = [[1, 2], [3, 4]]
    found: Any = marked(ids).prompt
    assert [one[-2:] for one in found] == ids
    assert [len(one) for one in found] == [8, 8]


def test_sessions_of_whole_requests() -> None:
    """Each request of a session has the session's marker, as each begins with what was said before."""
    bodies = [json.dumps({"messages": [USER] * count}).encode() for count in (1, 2)]
    turns = tuple(Turn("", raw=RawRequest(body, members(body) or ())) for body in bodies)
    first, second = (json.loads(turn.raw.body)["messages"] for turn in marked("", turns=turns).turns if turn.raw)
    assert marker_of(first[0]["content"], "why") == marker_of(second[0]["content"], "why")
    assert second[1] == USER
