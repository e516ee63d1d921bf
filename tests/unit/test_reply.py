"""One response from its first byte to its outcome, as the reactor reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise

import pytest
from linear import growth
from replies import (
    CHAT,
    COMPLETIONS,
    DONE,
    LAST_CHUNK,
    Result,
    chunk,
    delta,
    document,
    event,
    head,
    read,
    read_timed,
    stream,
    usage,
)

from fastbench._core.output import OutputSpec
from fastbench._core.reply import MAX_NOTE, ReplyReader
from fastbench._core.ring import FLAGS

ROLE = event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
FINISH = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
ERROR = event({"error": {"message": "EngineCore died", "code": 500}})
MS = 1_000_000
KIB = 1024


# --- What counts as a success -----------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("raw", "outcome", "note"),
    [
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
        (stream(delta("a", "stop"), b"data\n\n", DONE), "malformed", b"an event is not a JSON object"),
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
    ],
)  # fmt: skip
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


# --- Without streaming ------------------------------------------------------------------------------------------


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
        (b"", "malformed"),
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


# --- Moments ----------------------------------------------------------------------------------------------------


def test_moments() -> None:
    """Head, first and last output and `[DONE]` have the stamps of the reads that held their last bytes."""
    raw = [head("text/event-stream", "Transfer-Encoding: chunked"), *map(chunk, (ROLE, delta("a"), delta("b"), FINISH))]
    pieces = [*raw, chunk(DONE), LAST_CHUNK]
    result = read_timed([(piece, (k + 1) * MS, 0) for k, piece in enumerate(pieces)])
    row = result.row
    assert row["headers_ns"] == 1 * MS
    assert (row["first_token_ns"], row["last_token_ns"]) == (3 * MS, 4 * MS)
    assert row["end_ns"] == 6 * MS
    assert result.token_ns().tolist() == [3 * MS, 4 * MS]


def test_the_end_without_done_is_that_of_the_body() -> None:
    """Without `[DONE]` the stream ends with the message."""
    raw = stream(delta("a", "stop"))
    assert read_timed([(raw[:-1], 1 * MS, 0), (raw[-1:], 2 * MS, 0)]).row["end_ns"] == 2 * MS


def test_output_behind_done_moves_the_end() -> None:
    """`[DONE]` before further output was not the end; the next one is."""
    pieces = [stream(delta("a"), DONE, last=b""), chunk(delta("b", "stop")), chunk(DONE), LAST_CHUNK]
    row = read_timed([(piece, (k + 1) * MS, 0) for k, piece in enumerate(pieces)]).row
    assert (row["events"], row["last_token_ns"], row["end_ns"]) == (2, 2 * MS, 3 * MS)


def test_the_first_of_two_dones_is_the_end() -> None:
    """A second `[DONE]` moves nothing."""
    pieces = [stream(delta("a", "stop"), DONE, last=b""), chunk(DONE), LAST_CHUNK]
    assert read_timed([(piece, (k + 1) * MS, 0) for k, piece in enumerate(pieces)]).row["end_ns"] == 1 * MS


def test_a_failed_request_ends_when_it_failed() -> None:
    """Where the outcome is not `ok`, `[DONE]` is not the end."""
    pieces = [stream(delta("a"), DONE, last=b""), LAST_CHUNK]
    assert read_timed([(piece, (k + 1) * MS, 0) for k, piece in enumerate(pieces)]).row["end_ns"] == 2 * MS


def test_a_given_end() -> None:
    """The end of a response that did not complete is the moment that is passed in."""
    reader = ReplyReader(CHAT)
    reader.feed(head(), 5)
    assert Result(reader.end("timeout", 99)).row["end_ns"] == 99


def timed_stream(gaps_us: list[int]) -> Result:
    """One output event in each read, the given microseconds apart."""
    stamp = 7 * MS
    pieces = [(stream(delta("a"), last=b""), stamp, 0)]
    for gap in gaps_us:
        stamp += gap * 1000
        pieces.append((chunk(delta("b")), stamp, 0))
    return read_timed([*pieces, (chunk(FINISH) + LAST_CHUNK, stamp, 0)])


def test_gaps_are_exact() -> None:
    """Every distance between output events comes back to the microsecond, on both sides of the escape."""
    gaps = [0, 1, 999, 1000, 65_533, 65_534, 65_535, 65_536, 1_000_000, 60_000_000, 3]
    result = timed_stream(gaps)
    assert result.row["escapes"] == 4
    moments = result.token_ns().tolist()
    assert [(b - a) // 1000 for a, b in pairwise(moments)] == gaps
    assert not result.row["flags"] & FLAGS["clipped"]


def test_stamps_are_rounded_not_summed() -> None:
    """Gaps of a fraction of a microsecond do not add up to an error: no stamp is off by more than half of one."""
    stamps = [7 * MS + 1300 * k for k in range(1000)]
    pieces = [(stream(delta("a"), last=b""), stamps[0], 0), *((chunk(delta("b")), at, 0) for at in stamps[1:])]
    moments = read_timed([*pieces, (chunk(FINISH) + LAST_CHUNK, stamps[-1], 0)]).token_ns().tolist()
    assert max(abs(a - b) for a, b in zip(moments, stamps, strict=True)) <= 500


def test_stamps_beyond_71_minutes_are_clipped() -> None:
    """An output event later than 2**32 us after the first one is clipped and flagged; the last moment stays exact."""
    result = timed_stream([1_000_000, 4_294_967_295 - 1_000_000, 5, 1])
    assert result.row["flags"] & FLAGS["clipped"]
    assert result.batch.gaps.tolist()[2:] == [0, 0]
    assert result.row["last_token_ns"] == 7 * MS + (4_294_967_295 + 6) * 1000
    assert not timed_stream([4_294_967_295]).row["flags"] & FLAGS["clipped"]


@pytest.mark.parametrize("count", [1, 63, 64, 65, 127, 128, 129, 5000])
def test_streams_longer_than_a_ring_row(count: int) -> None:
    """A stream keeps all of its stamps where its row of the ring is full."""
    gaps = [(7 * k) % 1000 for k in range(count - 1)]
    assert timed_stream(gaps).batch.gaps.tolist() == gaps


# --- Reads shared by events -------------------------------------------------------------------------------------


def test_events_that_share_a_read() -> None:
    """Output events beyond the first of a read are counted as shared; other events are not."""
    pieces = [
        (stream(ROLE, delta("a"), delta("b"), last=b""), 1 * MS, 0),
        (chunk(delta("c")), 2 * MS, 0),
        (chunk(delta("d")) + chunk(delta("e")) + chunk(delta("f")) + chunk(FINISH) + chunk(DONE), 3 * MS, 0),
        (LAST_CHUNK, 4 * MS, 0),
    ]
    result = read_timed(pieces)
    assert result.row["shared_events"] == 1 + 2
    assert result.batch.gaps.tolist() == [0, 1000, 1000, 0, 0]
    assert result.batch.marks.size == result.row["marks"] == 0


def test_marks() -> None:
    """Events that shared a read which the reactor took late are marked with how far off their stamps may be."""
    two = chunk(delta("x")) + chunk(delta("y"))
    pieces = [
        (stream(delta("a"), delta("b"), last=b""), 1 * MS, 1),
        (two, 2 * MS, 1_000),
        (chunk(delta("c")), 3 * MS, 5 * MS),
        (two + two, 4 * MS, 2_500_001),
        (two, 5 * MS, 0),
        (chunk(ROLE) + chunk(usage(1, 1)), 6 * MS, MS),
        (two, 7 * MS, 1 << 62),
        (chunk(FINISH) + LAST_CHUNK, 8 * MS, MS),
    ]
    result = read_timed(pieces)
    assert result.batch.marks.tolist() == [(0, 2, 1), (2, 2, 1), (5, 4, 2501), (11, 2, 0xFFFFFFFF)]
    assert result.row["marks"] == 4


# --- Tokens -----------------------------------------------------------------------------------------------------


def ids(content: str, *numbers: int, finish: str | None = None) -> bytes:
    return delta(content, finish, token_ids=list(numbers))


def growing(content: str, total: int, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return event({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": total}})


@pytest.mark.parametrize(
    ("events", "tokens"),
    [
        ([ids("a", 1, 2), ids("b", 3), ids("c", 4, 5, 6, finish="stop")], [2, 1, 3]),
        ([ids("a", 1), ids("b", 2), ids("c", 3, 4), ids("d", 5, finish="stop")], [1, 1, 2, 1]),
        ([ids("", 1), ids("a", 2), ids("b", 3), ids("", 4, finish="stop")], [2, 2]),
        ([ids("a", 1, 2), ids("", 3), ids("", 4), ids("b", 5, finish="stop")], [2, 3]),
        ([growing("", 0), growing("a", 2), growing("b", 3), growing("c", 7, "stop"), usage(3, 7)], [2, 1, 4]),
        ([growing("", 1), growing("a", 2), growing("b", 3), growing("", 5, "stop")], [2, 3]),
        ([growing("a", 0), growing("b", 2, "stop")], [0, 2]),
    ],
)
def test_tokens_of_each_event(events: list[bytes], tokens: list[int]) -> None:
    """Ids, or a usage that grows, give each output event its tokens; what came without text goes to a neighbour."""
    result = read(stream(*events, DONE))
    assert result.event_tokens == tokens
    assert result.output[0] == sum(tokens)


@pytest.mark.parametrize(
    "events",
    [
        [ids("a", 1), ids("b", 2), ids("c", 3, finish="stop")],
        [growing("a", 1), growing("b", 2, "stop"), usage(3, 2)],
    ],
)
def test_single_tokens_need_no_list(events: list[bytes]) -> None:
    """A stream of single tokens has no list of tokens per event."""
    result = read(stream(*events))
    assert result.event_tokens is None
    assert result.output[0] == result.row["events"]


@pytest.mark.parametrize(
    "events",
    [
        [ids("a", 1, 2), delta("b"), ids("c", 3, finish="stop")],
        [ids("", 1), delta("b"), ids("c", 2, 3, finish="stop")],
        [ids("", 1, 2, 3), delta("b"), ids("c", 2, 3, finish="stop")],
        [delta("a"), delta("b"), usage(3, 9), FINISH],
        [growing("a", 5), growing("b", 3, "stop")],
    ],
)
def test_unknown_tokens_are_not_guessed(events: list[bytes]) -> None:
    """Where one output event did not tell its tokens, no event has any."""
    assert read(stream(*events)).event_tokens is None


def test_growing_usage_of_two_choices_is_no_count_of_events() -> None:
    """A usage that adds up two choices does not say what one event has."""
    one = {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}
    two = {"index": 1, "delta": {"content": "b"}, "finish_reason": "stop"}
    events = [
        event({"choices": [part], "usage": {"completion_tokens": 3 * k + 3}}) for k, part in enumerate((one, two))
    ]
    result = read(stream(*events))
    assert (result.event_tokens, result.output) == (None, (6, "usage"))


def test_an_event_of_very_many_tokens() -> None:
    """An event's tokens are clipped at what 16 bits hold; the request's own count is not."""
    result = read(stream(ids("a", *range(60_000)), ids("", *range(10_000), finish="stop")))
    assert (result.event_tokens, result.output) == ([65_535], (70_000, "token_ids"))


@pytest.mark.parametrize(
    ("events", "count"),
    [
        ([delta("a", "stop"), usage(19, 7)], ((19, "usage"), (7, "usage"))),
        ([delta("a"), delta("b", "stop")], ((-1, "unknown"), (2, "events"))),
        ([ids("a", 1, 2, 3, finish="stop"), usage(19, 7)], ((19, "usage"), (3, "token_ids"))),
        ([event({"prompt_token_ids": [1, 2], "choices": []}), delta("a", "stop")], ((2, "token_ids"), (1, "events"))),
        ([growing("a", 4), growing("b", 9, "stop")], ((3, "usage"), (9, "usage"))),
        ([delta("a", "stop"), delta("b", "stop", 1), usage(5, 24), usage(5, 20)], ((5, "usage"), (44, "usage"))),
        ([delta("a", "stop"), delta("b", "stop", 1), usage(5, 44)], ((5, "usage"), (44, "usage"))),
        ([delta("a", "stop"), usage(5, 7), usage(5, 8)], ((5, "usage"), (8, "usage"))),
        ([delta("a", "stop"), event({"usage": {"prompt_tokens": 5, "completion_tokens": None}})],
         ((5, "usage"), (1, "events"))),
        ([delta("a", "stop"), event({"usage": {"prompt_tokens": 1 << 40, "completion_tokens": 1 << 31}})],
         ((-1, "unknown"), (1, "events"))),
        ([delta("a", "stop"), delta("b", "stop", 1), usage(5, 0x7FFFFFFF), usage(5, 0x7FFFFFFF)],
         ((5, "usage"), (-1, "usage"))),
    ],
)  # fmt: skip
def test_token_counts(events: list[bytes], count: tuple[tuple[int, str], tuple[int, str]]) -> None:
    """Ids go before usage, usage before the count of events; one usage for each choice is added up."""
    result = read(stream(*events, DONE))
    assert (result.input, result.output) == count


def test_cached_tokens() -> None:
    """Cached prompt tokens are kept where the service tells them, else they are not known."""
    told = usage(19, 1, prompt_tokens_details={"cached_tokens": 16})
    assert read(stream(delta("a", "stop"), told)).row["cached_tokens"] == 16
    assert read(stream(delta("a", "stop"), usage(19, 1))).row["cached_tokens"] == -1


# --- The reader's own manners -----------------------------------------------------------------------------------


def test_bytes_behind_the_message_are_counted() -> None:
    """What comes behind a response's end is told, and belongs to no response."""
    reader = ReplyReader(CHAT)
    first = stream(delta("a", "stop"))
    assert reader.feed(first + stream(delta("b"))) == len(stream(delta("b")))
    assert reader.complete
    assert Result(reader.end()).row["events"] == 1


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
