"""What one event says: rules, the memo of ordinary events, and what is no JSON object."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from every import every
from hypothesis import given
from hypothesis import strategies as st
from linear import growth

from fastbench._core.wire import MAX_DEPTH, OutputReader, OutputSpec
from fastbench.dialects.apis.openai import CHAT_RULES, COMPLETIONS_RULES
from fastbench.dialects.apis.tgi import GENERATE_RULES

CHAT = OutputSpec(CHAT_RULES)
COMPLETIONS = OutputSpec(COMPLETIONS_RULES)
KIB = 1024
# Texts that look like JSON, like event streams, like their own escapes.
TEXTS = (
    "", "a", "Hello, world", '"', "\\", '\\"', "\\\\", '\\\\"', 'x\\', '","finish_reason":"stop', "[DONE]", "data:",
    "data: [DONE]\n\n", '"}}],"error":{"a":1}', "}", "{", "]", "\n", "\t", "\x00", "ü", "😀", "\u2028", "null", " ",
    '"}}]}', ":", ",", "\\u0041", "\ud83d",
)  # fmt: skip


def say(document: object, spec: OutputSpec = CHAT, **dump: Any) -> dict[str, Any]:
    data = document if isinstance(document, bytes) else json.dumps(document, **dump).encode()
    return OutputReader(spec).read(data)


def delta(**part: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": part}]}


@pytest.mark.parametrize(
    ("part", "role"),
    [
        ({"content": "a"}, b"t"),
        ({"refusal": "a"}, b"t"),
        ({"reasoning": "a"}, b"r"),
        ({"reasoning_content": "a"}, b"r"),
        ({"tool_calls": [{"index": 0, "function": {"arguments": "a"}}]}, b"x"),
        ({"tool_calls": [{"index": 0, "id": "i", "type": "function", "function": {"name": "a"}}]}, b"x"),
    ],
)
def test_output_in_each_field(part: dict[str, object], role: bytes) -> None:
    """Content, refusal, reasoning and tool calls are output, in a stream's delta and in a whole message."""
    for place in ("delta", "message"):
        found = say({"choices": [{"index": 0, place: part}]})
        assert found["text"]
        assert found["literals"] == role + b'"a"\n'


NO_TEXT: list[object] = [
    *(None, "", {}, [], 0, False, True, 7, [""], [[]], [{}], [7, None], {"text": ""}, {"text": None}, {"text": []}),
    *([{"type": "text", "text": ""}], [{"type": "text"}], {"id": "a", "type": "text", "signature": "abc"}),
    *([{"type": "redacted_thinking", "data": "abc"}], [{"type": "image_url", "image_url": {"url": "data:"}}]),
]


@every("value", NO_TEXT)
@every("field", ["content", "refusal", "reasoning", "reasoning_content", "reasoning_details"])
def test_no_output_without_text(field: str, value: object) -> None:
    """A value without a piece of text in it is no output, whatever its shape."""
    assert not say(delta(**{field: value}))["text"]


SHAPES: list[tuple[object, bytes]] = [
    (["a"], b't"a"\n'),
    ({"text": "a"}, b't"a"\n'),
    ({"content": "a"}, b't"a"\n'),
    ({"type": "text", "text": {"value": "a", "annotations": []}}, b't"a"\n'),
    ([{"type": "text", "text": "a"}], b't"a"\n'),
    ([{"text": "a", "type": "output_text"}, {"type": "text", "text": "b"}], b't"a"\nt"b"\n'),
    ([{"type": "thinking", "thinking": "a"}], b'r"a"\n'),
    ([{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}], b'r"a"\n'),
    ([{"text": "a", "type": "reasoning"}], b'r"a"\n'),
    ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}]}], b'r"a"\n'),
    ([{"type": "thinking", "thinking": "a"}, {"type": "text", "text": "b"}], b'r"a"\nt"b"\n'),
    ([{"type": "tool_use", "id": "i", "name": "f", "input": {"x": 1}}], b'x"f"\nx"1"\n'),
    ([{"type": "refusal", "refusal": "a"}], b't"a"\n'),
]


@pytest.mark.parametrize(("value", "literals"), SHAPES, ids=repr)
def test_output_of_any_shape(value: object, literals: bytes) -> None:
    """Each piece of text in a list of parts or an object is output, reasoning and calls by their type."""
    for place in ("delta", "message"):
        found = say({"choices": [{"index": 0, place: {"role": "assistant", "content": value}}]})
        assert (found["text"], found["literals"]) == (True, literals)


@pytest.mark.parametrize(
    "part",
    [
        *({name: "a"} for name in ("reasoning_text", "reasoning_details", "thinking", "thinking_content", "thoughts")),
        {"reasoning_content": [{"type": "text", "text": "a"}]},
        {"reasoning_content": {"text": "a"}},
        {"reasoning": {"summary": ["a"]}},
        {"reasoning_details": [{"type": "reasoning.text", "text": "a", "signature": "s", "index": 0}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "a"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "a", "signature": "s"}]},
    ],
    ids=repr,
)
def test_reasoning_under_any_name(part: dict[str, object]) -> None:
    """Reasoning is output under each name that services give it, and no answer."""
    found = say(delta(**part))
    assert (found["text"], found["answer"], found["reasoning"], found["literals"]) == (True, False, True, b'r"a"\n')


@pytest.mark.parametrize(
    "part",
    [
        {"function_call": {"name": "a", "arguments": ""}},
        {"function_call": {"arguments": "a"}},
        {"tool_calls": [{"index": 0, "type": "function", "id": "i", "function": {"arguments": {"x": "a"}}}]},
        {"tool_calls": [{"index": 0, "type": "custom", "custom": {"input": "a"}}]},
        {"tool_calls": [{"id": "i", "name": "a"}]},
        {"tool_calls": {"name": "a"}},
        {"function_call": {"name": "a", "arguments": None}},
    ],
    ids=repr,
)
def test_calls_of_any_form(part: dict[str, object]) -> None:
    """A call of a tool is output, in the older form, with arguments that are no string, and without a list."""
    found = say(delta(**part))
    assert (found["text"], found["answer"], found["literals"]) == (True, True, b'x"a"\n')


@pytest.mark.parametrize(
    ("part", "literals"),
    [
        ({"reasoning": "a", "reasoning_content": "a"}, b'r"a"\n'),
        ({"reasoning_content": "a b", "reasoning_details": [{"text": "a"}, {"text": " b"}]}, b'r"a b"\n'),
        ({"content": [{"type": "thinking", "thinking": "a"}], "reasoning_content": "a"}, b'r"a"\n'),
        ({"reasoning": "", "reasoning_content": "a"}, b'r"a"\n'),
        ({"content": "a", "refusal": "a"}, b't"a"\n'),
        ({"content": "a", "refusal": "b"}, b't"a"\nt"b"\n'),
        ({"content": "a", "reasoning": "a"}, b't"a"\nr"a"\n'),
        ({"reasoning": "a", "reasoning_content": "b"}, b'r"a"\nr"b"\n'),
    ],
    ids=repr,
)
def test_the_same_text_under_two_names(part: dict[str, object], literals: bytes) -> None:
    """A text that stands in an event twice counts once; reasoning beside an answer is not the same text."""
    assert say(delta(**part))["literals"] == literals


@pytest.mark.parametrize("piece", [{"content": "a"}, {"content": ""}, {}, {"role": "assistant"}], ids=repr)
def test_a_message_beside_a_delta_repeats(piece: dict[str, str]) -> None:
    """In a stream the whole message beside a delta is no output, in whichever order they stand; in a document it is."""
    whole = {"role": "assistant", "content": "all of it"}
    for choice in ({"delta": piece, "message": whole}, {"message": whole, "delta": piece}):
        found = say({"choices": [{"index": 0, **choice}]})
        assert found["literals"] == (b't"a"\n' if piece.get("content") else b"")
    assert say({"choices": [{"index": 0, "delta": None, "message": whole}]})["of_whole"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"choices": []},
        {"choices": None},
        {"choices": [{"index": 0, "delta": {"role": "assistant"}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": []}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"name": "", "arguments": ""}}]}}]},
        {"content": "a", "delta": {"content": "a"}, "choices2": [{"delta": {"content": "a"}}]},
        {"x": {"choices": [{"delta": {"content": "a"}}]}},
        {"choices": {"delta": {"content": "a"}}},
        {"choices": [[{"delta": {"content": "a"}}]]},
        {"choices": [{"logprobs": {"content": [{"token": "a"}]}, "delta": {}}]},
        {"choices": [{"text": "a"}]},
    ],
    ids=repr,
)
def test_no_output_elsewhere(document: object) -> None:
    """Text at a path that no rule names is not output."""
    assert not say(document)["text"]


def test_completions_have_their_own_path() -> None:
    """The completions rules take a choice's `text` and not a chat's delta."""
    assert say({"choices": [{"index": 0, "text": "a"}]}, COMPLETIONS)["text"]
    assert not say(delta(content="a"), COMPLETIONS)["text"]


@pytest.mark.parametrize("spaces", [None, (",", ":"), (" , ", " : "), (",\n", ":\t")], ids=repr)
def test_spacing_does_not_matter(spaces: tuple[str, str] | None) -> None:
    """Compact and Python-style JSON say the same."""
    document = {"choices": [{"index": 1, "delta": {"content": "a"}, "finish_reason": "stop"}], "usage": None}
    found = say(document, separators=spaces)
    assert (found["text"], found["finish"], found["choices"], found["finished"]) == (True, True, 0b10, 0b10)
    assert found["literals"] == b't"a"\n'


def test_space_around_the_document_does_not_matter() -> None:
    """Blanks before and behind an object belong to no value."""
    assert say(b' \t\r\n{"choices" : [ { "delta" : { "content" : "a" } } ] } \n')["text"]


def test_key_order_does_not_matter() -> None:
    """A choice's index counts for its finish reason also where it stands behind it, as in llama-server's events."""
    found = say({"choices": [{"finish_reason": "stop", "delta": {"content": "a"}, "index": 3}], "id": "x"})
    assert (found["choices"], found["finished"]) == (0b1000, 0b1000)


@pytest.mark.parametrize("index", [None, "x", -1, {}, 1 << 40], ids=repr)
def test_a_choice_without_index_has_its_place(index: object) -> None:
    """Without a usable index a choice is the one of its place in the list."""
    found = say({"choices": [{"delta": {}}, {"index": index, "finish_reason": "stop"}]})
    assert (found["choices"], found["finished"]) == (0b11, 0b10)


def test_finish_of_one_choice_is_not_that_of_another() -> None:
    """Of two choices in one event only the one with a finish reason has ended."""
    found = say({"choices": [{"index": 0, "finish_reason": "stop"}, {"index": 1, "finish_reason": None}]})
    assert (found["choices"], found["finished"]) == (0b11, 0b01)


def test_choices_beyond_the_bits() -> None:
    """Choices from 63 on share a bit instead of being lost."""
    found = say({"choices": [{"index": 63}, {"index": 500, "finish_reason": "stop"}]})
    assert found["choices"] == found["finished"] == 1 << 63


@pytest.mark.parametrize(("reason", "finish"), [("stop", True), ("", False), (None, False), (False, False)])
def test_finish_reason(reason: object, finish: bool) -> None:
    """A finish reason is one that is not empty."""
    assert say({"choices": [{"finish_reason": reason}]})["finish"] is finish


@pytest.mark.parametrize(
    ("error", "is_error"),
    [(None, False), ("", False), (False, False), ("boom", True), ({"message": "boom"}, True), ([1], True), (1, True)],
    ids=repr,
)
def test_error(error: object, is_error: bool) -> None:
    """`"error": null` is no error; a message or an object is one, whatever stands beside it."""
    assert say({**delta(content="a"), "error": error})["error"] is is_error


def test_usage() -> None:
    """Prompt, completion and cached tokens are read wherever they stand in `usage`."""
    tokens = {"completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}, "prompt_tokens": 19}
    assert say({"usage": tokens, "choices": []})["usage"] == (19, 7, 3)


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        ({"usage": {"input_tokens": 19, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 3}}}, (19, 7, 3)),
        ({"usage": {"prompt_tokens": 19, "completion_tokens": 7, "prompt_cache_hit_tokens": 3}}, (19, 7, 3)),
        ({"usage": {"prompt_tokens": 19, "completion_tokens": 7, "cached_tokens": 0}}, (19, 7, 0)),
        ({"choices": [{"index": 0, "usage": {"prompt_tokens": 19, "completion_tokens": 7}}]}, (19, 7, -1)),
        ({"usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}}, (-1, -1, -1)),
        ({"usage": {"prompt_tokens": 19, "completion_tokens": 0}}, (19, -1, -1)),
        ({"usage": {"prompt_tokens": None, "completion_tokens": None, "prompt_tokens_details": None}}, (-1, -1, -1)),
        ({"usage": None}, (-1, -1, -1)),
    ],
    ids=repr,
)
def test_usage_under_any_name(document: dict[str, object], counts: tuple[int, int, int]) -> None:
    """Usage is read under the names of several services; zeros and nulls are no counts."""
    assert say(document)["usage"] == counts


@pytest.mark.parametrize(
    "usage",
    [
        {"completion_tokens_details": {"reasoning_tokens": 5}},
        {"output_tokens_details": {"reasoning_tokens": 5}},
        {"reasoning_tokens": 5},
    ],
    ids=repr,
)
def test_reasoning_tokens(usage: dict[str, object]) -> None:
    """Reasoning tokens are read wherever they stand in `usage`."""
    assert say({"usage": {"total_tokens": 9, **usage}})["usage_more"] == (9, 5)


@pytest.mark.parametrize(
    ("reason", "word", "given_up"),
    [
        *((word, word, False) for word in ("stop", "length", "tool_calls", "function_call", "content_filter")),
        *((word, word, False) for word in ("eos_token", "end_turn", "max_tokens", "stop_sequence", "repetition")),
        *((word, word, True) for word in ("abort", "aborted", "error", "cancelled", "timeout", "shutdown")),
        *((word, word, True) for word in ("ABORT", "Error", "insufficient_system_resource")),
        ({"type": "abort", "message": "out of memory"}, "abort", True),
        ({"type": "length", "length": 7}, "length", False),
    ],
    ids=repr,
)
def test_finish_reasons(reason: object, word: str, given_up: bool) -> None:
    """A finish reason ends its choice, in its word; some words say that the request was given up."""
    found = say({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    assert (found["finish"], found["finished"]) == (True, 1)
    assert (found["reason"], found["given_up"]) == (word.encode(), given_up)


@pytest.mark.parametrize("reason", [None, "", "null", {}, {"type": None}], ids=repr)
def test_no_finish_reason(reason: object) -> None:
    """Nothing, and the word `null`, end no choice."""
    assert not say({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})["finish"]


@pytest.mark.parametrize(
    ("document", "is_error"),
    [
        ({"object": "error", "message": "engine died", "code": 500}, True),
        ({"error_code": 50004, "text": "engine died"}, True),
        ({"error_code": 0, "text": "fine"}, False),
        ({"type": "error", "detail": "engine died"}, True),
        ({"error_msg": "engine died"}, True),
        ({"errors": ["engine died"]}, True),
        ({"code": "InternalError", "message": "engine died", "request_id": "7"}, True),
        ({"code": 0, "message": "success"}, False),
        ({"code": 200, "message": "fine"}, False),
        ({"message": "fine"}, False),
        ({"choices": [{"index": 0, "delta": {}, "error": {"message": "engine died"}}]}, True),
        ({"choices": [{"index": 0, "delta": {}, "error": "engine died"}]}, True),
        ({"choices": [{"index": 0, "delta": {}, "error": None}]}, False),
        ({"choices": [{"index": 0, "delta": {"content": "a"}}], "code": 500, "message": "m"}, False),
        *(({"choices": [], "error": none}, False) for none in (None, {}, [], 0, 0.0, "", False, {"message": None})),
        *(({"choices": [], "error": some}, True) for some in (True, 1, "x", {"message": "x"}, ["x"], {"code": 500})),
    ],
    ids=repr,
)
def test_errors_of_any_shape(document: dict[str, object], is_error: bool) -> None:
    """An error is known by its shape; a field for one that is empty is none."""
    assert say(document)["error"] is is_error


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"0", -1), (b"0.0", -1),
        (b"12", 12), (b"12.0", 12), (b"2147483647", 2147483647), (b"2147483648", -1), (b"9" * 40, -1),
        (b"-1", -1), (b"1e3", -1), (b"1.5E2", -1), (b"null", -1), (b"true", -1), (b'"x"', -1), (b'""', -1), (b"{}", -1),
    ],
)  # fmt: skip
def test_counts(written: bytes, read: int) -> None:
    """A count is a whole number above 0 that a row can hold; anything else, a placeholder too, is not known."""
    found = say(b'{"usage":{"completion_tokens":%s}}' % written)
    assert found["usage"] == (-1, read, -1)


def test_token_ids_are_counted() -> None:
    """`token_ids` of all choices add up; `null` and an empty list are none."""
    found = say(
        {
            "prompt_token_ids": [1, 2, 3],
            "choices": [{"token_ids": [5, [6, 7], 8]}, {"token_ids": None}, {"token_ids": []}, {"token_ids": [9]}],
        }
    )
    assert (found["token_ids"], found["prompt_token_ids"]) == (4, 3)


@pytest.mark.parametrize("data", [b"[DONE]", b" [DONE]", b"[DONE] \n"])
def test_done(data: bytes) -> None:
    """`[DONE]` ends the stream, blanks aside."""
    assert OutputReader(CHAT).read(data) == {"done": True}


@every("text", TEXTS)
@every("ascii_only", [True, False])
def test_text_is_kept_as_it_was_written(text: str, ascii_only: bool) -> None:
    """The literal that is kept is the event's own, escapes and all."""
    literal = json.dumps(text, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    found = say(b'{"choices":[{"delta":{"content":%s},"index":0}]}' % literal)
    assert found["literals"] == (b"t" + literal + b"\n" if text else b"")


NOT_OBJECTS = [
    b"", b" ", b"[]", b"[{}]", b"1", b"null", b'"a"', b"x", b"{", b"}", b"{}}", b"{} {}", b"{}x", b"{}\x00", b"\x00{}",
    b'{"a"}', b'{"a":}', b'{"a":1,}', b"{,}", b'{,"a":1}', b'{"a":1 "b":2}', b'{"a":1;"b":2}', b"{a:1}", b"{'a':1}",
    b'{"a":[1,]}', b'{"a":[,1]}', b'{"a":[1 2]}', b'{"a":[}', b'{"a":[1}', b'{"a":{]}', b'{"a":"', b'{"a":"\\"}',
    b'{"a":"x\\\\\\"}', b'{"a":nul}', b'{"a":nullx}', b'{"a":True}', b'{"a":NaN}', b'{"a":tru', b'{"a":-}', b'{"a":+1}',
    b'{"a":.5}', b'{"a":1.}', b'{"a":1.e2}', b'{"a":1e}', b'{"a":1e+}', b'{"a":01}', b'{"a":-01}', b'{"a":1.2.3}',
    b'{"a":1-2}', b'{"a":0x1}', b'{"a":--1}', b'{"a":1', b"[DONE", b"[DONE]x", b"DONE", b"[done]",
]  # fmt: skip


@every("data", NOT_OBJECTS)
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    """Anything but one JSON object is refused, with and without the memo, also behind an ordinary event."""
    reader = OutputReader(CHAT)
    reader.read(json.dumps(delta(content="a")).encode())
    with pytest.raises(ValueError, match="not a JSON object"):
        reader.read(data)
    with pytest.raises(ValueError, match="not a JSON object"):
        OutputReader(CHAT, use_memo=False).read(data)


JSON_PARTS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"a"', b'"', b"null", b"true", b"false", b"1", b"0", b"-", b".", b"e", b" ",
    b'"choices"', b'"delta"', b'"content"', b'"index"', b'"a":', b'{"a":1}',
)  # fmt: skip


@given(st.lists(st.sampled_from(JSON_PARTS), max_size=20).map(b"".join))
def test_json_is_what_orjson_takes(inner: bytes) -> None:
    """Of documents without odd bytes in strings just those are taken that a JSON parser takes."""
    data = b'{"a":' + inner + b"}"
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        with pytest.raises(ValueError, match="not a JSON object"):
            OutputReader(CHAT).read(data)
    else:
        OutputReader(CHAT).read(data)


@pytest.mark.parametrize("number", [b"0", b"-0", b"10", b"1.5", b"-1.25e-7", b"1E+9", b"0.0", b"0e0", b"9" * 400])
def test_numbers(number: bytes) -> None:
    """Every form of a JSON number may stand in an event."""
    assert say(b'{"created":%s,"choices":[{"delta":{"content":"a"}}]}' % number)["text"]


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


def test_nesting_has_a_limit() -> None:
    """A document of the limit is read; one level more, or a million, is refused."""
    say(nested(MAX_DEPTH))
    for data in (nested(MAX_DEPTH + 1), b'{"a":' + b"[" * 1_000_000, b'{"a":' * 1_000_000):
        with pytest.raises(ValueError, match="not a JSON object"):
            say(data)


WHEN = OutputSpec([
    ("delta", "text"),
    ("delta", "reasoning", "type", "thought"),
    ("delta", "tool", "part.kind", "call"),
    ("id", "text", "part.index", "3"),
    ("usage.out", "usage_out", "type", "end"),
    ("response", "final", "type", "end"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("event", "literals"),
    [
        (b'{"delta":"a"}', b't"a"\n'),
        (b'{"delta":"a","type":"text"}', b't"a"\n'),
        (b'{"delta":"a","type":"thought"}', b'r"a"\n'),
        (b'{"type" : "thought" , "delta":"a"}', b'r"a"\n'),
        (b'{"delta":"a","x":{"type":"thought"},"y":["}","type"],"type":"thought"}', b'r"a"\n'),
        (b'{"delta":"a","x":{"type":"thought"}}', b't"a"\n'),
        (b'{"delta":"a","part":{"index":3,"kind":"call"},"type":"thought"}', b'x"a"\n'),
        (b'{"id":"a","part":{"index":3}}', b't"a"\n'),
        (b'{"id":"a","part":{"index":"3"}}', b't"a"\n'),
        (b'{"id":"a","part":{"index":30}}', b""),
        (b'{"id":"a","part":[{"index":3}]}', b""),
        (b'{"delta":"a","type":"thought","type":"text"}', b'r"a"\n'),
    ],
)
def test_a_rule_counts_where_another_field_has_its_value(event: bytes, literals: bytes) -> None:
    """Wherever the field stands, the last rule of a path whose condition holds gives the role; the first key counts."""
    assert say(event, WHEN)["literals"] == literals


def test_conditions_hold_for_counts_and_ends() -> None:
    """A count and a final record under a condition are read in the events in which it holds, and in no others."""
    event = {"usage": {"out": 5}, "response": {"id": "a"}, "type": "end"}
    ended, going_on = say(event, WHEN), say(event | {"type": "begin"}, WHEN)
    assert (ended["finish"], ended["usage"]) == (True, (-1, 5, -1))
    assert (going_on["finish"], going_on["usage"]) == (False, (-1, -1, -1))
    assert WHEN.needs_finish


def test_the_memo_knows_no_text_that_decides() -> None:
    """An event whose text is itself the field of a condition is walked each time; one whose text is another is not."""
    reader = OutputReader(OutputSpec([("type", "text"), ("type", "reasoning", "type", "b"), ("x", "text")]))
    assert [reader.read(b'{"type":"%b"}' % text)["literals"] for text in (b"a", b"b")] == [b't"a"\n', b'r"b"\n']
    assert reader.memo_hits == 0
    assert [reader.read(b'{"type":"","x":"%b"}' % text)["literals"] for text in (b"a", b"b")] == [b't"a"\n', b't"b"\n']
    assert reader.memo_hits == 1


def test_the_memo_knows_no_text_without_quotes() -> None:
    """A number among a call's arguments is output, and a list in its place is not taken for the next such number."""
    events = [
        b'{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":{"a":%b}}}]}}]}' % n for n in (b"5", b"[6,7]")
    ]
    reader = OutputReader(CHAT)
    assert [reader.read(event)["literals"] for event in events] == [b'x"5"\n', b'x"6"\nx"7"\n']


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (("a", "text", "b"), "a rule is"),
        (("a",), "a rule is"),
        (("a", "text", "", "c"), "a condition's path is"),
        (("a", "text", "b[].c", "d"), "a condition's path is"),
        (("a", "text", "b..c", "d"), "a condition's path is"),
    ],
)
def test_a_rule_of_another_form_is_refused(rule: Any, message: str) -> None:
    """Rules have two or four parts, and a condition's field no list on its way."""
    with pytest.raises(ValueError, match=message):
        OutputSpec([rule])


def test_conditions_by_too_many_fields_are_refused() -> None:
    """Four fields may decide, a fifth is refused with all their names."""
    rules = [("a", "text", f"f{number}", "x") for number in range(5)]
    assert OutputSpec(rules[:4]).rules == tuple(rules[:4])
    with pytest.raises(ValueError, match="may name 4 fields, not 5: f0, f1, f2, f3, f4"):
        OutputSpec(rules)


def test_unknown_role_is_refused() -> None:
    """A rule with a role that does not exist is an error when the rules are compiled."""
    for role in ("none", "txt", ""):
        with pytest.raises(ValueError, match="no such role"):
            OutputSpec([("a", role)])


def test_rules_share_their_paths() -> None:
    """Paths with a common beginning, nested lists and names of any bytes find each their own value."""
    spec = OutputSpec([("a.b[].c", "text"), ("a.b[].d.é", "reasoning"), ("a.x", "final"), ("a", "none_of_it")][:3])
    found = say({"a": {"b": [{"c": "1"}, {"d": {"é": "2"}}, {"c": "3"}], "x": {}}}, spec, ensure_ascii=False)
    assert found["literals"] == b't"1"\nr"2"\nt"3"\n'
    assert found["finish"]
    assert spec.needs_finish
    assert not OutputSpec([("a", "text")]).needs_finish


EVENTS = st.one_of(
    st.sampled_from(TEXTS).map(lambda text: delta(content=text)),
    st.text(max_size=8).map(lambda text: delta(content=text)),
    st.sampled_from(TEXTS).map(lambda text: delta(reasoning=text)),
    st.tuples(st.sampled_from(TEXTS), st.sampled_from(TEXTS)).map(lambda two: delta(content=two[0], refusal=two[1])),
    st.sampled_from(TEXTS).map(lambda text: {**delta(content=text), "error": None}),
    st.sampled_from(TEXTS).map(lambda text: {"choices": [{"index": 1, "delta": {"content": text}}]}),
    st.sampled_from(TEXTS).map(lambda text: {"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}),
    st.sampled_from(TEXTS).map(lambda text: {"choices": [{"delta": {"content": text}, "token_ids": [1, 2]}]}),
    st.sampled_from(TEXTS).map(lambda text: {**delta(content=text), "prompt_token_ids": [1, 2]}),
    st.sampled_from(TEXTS).map(lambda text: {**delta(content=text), "usage": {"completion_tokens": 4}}),
    st.just({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
    st.just({"error": {"message": "x"}}),
    st.sampled_from(TEXTS).map(lambda text: delta(content=[{"type": "text", "text": text}])),
    st.sampled_from(TEXTS).map(lambda text: delta(content=[{"type": "thinking", "thinking": text}])),
    st.sampled_from(TEXTS).map(lambda text: delta(reasoning=text, reasoning_content="a")),
    st.sampled_from(TEXTS).map(lambda text: delta(content=text, refusal="a")),
    st.sampled_from(TEXTS).map(lambda text: {"choices": [{"message": {"content": text}, "delta": {"content": "a"}}]}),
    st.sampled_from(TEXTS).map(lambda text: {"choices": [{"message": {"content": text}}]}),
    st.sampled_from(TEXTS).map(lambda text: {**delta(content=text), "usage": {"completion_tokens": 0}}),
    st.sampled_from(TEXTS).map(lambda text: {"choices": [{"delta": {"content": text}, "finish_reason": "abort"}]}),
).map(lambda event: json.dumps(event, separators=(",", ":")).encode())
# Bytes put between an ordinary event's beginning and end: mostly not the inside of one string.
INNER = st.lists(
    st.sampled_from([b'"', b"\\", b"a", b'","b":"', b'\\"', b"\\\\", b'"}}],"error":1,"x":[{"y":{"z":"']), max_size=6
).map(lambda parts: b'{"choices":[{"index":0,"delta":{"content":"%s"}}]}' % b"".join(parts))


def outcome(reader: OutputReader, data: bytes) -> object:
    try:
        return reader.read(data)
    except ValueError:
        return "refused"


@given(st.lists(st.one_of(EVENTS, INNER), max_size=30))
def test_the_memo_changes_nothing(events: list[bytes]) -> None:
    """A stream of events, hostile ones among them, reads the same with and without the memo."""
    quick, slow = OutputReader(CHAT), OutputReader(CHAT, use_memo=False)
    for data in events:
        assert outcome(quick, data) == outcome(slow, data), data


RECORDS = st.tuples(
    st.sampled_from(TEXTS), st.sampled_from((None, "", "all", "all of it")), st.booleans(), st.sampled_from((None, {}))
).map(
    lambda parts: json.dumps(
        {"token": {"text": parts[0], "special": parts[2]}, "generated_text": parts[1], "details": parts[3]}
    ).encode()
)


@given(st.lists(RECORDS, max_size=30))
def test_the_memo_changes_nothing_of_records(records: list[bytes]) -> None:
    """Records of TGI, final ones among them, read the same with and without the memo, in every fact."""
    quick, slow = (OutputReader(OutputSpec(GENERATE_RULES), use_memo=memo) for memo in (True, False))
    for data in records:
        assert outcome(quick, data) == outcome(slow, data), data


def test_the_memo_is_used() -> None:
    """Of events that differ only in their text all but the first need no walk."""
    reader = OutputReader(CHAT)
    for k in range(100):
        found = reader.read(json.dumps(delta(content=f"word {k}")).encode())
        assert found["literals"] == b't"word %d"\n' % k
    assert reader.memo_hits == 99


HOSTILE: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "quotes": (64 * KIB, lambda n: b'{"a":"' + b'\\"' * (n // 2) + b'"}'),
    "backslashes": (64 * KIB, lambda n: b'{"a":"' + b"\\\\" * (n // 2) + b'"}'),
    "backslashes without end": (64 * KIB, lambda n: b'{"a":"' + b"\\" * n),
    "commas": (64 * KIB, lambda n: b'{"a":[' + b"1," * (n // 2) + b"1]}"),
    "keys": (64 * KIB, lambda n: b"{" + b'"a":1,' * (n // 6) + b'"a":1}'),
    "choices": (64 * KIB, lambda n: b'{"choices":[' + b"{}," * (n // 3) + b"{}]}"),
    "one digit string": (64 * KIB, lambda n: b'{"usage":{"completion_tokens":' + b"1" * n + b"}}"),
    "empty strings": (64 * KIB, lambda n: b'{"a":[' + b'"",' * (n // 3) + b'""]}'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work_is_linear(name: str) -> None:
    """Four times the hostile bytes take far less than the sixteen times of quadratic work."""
    size, make = HOSTILE[name]

    def work(count: int) -> Callable[[], object]:
        data = make(count)
        return lambda: outcome(OutputReader(CHAT), data)

    assert growth(work, size) < 8


@pytest.mark.parametrize("key", ["content", "", "contnet", "cxntent", "conten", "Content"])
def test_a_key_is_known_whole(key: str) -> None:
    """Only the key itself is the rule's: not one of its size and outermost letters, nor an empty one."""
    assert say(delta(**{key: "a"}))["text"] is (key == "content")
