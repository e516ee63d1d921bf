"""The outcome of a response, the note that says why it failed, and the manners of the reader itself."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from every import every
from linear import growth
from replies import (
    CHAT,
    COMPLETIONS,
    DONE,
    FINISH,
    LAST_CHUNK,
    ROLE,
    Result,
    chunk,
    delta,
    document,
    event,
    head,
    read,
    stream,
    usage,
)

from fastbench._core.wire import MAX_DOCUMENT, MAX_EVENT, MAX_NOTE, OutputSpec, ReplyReader

ERROR = event({"error": {"message": "EngineCore died", "code": 500}})
KIB = 1024


@pytest.mark.parametrize(
    "events",
    [
        [delta("a"), FINISH, DONE],
        [ROLE, delta("a"), FINISH, usage(1, 1), DONE],
        [delta("a", "stop")],
        [delta("a", "length"), DONE, DONE],
        [FINISH, delta("a"), DONE],
        [event({"choices": []}), delta("a", "stop"), DONE],
        [b": ping\n\n", delta("a", "stop"), b": ping\n\n", DONE],
        [delta("a", "stop"), b"data: [DONE]\r\n\r\n"],
        [delta("a"), delta("b", index=1), delta(finish="stop", index=1), FINISH, DONE],
        [event({"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"name": "f"}}]}}]}), FINISH, DONE],
        [event({"choices": [{"index": 0, "delta": {"refusal": "no"}}]}), FINISH, DONE],
        [event({"error": None, "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]})],
        [delta("a", "stop"), event({"choices": [{"index": 0, "delta": {}}], "usage": {"completion_tokens": 1}}), DONE],
        [delta("a", "stop"), b"data: [DO"],
    ],
)
def test_success(events: list[bytes]) -> None:
    """Output, a finish reason for each choice and complete framing are a success; `[DONE]` is optional."""
    result = read(stream(*events))
    assert (result.outcome, result.note) == ("ok", b"")


FAILURES = [
    (stream(delta("a"), DONE), "truncated", b"the stream ended without a finish reason"),
    (stream(delta("a")), "truncated", b"the stream ended without a finish reason"),
    (stream(delta("a"), delta("b", index=1), FINISH, DONE), "truncated", b"without a finish reason"),
    (stream(delta("a"), FINISH, DONE, last=b""), "truncated", b"closed the connection before the end"),
    (stream(delta("a"), FINISH, DONE, last=b"0\r\n"), "truncated", b"closed the connection before the end"),
    (b"", "truncated", b"closed the connection before the end"),
    (head()[:-2], "truncated", b"closed the connection before the end"),
    (b"HTTP/1.1 100 Continue\r\n\r\n", "truncated", b"closed the connection before the end"),
    (stream(), "empty", b"the response holds no output"),
    (stream(ROLE, FINISH, usage(1, 0), DONE), "empty", b"the response holds no output"),
    (stream(DONE), "empty", b"the response holds no output"),
    (stream(b": ping\n\n", b": ping\n\n"), "empty", b"no output"),
    (document(b"", "text/event-stream"), "empty", b"the response holds no output"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", "empty", b"the response holds no output"),
    (stream(delta("a"), ERROR, DONE), "stream_error", b'{"error":{"message":"EngineCore died","code":500}}'),
    (stream(ERROR, DONE), "stream_error", b'{"error":{"message":"EngineCore died","code":500}}'),
    (stream(delta("a"), FINISH, DONE, ERROR), "stream_error", b"EngineCore died"),
    (stream(delta("a"), b"event: error\ndata: out of memory\n\n", FINISH), "stream_error", b"out of memory"),
    (stream(b'event: error\ndata: {"message":"boom"}\n\n'), "stream_error", b'{"message":"boom"}'),
    (stream(delta("a", "stop"), b"event: error\ndata: [DONE]\n\n"), "stream_error", b"[DONE]"),
    (stream(delta("a"), b"data: oh\n\n", FINISH, DONE), "malformed", b"an event is not a JSON object: oh"),
    (stream(b"data: [1]\n\n"), "malformed", b"an event is not a JSON object: [1]"),
    (stream(delta("a"), last=b"x"), "malformed", b"a chunk size is not a hexadecimal number"),
    (b"hello\r\n\r\n", "malformed", b"the answer does not begin with an HTTP/1.x status line"),
    (stream(last=chunk(b"abc")[:-2] + b"xx"), "malformed", b"chunk data do not end with CR LF: abc"),
    (document(b"<html>Sign in</html>", "text/html"), "malformed", b"an HTML page: <html>Sign in</html>"),
    (document(b"{}"), "malformed", b"one JSON document though a stream was asked for: {}"),
    (document(b'{"error":"busy"}'), "stream_error", b'{"error":"busy"}'),
    (document(b'{"error":"busy"}', "text/event-stream"), "stream_error", b'{"error":"busy"}'),
    (document(b"busy", status="503 Busy"), "http_error", b"busy"),
    (document(b'{"error":1}', status="429 x"), "http_error", b'{"error":1}'),
    (document(b"", status="307 x"), "http_error", b""),
    (document(b"x", "text/html", status="502 x"), "http_error", b"x"),
    (head("text/html", "Content-Length: 9", status="502 Bad") + b"cut", "http_error", b"cut"),
    (head("x/y", "Content-Encoding: gzip", "Content-Length: 2") + b"\x1f\x8b", "malformed", b"compressed or coded"),
    (head("x/y", "Transfer-Encoding: gzip, chunked"), "malformed", b"a transfer coding other than chunked"),
    (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "malformed", b"switched protocols"),
]  # fmt: skip


def test_event_without_data_says_nothing() -> None:
    """An event of no data, which some gateways send to keep a connection alive, is counted and changes nothing else."""
    result = read(stream(b"data:\n\n", delta("a"), b"data: \n\n", delta("b", "stop"), b"data\n\n", DONE))
    assert (result.outcome, result.row["events"], result.row["data_events"]) == ("ok", 2, 6)


@every(("raw", "outcome", "note"), FAILURES)
def test_failure(raw: bytes, outcome: str, note: bytes) -> None:
    """Each way to fail has its outcome, and a note that says why, with the service's own words where it has some."""
    result = read(raw)
    assert result.outcome == outcome
    assert note in result.note
    assert not result.note.endswith(b": ")


@pytest.mark.parametrize(
    ("how", "outcome", "note"),
    [
        ("reset", "reset", b"reset the connection"),
        ("timeout", "timeout", b"no complete response in time"),
        ("cancelled", "cancelled", b"cancelled by the user"),
        ("closed", "truncated", b"closed the connection"),
    ],
)
@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200", head()[:-1], stream(last=b""), stream(delta("a"), FINISH, DONE, last=b"")], ids=len
)
def test_how_it_ended(how: str, outcome: str, note: bytes, data: bytes) -> None:
    """A response that did not come to its own end has the outcome of what ended it, wherever it stood."""
    result = read(data, how=how)
    assert result.outcome == outcome
    assert note in result.note


@pytest.mark.parametrize("how", ["reset", "timeout", "cancelled"])
def test_a_complete_response_stays_complete(how: str) -> None:
    """What happens to the connection behind the message's end changes no outcome."""
    assert read(stream(delta("a"), FINISH), how=how).outcome == "ok"


@pytest.mark.parametrize(
    ("how", "outcome"), [("closed", "ok"), ("reset", "reset"), ("timeout", "timeout"), ("cancelled", "cancelled")]
)
def test_until_close(how: str, outcome: str) -> None:
    """A body without framing is complete at the connection's clean end and at no other."""
    assert read(head() + delta("a") + FINISH + DONE, how=how).outcome == outcome


def test_until_close_without_finish() -> None:
    """A body without framing that ends before its finish reason was cut."""
    assert read(head() + delta("a") + delta("b")).outcome == "truncated"


def test_the_first_error_is_the_message() -> None:
    """Of an error event and what comes behind it, the error event is kept, and it is the cause."""
    for before in ([], [ROLE], [delta("a")]):
        for behind in (ERROR, b"data: oh\n\n", DONE, delta("a", "stop")):
            result = read(stream(*before, event({"error": "first"}), behind, delta("b")))
            assert (result.outcome, result.note) == ("stream_error", b'{"error":"first"}')


def test_events_behind_an_error_count() -> None:
    """Output behind an error event is stamped as any other; the outcome is the error's."""
    row = read(stream(delta("a"), ERROR, delta("b"), DONE)).row
    assert (row["events"], row["data_events"]) == (2, 4)


@pytest.mark.parametrize("size", [MAX_NOTE - 1, MAX_NOTE, MAX_NOTE + 1, 100 * KIB])
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda body: document(body, status="500 x"), b""),
        (lambda body: document(body, "text/html"), b"the service answered with an HTML page: "),
        (lambda body: stream(b"event: error\ndata: " + body + b"\n\n"), b""),
        (lambda body: stream(b"data: " + body + b"\n\n"), b"an event is not a JSON object: "),
        (lambda body: stream(body), b"the response holds no output: "),
    ],
    ids=["http error", "html", "error event", "bad event", "no output"],
)  # fmt: skip
def test_notes_have_a_limit(make: Callable[[bytes], bytes], reason: bytes, size: int) -> None:
    """Of the service's words the first 4 KiB are kept, whole or in pieces."""
    body = b"b" * size
    raw = make(body)
    expected = reason + body[:MAX_NOTE]
    assert read(raw).note == expected
    assert read([raw[i : i + 1000] for i in range(0, len(raw), 1000)]).note == expected


def test_a_long_error_document_under_a_wrong_label() -> None:
    """An error document that calls itself an event stream is an error also where it is longer than what is kept."""
    body = json.dumps({"error": {"message": "x" * 3 * MAX_NOTE, "code": 400}}).encode()
    result = read(document(body, "text/event-stream"))
    assert (result.outcome, result.note) == ("stream_error", body[:MAX_NOTE])


def test_an_event_above_the_limit() -> None:
    """A line that never ends makes the response malformed when the limit is reached, and is not kept."""
    pieces = [
        stream(delta("a"), last=b""),
        *[chunk(b"data: " + bytes(KIB * KIB))] * (MAX_EVENT // KIB // KIB),
        LAST_CHUNK,
    ]
    result = read(pieces)
    assert (result.outcome, result.note) == ("malformed", b"an event is longer than 32 MiB")


def test_a_document_above_the_limit() -> None:
    """A document without end makes the response malformed when the limit is reached; its first words are kept."""
    part = b"x" * KIB * KIB
    pieces = [head("application/json"), *[part] * (MAX_DOCUMENT // len(part)), b"x", part]
    result = read(pieces, asked_stream=False)
    assert (result.outcome, result.note) == ("malformed", b"the document is longer than 64 MiB: " + part[:MAX_NOTE])


def test_bytes_behind_the_message_are_counted() -> None:
    """What comes behind a response's end is told, and belongs to no response."""
    reader = ReplyReader(CHAT)
    first = stream(delta("a", "stop"))
    assert reader.feed(first + stream(delta("b"))) == len(stream(delta("b")))
    assert reader.complete
    assert Result(reader.end()).row["events"] == 1


@pytest.mark.parametrize(("behind", "end_ns"), [((), 300), ((delta("c"),), 500), ((delta("c"), DONE), 500)])
def test_a_response_ends_with_its_done(behind: tuple[bytes, ...], end_ns: int) -> None:
    """A response ends when its `[DONE]` came, not with what closes it; output behind a `[DONE]` makes it none."""
    reader = ReplyReader(CHAT)
    reader.feed(stream(delta("a"), delta("b"), FINISH, last=b""), 200)
    reader.feed(chunk(DONE), 300)
    for piece in behind:
        reader.feed(chunk(piece), 400 if piece != DONE else 500)
    reader.feed(LAST_CHUNK, 500)
    row = Result(reader.end()).row
    assert (row["outcome"], row["end_ns"], row["events"]) == (1, end_ns, 2 + (delta("c") in behind))


def test_an_ended_reader_takes_nothing() -> None:
    """A response that is complete, broken or ended takes no further bytes."""
    complete, broken, ended = ReplyReader(CHAT), ReplyReader(CHAT), ReplyReader(CHAT)
    complete.feed(stream(delta("a", "stop")))
    broken.feed(b"what is this\n")
    ended.end("reset")
    for reader in (complete, broken, ended):
        with pytest.raises(ValueError, match="has ended"):
            reader.feed(b"x")
    with pytest.raises(ValueError, match="has ended"):
        ended.end()


def test_text_is_kept_only_when_asked() -> None:
    """The output's text is kept in its order, by part, and only for who wants it."""
    tool = event({"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}}]})
    thought = event({"choices": [{"index": 0, "delta": {"reasoning": "hm"}}]})
    raw = stream(ROLE, thought, delta('a"\\'), delta("b\n"), tool, FINISH, DONE)
    kept = read(raw, keep_text=True)
    assert kept.text == b'r"hm"\nt"a\\"\\\\"\nt"b\\n"\nx"f"\nx"{"\n'
    assert read(raw).text == b""


@pytest.mark.parametrize("text", [b"\xff\xfe", b"\xe2\x82", "€".encode(), b"\\ud83d", b"\x00", b"\t"], ids=repr)
def test_odd_text_is_output(text: bytes) -> None:
    """Text that is no UTF-8, cut inside a character or of control characters is output and kept as it came."""
    raw = stream(event(b'{"choices":[{"delta":{"content":"%s"},"finish_reason":"stop"}]}' % text), DONE)
    for pieces in ([raw], [bytes([byte]) for byte in raw]):
        result = read(pieces, keep_text=True)
        assert (result.outcome, result.text) == ("ok", b't"%s"\n' % text)


@pytest.mark.parametrize("spec", [CHAT, COMPLETIONS])
def test_readers_may_be_dropped_anywhere(spec: OutputSpec) -> None:
    """A reader that is thrown away in the middle of a long stream takes its storage with it."""
    for size in (0, 20, 200, 20_000):
        reader = ReplyReader(spec, keep_text=True)
        reader.feed(stream(*[delta("a")] * 300)[:size])
        loop = [reader]
        loop.append(loop)  # type: ignore[arg-type]  # a circle, so that the collector clears the reader


@pytest.mark.parametrize(
    ("size", "make"),
    [
        (200, lambda n: [stream(*[delta("a")] * n, FINISH)]),
        (200, lambda n: [bytes([byte]) for byte in stream(*[delta("a")] * n, FINISH)]),
        (200, lambda n: [stream(*[delta("a"), delta("b", index=1)] * n)]),
        (2000, lambda n: [stream(*[b": ping\n\n"] * n)]),
        (2000, lambda n: [stream(*[DONE] * n)]),
        (2000, lambda n: [document(b"x" * 100 * n, status="500 x")]),
        (200, lambda n: [document(b" " * 1000 * n)]),
    ],
    ids=["tokens", "tokens, a byte each", "two choices", "pings", "dones", "error body", "document"],
)
def test_work_is_linear(size: int, make: Callable[[int], list[bytes]]) -> None:
    """Four times the response takes far less than the sixteen times of quadratic work."""

    def work(count: int) -> Callable[[], object]:
        pieces = make(count)
        return lambda: read(pieces)

    assert growth(work, size) < 8
