"""Responses without streaming: one JSON document."""

from __future__ import annotations

import json

import pytest
from replies import CHAT, COMPLETIONS, DONE, FINISH, Result, delta, document, event, head, read, stream

from fastbench._core.wire import MAX_NOTE, OutputSpec, ReplyReader

MS = 1_000_000


def reply(**more: object) -> bytes:
    choice = {"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}
    tokens = {"prompt_tokens": 5, "completion_tokens": 2}
    return json.dumps({"choices": [choice], "usage": tokens, **more}).encode()


def test_document() -> None:
    """A whole reply is one output event that arrives at its end, with the counts of its usage."""
    reader = ReplyReader(CHAT, stream=False, keep_text=True)
    raw = document(reply())
    reader.feed(raw[:100], 1 * MS)
    reader.feed(raw[100:], 2 * MS)
    result = Result(reader.end())
    row = result.row
    assert result.outcome == "ok"
    assert (row["first_token_ns"], row["last_token_ns"], row["end_ns"]) == (2 * MS, 2 * MS, 2 * MS)
    assert (row["headers_ns"], row["events"], row["data_events"]) == (1 * MS, 1, 0)
    assert (result.input, result.output) == ((5, "usage"), (2, "usage"))
    assert result.text == b't"Hello"\n'


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"", "empty"),
        (b"oh", "malformed"),
        (reply()[:-1], "malformed"),
        (reply() + b"x", "malformed"),
        (b"{}", "empty"),
        (reply(error={"message": "x"}), "stream_error"),
        (reply(error=None), "ok"),
        (reply(choices=[{"index": 0, "message": {"content": "a"}}]), "truncated"),
        (reply(choices=[{"index": 0, "message": {"content": ""}, "finish_reason": "stop"}]), "empty"),
        (reply(pad="x" * 3 * MAX_NOTE), "ok"),
    ],
)
def test_document_outcomes(body: bytes, outcome: str) -> None:
    """A whole reply that is no JSON, an error, without output or without finish reason is no success."""
    assert read(document(body), asked_stream=False).outcome == outcome


def test_document_until_close() -> None:
    """A whole reply without framing is complete at the connection's end, and cut by a reset."""
    raw = head("application/json") + reply()
    assert read(raw, asked_stream=False).outcome == "ok"
    assert read(raw, asked_stream=False, how="reset").outcome == "reset"


def test_completions_document() -> None:
    """The completions endpoint's whole reply has its output in `text`."""
    body = b'{"choices":[{"index":0,"text":"Hello","finish_reason":"stop"}]}'
    assert read(document(body), COMPLETIONS, asked_stream=False).outcome == "ok"


def test_a_stream_nobody_asked_for() -> None:
    """A service that streams all the same is read as a stream."""
    row = read(stream(delta("a"), delta("b"), FINISH, DONE), asked_stream=False).row
    assert (row["events"], row["outcome"]) == (2, 1)


def test_no_finish_reason_needed() -> None:
    """A protocol whose rules name no finish reason needs none."""
    spec = OutputSpec([("token.text", "text")])
    assert read(stream(event({"token": {"text": "a"}})), spec).outcome == "ok"


def test_final_record() -> None:
    """A protocol with a final record is truncated without it."""
    spec = OutputSpec([("token.text", "text"), ("generated_text", "final")])
    token = event({"token": {"text": "a"}, "generated_text": None})
    assert read(stream(token), spec).outcome == "truncated"
    assert read(stream(token, event({"token": {"text": "b"}, "generated_text": "ab"})), spec).outcome == "ok"
