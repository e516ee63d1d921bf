"""The mock's faults: each must look from outside exactly like the real thing."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path
from typing import Any

import pytest
from mock_client import CHAT, Answer, Json, ask, chat, connect, get, read_all, request_bytes
from nursery import Mock


def stream(**fields: Any) -> Json:
    return chat(stream=True, max_tokens=6, **fields)


def run(fault: str, body: Json) -> Answer:
    with Mock() as mock:
        return ask(mock.url, body, headers={"X-Mock-Fault": fault})


def raw(fault: str, body: Json, read: Any = read_all) -> bytes:
    """All bytes of the reply, up to FIN."""
    with Mock() as mock, connect(mock.url) as connection:
        connection.sendall(request_bytes(body, CHAT, f"x-mock-fault: {fault}"))
        return b"".join(read(connection))


def until_reset(connection: socket.socket) -> list[bytes]:
    parts: list[bytes] = []
    with pytest.raises(ConnectionResetError):
        parts.extend(read_all(connection))
    return parts


def until_silence(connection: socket.socket) -> bytes:
    parts: list[bytes] = []
    connection.settimeout(0.3)
    with pytest.raises(TimeoutError):
        parts.extend(read_all(connection))
    return b"".join(parts)


@pytest.mark.parametrize(("status", "kind"), [(429, "Too Many Requests"), (500, "InternalServerError"), (418, "Error")])
def test_http_errors(status: int, kind: str) -> None:
    """`http=STATUS` answers at once with vLLM's error JSON; 429 says when to try again."""
    answer = run(f"http={status}", stream())
    assert answer.status == status
    assert (answer.json["error"]["type"], answer.json["error"]["code"]) == (kind, status)
    assert answer.headers.get("retry-after") == ("1" if status == 429 else None)


def test_html_instead_of_a_reply() -> None:
    """`html` is a proxy's page under status 200."""
    answer = run("html", stream())
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html")
    assert answer.body.endswith(b"</html>\n")


@pytest.mark.parametrize("tokens", [0, 1, 3, 6])
def test_an_error_event_ends_the_stream_cleanly(tokens: int) -> None:
    """After K tokens an error event, [DONE] and a complete end inside status 200, as when vLLM's engine dies."""
    answer = run(f"error-event={tokens}", stream())
    assert answer.status == 200
    assert len(answer.outputs) == tokens
    assert answer.data[-1] == "[DONE]"
    assert answer.events[-1]["error"]["code"] == 500
    assert sum("error" in event for event in answer.events) == 1


@pytest.mark.parametrize("tokens", [0, 1, 5, 6, 99])
def test_a_cut_ends_with_fin_before_the_last_chunk(tokens: int) -> None:
    """`cut=K` sends K tokens whole, then FIN; the last chunk never comes, even when all tokens did."""
    reply = raw(f"cut={tokens}", stream())
    assert reply.startswith(b"HTTP/1.1 200 OK")
    assert reply.count(b'"token_ids":null') == min(tokens, 6)
    assert b'"finish_reason":"length"' in reply or tokens < 6
    assert b"[DONE]" not in reply
    assert not reply.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("tokens", [0, 4])
def test_a_reset_is_a_reset(tokens: int) -> None:
    """`reset=K` sends K tokens, then RST."""
    reply = raw(f"reset={tokens}", stream(), until_reset)
    assert reply.count(b'"token_ids":null') == tokens


@pytest.mark.parametrize("fault", ["cut=-1", "reset=-1"])
def test_a_connection_may_break_before_the_head(fault: str) -> None:
    """With -1 not a single byte comes."""
    assert raw(fault, stream(), read_all if fault[0] == "c" else until_reset) == b""


@pytest.mark.parametrize(("tokens", "head"), [(-1, False), (0, True), (2, True)])
def test_a_stall_is_silence(tokens: int, head: bool) -> None:
    """`stall=K` sends K tokens and then nothing, heartbeats included, with the connection open."""
    with Mock(heartbeat_ms=20) as mock, connect(mock.url) as connection:
        connection.sendall(request_bytes(stream(), CHAT, f"x-mock-fault: stall={tokens}"))
        reply = until_silence(connection)
        assert reply.startswith(b"HTTP/1.1 200 OK") == head
        assert reply.count(b'"token_ids":null') == max(tokens, 0)
        assert get(mock.url, "/health").status == 200


def test_no_finish_reason() -> None:
    """`no-finish` sends all tokens and [DONE] but no finish reason."""
    for style in ("vllm", "llama"):
        with Mock(style=style) as mock:
            answer = ask(mock.url, stream(), headers={"X-Mock-Fault": "no-finish"})
        assert len(answer.outputs) == 6
        assert answer.data[-1] == "[DONE]"
        assert not any(choice["finish_reason"] for event in answer.events for choice in event["choices"])


def test_an_empty_stream() -> None:
    """`empty` is status 200 and an event stream without a byte."""
    answer = run("empty", stream())
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert run("empty", chat()).body == b""


def test_a_stream_may_be_refused() -> None:
    """`refuse-stream` answers a stream request with a JSON body."""
    answer = run("refuse-stream", stream())
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["usage"]["completion_tokens"] == 6


@pytest.mark.parametrize("fault", ["cut=1", "reset=1"])
def test_a_json_reply_breaks_off_in_its_middle(fault: str) -> None:
    """Without a stream, cut and reset come after half of the body."""
    reply = raw(fault, chat(max_tokens=6), read_all if fault[0] == "c" else until_reset)
    head, _, body = reply.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert len(body) == size // 2


def test_an_error_without_a_stream_is_a_500() -> None:
    """`error-event` for a request that is no stream is an ordinary error answer."""
    assert run("error-event=2", chat()).status == 500


def test_a_wrong_fault_header_is_refused() -> None:
    """An unknown fault in the header is a 400 that says so."""
    answer = run("explode", chat())
    assert answer.status == 400
    assert "X-Mock-Fault" in answer.json["error"]["message"]


def test_the_connection_lives_on_after_a_fault_that_is_an_answer() -> None:
    """After an error answer, an error event, an empty body and html the connection serves the next request."""
    with Mock() as mock:
        connection = http.client.HTTPConnection(mock.url.removeprefix("http://"), timeout=120)
        for fault in ("http=503", "error-event=2", "empty", "html", "no-finish", "refuse-stream"):
            connection.request("POST", CHAT, request_bytes(stream()).partition(b"\r\n\r\n")[2], {"X-Mock-Fault": fault})
            connection.getresponse().read()
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()


def test_shares_are_drawn_from_the_seed(tmp_path: Path) -> None:
    """Faults with shares hit about that share of the requests, at most one each, the same ones for the same seed."""

    def drawn(seed: int) -> list[str | None]:
        options = {"faults": ["http=500:0.2", "no-finish:0.3"], "seed": seed, "log": tmp_path / f"log{seed}"}
        with Mock(**options) as mock:
            for _ in range(300):
                ask(mock.url, chat(stream=True, max_tokens=1))
        return [entry["fault"] for entry in mock.log_entries()]

    first = drawn(1)
    assert 40 <= first.count("http=500") <= 80
    assert 65 <= first.count("no-finish") <= 115
    assert first.count(None) == 300 - first.count("http=500") - first.count("no-finish")
    assert first == drawn(1)
    assert first != drawn(2)
