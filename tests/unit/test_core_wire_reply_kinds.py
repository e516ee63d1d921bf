"""What real services send beyond the ordinary: odd labels, output in odd places, placeholders, replies given up."""

from __future__ import annotations

import json

import pytest
from every import every

from tests.unit.replies import (
    CHAT,
    DONE,
    FINISH,
    ROLE,
    chunk,
    delta,
    event,
    head,
    read,
    read_timed,
    stream,
    usage,
)

WORDS = [delta(f" w{k}") for k in range(8)]
BODY = b"".join([ROLE, *WORDS, FINISH, usage(10, 8), DONE])


def labelled(content_type: str, body: bytes, *headers: str) -> bytes:
    """A chunked 200 with that label."""
    return head(content_type, "Transfer-Encoding: chunked", *headers) + chunk(body) + b"0\r\n\r\n"


@every("label", ["application/json", "text/html", "text/plain", "application/octet-stream", "x/y"])
@every("begin", [b"", b"\xef\xbb\xbf", b": ping\n\n", b"event: x\n", b"id: 7\n", b"retry: 9\n", b"\n\n"])
def test_a_body_tells_what_it_is(label: str, begin: bytes) -> None:
    """A body that begins as an event stream is one, whatever its Content-Type, in one piece and byte by byte."""
    raw = labelled(label, begin + BODY)
    for pieces in ([raw], [raw[at : at + 1] for at in range(len(raw))]):
        result = read(pieces)
        assert (result.outcome, result.row["events"], result.output) == ("ok", 8, (8, "usage"))


@pytest.mark.parametrize("label", ["text/event-stream", "text/html", "application/json", "text/plain"])
def test_documents_stay_documents(label: str) -> None:
    """A JSON document is one under any label; where a stream was asked for, its error is read and all else refused."""
    answer = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    raw = labelled(label, b"\n " + json.dumps(answer).encode())
    assert read(raw, asked_stream=False).outcome == "ok"
    assert read(raw).outcome == "malformed"
    failed = read(labelled(label, b'{"error": {"message": "engine died"}}'))
    assert (failed.outcome, b"engine died" in failed.note) == ("stream_error", True)


@pytest.mark.parametrize("label", ["text/html", "text/event-stream", "application/json"])
def test_pages_are_refused(label: str) -> None:
    """An HTML page is malformed under any label."""
    result = read(labelled(label, b"<!doctype html><title>502 Bad Gateway</title>"))
    assert (result.outcome, b"an HTML page" in result.note, b"502" in result.note) == ("malformed", True, True)


@pytest.mark.parametrize(
    "coding", ["none", "identity", "utf-8", "UTF-8", "None", "", "plain", "8bit", "identity, none"]
)
def test_an_encoding_that_codes_nothing(coding: str) -> None:
    """A Content-Encoding that names no coding is none."""
    assert read(labelled("text/event-stream", BODY, f"Content-Encoding: {coding}")).outcome == "ok"


@pytest.mark.parametrize(
    "coding", ["gzip", "br", "deflate", "zstd", "x-gzip", "GZIP", "identity, gzip", "compress", "gzip;q=1", "x-zstd"]
)
def test_a_coding_is_refused(coding: str) -> None:
    """A coding that nobody asked for is malformed."""
    result = read(labelled("text/event-stream", BODY, f"Content-Encoding: {coding}"))
    assert (result.outcome, b"compressed" in result.note) == ("malformed", True)


@pytest.mark.parametrize("body", [b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd\x04"])
@pytest.mark.parametrize("bytewise", [False, True])
def test_compressed_without_a_label(body: bytes, bytewise: bool) -> None:
    """Compressed bytes without a word of it are called so, however they are cut."""
    raw = labelled("text/event-stream", body)
    result = read([raw[at : at + 1] for at in range(len(raw))] if bytewise else raw)
    assert (result.outcome, b"compressed" in result.note) == ("malformed", True)


@pytest.mark.parametrize("word", ["abort", "aborted", "error", "cancelled", "timeout", "shutdown", "ABORT"])
def test_a_reply_that_was_given_up(word: str) -> None:
    """A finish reason that gives the request up is an error of the stream, told with its word."""
    result = read(stream(ROLE, *WORDS[:3], delta(finish=word), usage(10, 3), DONE))
    assert (result.outcome, result.finish) == ("stream_error", word.lower())
    assert result.note == b"the service gave the request up, its finish reason is: " + word.encode()


@pytest.mark.parametrize(
    "word",
    [
        *("FinishReason.ABORT", " abort ", "abort:shutdown", "deadline_exceeded", "timed_out"),
        *("server-error", "internal server error", "Out-Of-Memory"),
    ],
)
def test_a_word_in_other_dress(word: str) -> None:
    """A word that gives a request up is known with a prefix, an addition, and other marks between its parts."""
    assert read(stream(ROLE, *WORDS[:3], delta(finish=word), usage(10, 3), DONE)).outcome == "stream_error"


def test_usage_beside_the_choices() -> None:
    """A usage that stands in a gateway's own object beside the finish reason is one."""
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    own = {"usage": {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14, "queue_time": 0.1}}
    result = read(stream(ROLE, *WORDS[:3], event({**last, "x_groq": own}), DONE))
    assert (result.outcome, result.input, result.output) == ("ok", (10, "usage"), (4, "usage"))


@pytest.mark.parametrize("word", ["stop", "length", "tool_calls", "content_filter", "end_turn", "repetition", "eos"])
def test_a_reply_that_is_complete(word: str) -> None:
    """Any other finish reason completes a reply; it is kept, in the service's word where it has no code."""
    result = read(stream(ROLE, *WORDS[:3], delta(finish=word), usage(10, 3), DONE))
    assert (result.outcome, result.finish) == ("ok", word)


def test_one_choice_that_was_given_up() -> None:
    """A reply is not complete where one of its choices was given up."""
    result = read(stream(delta("a", index=0), delta("b", index=1), delta(finish="abort", index=0),
                         delta(finish="stop", index=1), DONE))  # fmt: skip
    assert (result.outcome, result.finish) == ("stream_error", "abort")


ZERO = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
TRUTH = {"prompt_tokens": 10, "completion_tokens": 8, "total_tokens": 18}


def test_details_beside_a_placeholder() -> None:
    """Cached and reasoning tokens beside a placeholder are none either."""
    details = {"prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 3}}
    empty = {"prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}
    row = read(stream(ROLE, *WORDS, FINISH, usage(10, 8, **details), usage(0, 0, **empty), DONE)).row
    assert (int(row["cached_tokens"]), int(row["reasoning_tokens"])) == (5, 3)


def test_silent_reasoning_is_in_no_event() -> None:
    """A growing usage that counts silent reasoning too does not say what an event holds."""
    silent = {"completion_tokens_details": {"reasoning_tokens": 1000}}
    events = [counted(f" w{k}", {"completion_tokens": 1001 + k, **silent}) for k in range(4)]
    result = read(stream(*events, FINISH, DONE))
    assert (result.output, result.event_tokens) == ((1004, "usage"), None)


def test_ids_of_some_events_are_no_count() -> None:
    """Token ids count where every output event had them, else usage does."""
    first = event({"choices": [{"index": 0, "delta": {"content": "a"}, "token_ids": [1]}]})
    assert read(stream(first, *WORDS[1:], FINISH, usage(9, 8), DONE)).output == (8, "usage")


@pytest.mark.parametrize("label", ["text/html", "application/json", "text/plain", "text/event-stream"])
@pytest.mark.parametrize("stream_asked", [True, False])
def test_an_empty_body(label: str, stream_asked: bool) -> None:
    """A body of nothing is empty under each label."""
    assert read(labelled(label, b"\r\n"), asked_stream=stream_asked).outcome == "empty"


def test_a_mark_before_a_document() -> None:
    """A byte order mark before a document is none of it."""
    answer = b'\xef\xbb\xbf{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"}]}'
    assert read(labelled("application/json", answer), asked_stream=False).outcome == "ok"


def counted(text: str, tokens: object, finish: str | None = None) -> bytes:
    """A chat event with a usage beside its choice."""
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}], "usage": tokens})


@pytest.mark.parametrize(
    ("usages", "source"),
    [
        ([ZERO] * 9, "events"),
        ([None] * 9, "events"),
        ([dict.fromkeys(ZERO)] * 9, "events"),
        ([ZERO] * 8 + [TRUTH], "usage"),
        ([TRUTH] + [ZERO] * 8, "usage"),
        ([ZERO] * 4 + [TRUTH] + [None] * 4, "usage"),
    ],
)
def test_usage_that_is_a_placeholder(usages: list[object], source: str) -> None:
    """Zeros and nulls beside output are no count, of the reply or of an event; of several the last that is one is."""
    events = [counted(f" w{k}", tokens) for k, tokens in enumerate(usages[:8])]
    result = read(stream(*events, counted("", usages[8], "stop"), DONE))
    assert (result.outcome, result.output, result.event_tokens) == ("ok", (8, source), None)
    assert result.input == ((10, "usage") if source == "usage" else (-1, "unknown"))


@pytest.mark.parametrize(
    "broken",
    [
        {"object": "error", "message": "engine died", "type": "InternalServerError", "code": 500},
        {"error_code": 50004, "text": "engine died"},
        {"code": "InternalError", "message": "engine died"},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": {"message": "engine died"}}]},
        {"error": "engine died"},
        [{"error": {"code": 500, "message": "engine died"}}],
        {"status": 500, "message": "engine died"},
        {"statusCode": 500, "msg": "engine died"},
        {"errorCode": 5, "errorMessage": "engine died"},
        {"detail": "engine died"},
        {"choices": [{"index": 0, "delta": {"error": "engine died"}}]},
        {"code": 500, "message": "engine died", "choices": [{"index": 0, "delta": {}, "finish_reason": None}]},
    ],
    ids=repr,
)
@pytest.mark.parametrize("ending", [[DONE], [FINISH, usage(10, 3), DONE], []])
def test_an_error_event_of_another_shape(broken: object, ending: list[bytes]) -> None:
    """An error inside a stream fails the request with the service's words, also where a finish reason follows."""
    result = read(stream(ROLE, *WORDS[:3], event(broken), *ending))
    assert (result.outcome, b"engine died" in result.note) == ("stream_error", True)


def test_the_last_words_of_a_stream_that_broke_off() -> None:
    """Where a stream ends early, an event behind the last output that says nothing known is its message."""
    odd = event({"note": "engine died"})
    ended = read(stream(ROLE, *WORDS[:3], odd))
    assert (ended.outcome, b"engine died" in ended.note) == ("truncated", True)
    went_on = read(stream(ROLE, *WORDS[:3], odd, WORDS[4]))
    assert (went_on.outcome, b"engine died" in went_on.note) == ("truncated", False)


@pytest.mark.parametrize("ending", [[DONE], [FINISH, usage(10, 3), DONE], []])
@pytest.mark.parametrize(
    ("rest", "outcome"),
    [
        (b'{"error": {"message": "engine died"}}\n\n', "stream_error"),
        (b'{"object": "error", "message": "engine died"}\r\n', "stream_error"),
        (b'{\n "detail":\n "engine died"\n}\n\n', "stream_error"),
        (b'{"error": "engine died"}', "stream_error"),
        (b'data: {"error": "engine died"}', "stream_error"),
        (b'data: {"error": "engine died"}\n', "stream_error"),
        (b"Internal Server Error: engine died\n", "truncated"),
        (b"engine died", "truncated"),
    ],
)
def test_words_that_are_no_event(rest: bytes, outcome: str, ending: list[bytes]) -> None:
    """What a service that breaks off writes as no event, or as one without its end, is the message, and an error where
    it is one; however it is cut; where output or a finish reason follows other words, they say nothing."""
    raw = stream(ROLE, *WORDS[:3], last=b"")
    end = b"" if not ending else b"\n\n" + b"".join(ending)
    if end and outcome == "truncated" and FINISH in end:
        outcome = "ok"
    whole_reply = raw + chunk(rest + end) + b"0\r\n\r\n"
    for pieces in ([whole_reply], [whole_reply[at : at + 1] for at in range(len(whole_reply))]):
        result = read(pieces)
        assert (result.outcome, b"engine died" in result.note) == (outcome, outcome != "ok")
    went_on = read(raw + chunk(rest + b"\n\n" + WORDS[4]) + b"0\r\n\r\n")
    is_event = rest.startswith(b"data")
    assert (went_on.outcome, b"engine died" in went_on.note) == ("stream_error" if is_event else "truncated", is_event)


def whole(text: str, finish: str | None = None, **part: object) -> bytes:
    """An event with the whole text so far in `message`, and perhaps a `delta`."""
    message = {"role": "assistant", "content": text}
    return event({"choices": [{"index": 0, "message": message, "finish_reason": finish, **part}]})


@pytest.mark.parametrize("last", [{"delta": {"content": ""}}, {"delta": {}}, {"delta": None}, {}])
def test_a_message_repeats_the_pieces(last: dict[str, object]) -> None:
    """The whole text beside the pieces, or behind them, is neither an event of output nor part of the text."""
    events = [whole("".join(f" w{j}" for j in range(k + 1)), delta={"content": f" w{k}"}) for k in range(8)]
    result = read(
        stream(*events, whole(" w0 w1 w2 w3 w4 w5 w6 w7", "stop", **last), usage(10, 8), DONE), keep_text=True
    )
    assert (result.outcome, result.row["events"]) == ("ok", 8)
    assert result.text == b"".join(b't" w%d"\n' % k for k in range(8))


def test_messages_alone_are_output() -> None:
    """A stream of messages without pieces is output."""
    result = read(
        stream(*[event({"choices": [{"index": 0, "message": {"content": f" w{k}"}}]}) for k in range(3)], FINISH)
    )
    assert (result.outcome, result.row["events"]) == ("ok", 3)


def test_moments_of_thinking_and_of_the_end() -> None:
    """First answer token, last record and the message's end are each the stamp of their own read."""
    raw = [
        (head("text/event-stream", "Transfer-Encoding: chunked"), 1, 0),
        (chunk(event({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]})), 10, 0),
        (
            chunk(event({"choices": [{"index": 0, "delta": {"content": [{"type": "thinking", "thinking": "x"}]}}]})),
            20,
            0,
        ),
        (chunk(delta("a")) + chunk(delta("b")) + chunk(delta("c")), 30, 0),
        (chunk(FINISH), 40, 0),
        (chunk(DONE), 50, 0),
        (b"0\r\n\r\n", 75, 0),
    ]
    row = read_timed(raw).row
    names = ("first_token_ns", "answer_ns", "last_token_ns", "record_ns", "end_ns", "message_ns", "burst_events")
    assert [int(row[name]) for name in names] == [10, 30, 30, 50, 50, 75, 3]
    assert row["flags"] & 512


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        ({"completion_tokens_details": {"reasoning_tokens": 1000}}, 1000),
        ({"reasoning_tokens": 1000}, 1000),
        ({"completion_tokens_details": {"reasoning_tokens": 0}}, 0),
        ({}, -1),
        ({"completion_tokens_details": {"reasoning_tokens": 2000}}, -1),
        ({"total_tokens": 2018, "completion_tokens_details": {"reasoning_tokens": 1000}}, -1),
    ],
    ids=repr,
)
def test_reasoning_tokens_of_the_output(tokens: dict[str, object], told: int) -> None:
    """Reasoning tokens are kept as part of the output tokens, unless the usage counts them beside these."""
    result = read(stream(ROLE, *WORDS, FINISH, usage(10, 1008, **tokens), DONE), CHAT)
    assert (result.output, int(result.row["reasoning_tokens"])) == ((1008, "usage"), told)
