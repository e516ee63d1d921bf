"""What a service can do to a request, and the outcome that it must have."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from driving import OK
from replies import DONE, LAST_CHUNK, chunk, delta, document, event, head, stream
from serving import finish, reset, send_slowly, stall

Act = Callable[[socket.socket], None]
HEAD = head("text/event-stream", "Transfer-Encoding: chunked")
ONE = delta("a")
END = chunk(delta("z", "stop")) + chunk(DONE)
E_ACUTE = b'{"choices":[{"delta":{"content":"\xc3\xa9"}}]}'
HEARTBEATS = [b": ping\n\n"] * 50


class Fault(NamedTuple):
    """One way to treat a request."""

    outcome: str
    act: Act
    status: int = 200
    note: bytes = b""
    """What the reason must contain."""
    events: int = 0
    """Output events that must be counted."""
    last: bool = False
    """The connection serves no more requests afterwards."""


def saying(*pieces: bytes) -> Act:
    """Sends the pieces, a moment apart where there are several."""

    def act(connection: socket.socket) -> None:
        for piece in pieces[:-1]:
            connection.sendall(piece)
            time.sleep(0.005)
        connection.sendall(pieces[-1])

    return act


def then(*acts: Act) -> Act:
    def act(connection: socket.socket) -> None:
        for one in acts:
            one(connection)

    return act


def halves(data: bytes, at: bytes) -> tuple[bytes, bytes]:
    """The data before and from the first `at`."""
    place = data.index(at)
    return data[:place], data[place:]


def long_line(connection: socket.socket) -> None:
    """One line of 64 MiB."""
    size = 64 << 20
    connection.sendall(HEAD + b"%x\r\n" % size)
    for _ in range(64):
        connection.sendall(b"x" * (1 << 20))
    connection.sendall(b"\r\n" + END + LAST_CHUNK)


def heartbeats_for_ever(connection: socket.socket) -> None:
    connection.sendall(HEAD)
    while True:
        connection.sendall(chunk(b": ping\n\n"))
        time.sleep(0.01)


# Where a response may break off: what came before, and how many output events are in it.
PLACES = {
    "before-headers": (b"", 0),
    "in-headers": (HEAD[:40], 0),
    "behind-headers": (HEAD, 0),
    "in-chunk-size": (HEAD + chunk(ONE) + b"1", 1),
    "in-chunk-data": (HEAD + chunk(ONE) + chunk(ONE)[:12], 1),
    "before-last-chunk": (HEAD + chunk(ONE) + END, 2),
    "in-last-chunk": (HEAD + chunk(ONE) + END + LAST_CHUNK[:3], 2),
}
BREAKS = {"reset": reset, "truncated": finish, "timeout": stall}


def cuts(outcome: str) -> list[Fault]:
    """A response that breaks off in this way, at each of the places. Silence behind [DONE] takes nothing from it."""
    return [
        Fault(
            "ok" if outcome == "timeout" and b"[DONE]" in said else outcome,
            then(saying(said), BREAKS[outcome]) if said else BREAKS[outcome],
            status=200 if len(said) >= len(HEAD) else 0,
            events=events,
            last=True,
        )
        for said, events in PLACES.values()
    ]


FRAMING = {
    "bad-chunk-size": Fault("malformed", saying(HEAD + b"xyz\r\nabc\r\n"), note=b"chunk"),
    "chunk-size-overflow": Fault("malformed", saying(HEAD + b"f" * 17 + b"\r\n"), note=b"chunk"),
    "negative-chunk-size": Fault("malformed", saying(HEAD + b"-5\r\nabcde\r\n"), note=b"chunk"),
    "missing-crlf": Fault("malformed", saying(HEAD + chunk(ONE)[:-2] + END + LAST_CHUNK), note=b"chunk", events=1),
    "not-http": Fault("malformed", saying(b"SSH-2.0-OpenSSH_9.2\r\n"), status=0),
    "coded-twice": Fault("malformed", saying(head("text/event-stream", "Transfer-Encoding: gzip, chunked")), status=0),
    "byte-by-byte": Fault("ok", lambda connection: send_slowly(connection, OK), events=3),
    "byte-each-10-ms": Fault(
        "ok", lambda connection: send_slowly(connection, head() + delta("a", "stop"), 0.01), events=1, last=True
    ),
    "two-responses": Fault("ok", saying(OK + OK), events=3),
    "1xx-first": Fault(
        "ok",
        saying(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK),
        events=3,
    ),
    "trailers": Fault("ok", saying(HEAD + chunk(ONE) + END + b"0\r\nX-A: b\r\n\r\n"), events=2),
    "extensions": Fault("ok", saying(HEAD + chunk(ONE).replace(b"\r\n", b";a=b\r\n", 1) + END + LAST_CHUNK), events=2),
}

ANSWERS = {
    "429": Fault(
        "http_error",
        saying(head("application/json", "Retry-After: 9", "Content-Length: 4", status="429 Too Many") + b"slow"),
        status=429,
        note=b"slow",
    ),
    "500-json": Fault(
        "http_error",
        saying(document(b'{"error":{"message":"out of memory"}}', status="500 Internal Server Error")),
        status=500,
        note=b"out of memory",
    ),
    "html": Fault("malformed", saying(document(b"<html>Welcome", "text/html")), note=b"HTML page: <html>Welcome"),
    "redirect": Fault(
        "http_error",
        saying(head("text/plain", "Location: /other", "Content-Length: 0", status="307 Temporary Redirect")),
        status=307,
    ),
    "no-content": Fault("empty", saying(b"HTTP/1.1 204 No Content\r\n\r\n"), status=204),
    "gzip": Fault(
        "malformed",
        saying(head("text/event-stream", "Content-Encoding: gzip", "Content-Length: 3") + b"\x1f\x8b\x08"),
        note=b"compressed",
    ),
    "a-document": Fault("malformed", saying(document(b'{"choices":[]}')), note=b"one JSON document"),
    "error-event": Fault(
        "stream_error",
        saying(stream(ONE, event({"error": {"message": "engine died"}}))),
        note=b"died",
        events=1,
    ),
}

STREAMS = {
    "no-done": Fault("ok", saying(stream(ONE, delta(None, "stop"))), events=1),
    "double-done": Fault("ok", saying(stream(ONE, delta(None, "stop"), DONE, DONE)), events=1),
    "data-after-done": Fault("ok", saying(stream(ONE, delta(None, "stop"), DONE, delta("b"), DONE)), events=2),
    "no-finish-reason": Fault("truncated", saying(stream(ONE, DONE)), note=b"without a finish reason", events=1),
    "invalid-utf8": Fault(
        "ok",
        saying(stream(event(b'{"choices":[{"delta":{"content":"\xff\xfe"}}]}'), delta("b", "stop"))),
        events=2,
    ),
    "cut-multibyte": Fault(
        "ok",
        saying(*halves(stream(event(E_ACUTE), delta("b", "stop")), b"\xa9")),
        events=2,
    ),
    "not-json": Fault("malformed", saying(stream(ONE, event(b"{oops"))), note=b"not a JSON object: {oops", events=1),
    "long-line": Fault("malformed", long_line, note=b"32 MiB"),
    "heartbeats-only": Fault("empty", saying(stream(*HEARTBEATS)), note=b"no output"),
    "heartbeats-for-ever": Fault("timeout", heartbeats_for_ever, last=True),
    "heartbeats-between": Fault("ok", saying(stream(*HEARTBEATS, ONE, *HEARTBEATS, delta("b", "stop"))), events=2),
    "role-only": Fault("empty", saying(stream(event({"choices": [{"delta": {"role": "a"}}]}), delta(None, "stop")))),
}

FAULTS = {**FRAMING, **ANSWERS, **STREAMS}
