"""The mock's reading of request bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from every import every
from hypothesis import given
from hypothesis import strategies as st

from fastbench.mock.requests.body import inspect_body

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def read(body: Any, chat: bool = True) -> dict[str, Any]:
    return inspect_body(
        body if isinstance(body, bytes) else json.dumps(body).encode(), "chat" if chat else "completions"
    )


def messages(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


def is_json(text: bytes) -> bool:
    """Python's own verdict; its extra words (NaN, Infinity) are not JSON."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        json.loads(text.decode(), parse_constant=refuse)
    except ValueError:
        return False
    return True


def test_every_field_is_read_wherever_it_stands() -> None:
    """All fields that the mock knows are found among fields that it does not know."""
    body = {
        "temperature": 0.5, "extra": [{"max_tokens": 1}, "stream"], **messages("a b"), "max_tokens": 7, "n": 2,
        "stream": True, "stream_options": {"x": None, "include_usage": True, "continuous_usage_stats": True},
        "min_tokens": 3, "ignore_eos": True, "return_token_ids": True, "model": "m",
    }  # fmt: skip
    assert read(body) == {
        "stream": True, "include_usage": True, "continuous_usage": True, "return_token_ids": True, "ignore_eos": True,
        "details": False, "max_tokens": 7, "min_tokens": 3, "choices": 2, "prompts": 1, "prompt_tokens": 2,
        "model": b"m",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ("one two three", 3), ("  one\n\ttwo \r\n", 2), ("", 1), ("a" * 12, 1), ("a" * 13, 2), ("漢" * 25, 3),
        ("\u00a0", 1), ("q\\u0020", 1), ('say "x"', 2), (None, 1), ([{"type": "text", "text": "a b"}], 2),
        ([{"type": "image_url", "image_url": {"url": "u"}}, {"type": "text", "text": "c"}], 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ascii_only", [True, False])
def test_prompt_tokens_are_words_and_long_words_count_more(content: Any, tokens: int, ascii_only: bool) -> None:
    """A word is a token, each further twelve characters one more, however the text is escaped."""
    text = json.dumps(messages(content), ensure_ascii=ascii_only).encode()
    assert read(text)["prompt_tokens"] == tokens


@pytest.mark.parametrize(
    ("prompt", "prompts", "tokens"),
    [("a b", 1, 2), ([5, 6, 7], 1, 3), (["a", "b c"], 2, 3), ([[1, 2], [3]], 2, 3)],
)
def test_a_prompt_may_be_text_ids_or_a_list(prompt: Any, prompts: int, tokens: int) -> None:
    """The four forms of `prompt` give the number of prompts and of tokens."""
    found = read({"prompt": prompt}, chat=False)
    assert (found["prompts"], found["prompt_tokens"]) == (prompts, tokens)


def test_a_key_with_escapes_is_the_same_key() -> None:
    """`stre\\u0061m` is `stream`."""
    assert read(b'{"messages":[{"content":"a"}],"stre\\u0061m":true}')["stream"]


def test_the_last_of_equal_keys_counts() -> None:
    """A repeated key replaces the value before it, as in Python's json."""
    assert read(b'{"prompt":"a b c","prompt":"a","max_tokens":3,"max_tokens":4}', chat=False)["max_tokens"] == 4
    assert read(b'{"prompt":"a b c","prompt":"a"}', chat=False)["prompt_tokens"] == 1


@pytest.mark.parametrize(
    ("fields", "error", "param"),
    [
        ({"max_tokens": 0}, "range", "max_tokens"), ({"max_tokens": "5"}, "type", "max_tokens"),
        ({"max_tokens": 1.5}, "type", "max_tokens"), ({"max_tokens": 1e30}, "range", "max_tokens"),
        ({"max_completion_tokens": []}, "type", "max_completion_tokens"), ({"n": 0}, "range", "n"),
        ({"stream": 1}, "type", "stream"), ({"stream_options": []}, "type", "stream_options"),
        ({"min_tokens": 9, "max_tokens": 8}, "range", "min_tokens"), ({"model": 1}, "type", "model"),
        ({"messages": "x"}, "type", "messages"), ({"messages": []}, "missing", "messages"),
        ({"messages": [1]}, "type", "messages"), ({"messages": [{"content": 1}]}, "type", "messages"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(fields: dict[str, Any], error: str, param: str) -> None:
    """A field of a wrong type or range is told by name."""
    found = read({**messages("a"), **fields})
    assert (found["error"], found["param"]) == (error, param)


def test_null_is_as_good_as_absent() -> None:
    """Optional fields may be null, and a whole number may be written as a float."""
    fields = {"max_tokens": None, "stream": None, "stream_options": None, "n": 2.0}
    found = read({**messages("a"), **fields})
    assert (found["max_tokens"], found["stream"], found["choices"]) == (-1, False, 2)


@given(VALUES)
def test_unknown_values_are_skipped_whole(value: Any) -> None:
    """Any JSON value of an unknown field leaves the fields around it as they are."""
    found = read({"before": value, "max_tokens": 5, **messages("a b"), "after": value, "n": 3})
    assert (found["max_tokens"], found["choices"], found["prompt_tokens"]) == (5, 3, 2)


@given(VALUES, st.data())
def test_broken_json_is_refused_exactly_when_python_refuses_it(value: Any, data: st.DataObject) -> None:
    """After a byte is changed, dropped or added, the verdict equals that of Python's json."""
    text = bytearray(json.dumps({"x": value, **messages("a")}, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    at = data.draw(st.integers(0, len(text) - 1))
    text[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    if is_json(bytes(text)) and not isinstance(json.loads(text), dict):
        return
    assert (read(bytes(text)).get("error") != "json") == is_json(bytes(text))


@every("size", range(40))
def test_every_cut_of_a_body_is_broken(size: int) -> None:
    """A body that ends early is refused, and the place is where it ends."""
    text = json.dumps({"prompt": "é\\u00e9\n", "n": 1.5e2, "t": [True, None]}).encode()
    cut = text[: size * len(text) // 40]
    assert read(cut, chat=False) == {"error": "json", "param": None, "offset": pytest.approx(len(cut), abs=5)}


def test_deep_nesting_is_refused() -> None:
    """Nesting that would exhaust the stack is not walked."""
    assert read(b'{"x":' + b"[" * 100_000, chat=False)["error"] == "json"
