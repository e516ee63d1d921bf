"""Replies that are complete while the service leaves their message open."""

from __future__ import annotations

import socket
import threading

import pytest
from certificates import secure, trusting
from driving import MS, Driver, S, has
from replies import DONE, delta, head, stream
from serving import Handler, Service, each_request, stall

EVENTS = (delta("a"), delta("b", "stop"))
OPEN = {
    "chunked": stream(*EVENTS, DONE, last=b""),
    "length": head("text/event-stream", "Content-Length: 100000") + b"".join(EVENTS) + DONE,
    "until-close": head("text/event-stream") + b"".join(EVENTS) + DONE,
}


def leaving_open(reply: bytes) -> Handler:
    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            connection.sendall(reply)
            stall(connection)

    return handler


@pytest.mark.parametrize(
    ("framing", "encrypted"),
    [
        *(pytest.param(framing, False, id=f"{framing}-clear") for framing in OPEN),
        pytest.param("chunked", True, id="chunked-tls"),
        *(pytest.param(name, True, id=f"{name}-tls", marks=pytest.mark.slow) for name in OPEN if name != "chunked"),
    ],
)
def test_a_body_left_open(framing: str, encrypted: bool) -> None:
    """A second after [DONE] the reply counts as it stood then, the connection is closed, and its slot is free."""
    handler = leaving_open(OPEN[framing])
    with (
        secure(handler) if encrypted else Service(handler) as service,
        Driver(service.address, tls=trusting() if encrypted else None) as driver,
    ):
        driver.submit(2)
        driver.start()
        ended = driver.finish()
    assert (ended.outcomes, service.connections) == ({"ok": 2}, 2)
    for result in ended.final:
        assert has(result, "left_open")
        assert result.row["last_token_ns"] <= result.row["end_ns"] <= result.row["message_ns"] - S
    assert ended[1].row["intended_ns"] == ended[0].row["message_ns"]


def test_a_body_that_ends_in_time() -> None:
    """A message that ends a while after [DONE] ends by itself, and its connection serves on."""
    go = threading.Event()

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            connection.sendall(OPEN["chunked"])
            assert go.wait(20)
            connection.sendall(b"0\r\n\r\n")

    with Service(handler) as service, Driver(service.address) as driver:
        driver.submit(2)
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["output_events"] == 2)
        go.set()
        ended = driver.finish()
    assert (ended.outcomes, service.connections) == ({"ok": 2}, 1)
    assert not any(has(result, "left_open") for result in ended.final)


@pytest.mark.parametrize("limit", ["request_timeout_ns", "total_timeout_ns", "abort"])
def test_a_complete_reply_stays_complete(limit: str) -> None:
    """What ends a request between [DONE] and the end of its message takes nothing from the reply."""
    with (
        Service(leaving_open(OPEN["chunked"])) as service,
        Driver(service.address, **{} if limit == "abort" else {limit: 300 * MS}) as driver,
    ):
        driver.submit(1)
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["output_events"] == 2)
        if limit == "abort":
            driver.reactor.abort()
        ended = driver.finish()
    assert (ended[0].outcome, has(ended[0], "left_open")) == ("ok", True)


def test_output_behind_done() -> None:
    """[DONE] with more output behind it was not the end: silence after that is a timeout."""

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            connection.sendall(OPEN["chunked"])
            threading.Event().wait(0.2)
            connection.sendall(stream(delta("c"), last=b"").partition(b"\r\n\r\n")[2])
            stall(connection)

    with Service(handler) as service, Driver(service.address, request_timeout_ns=1500 * MS) as driver:
        driver.submit(1)
        driver.start()
        ended = driver.finish()
    assert (ended[0].outcome, ended[0].row["events"], has(ended[0], "left_open")) == ("timeout", 3, False)


def test_without_done_silence_is_a_timeout() -> None:
    """A finish reason alone does not end a message that the service leaves open."""
    with (
        Service(leaving_open(stream(*EVENTS, last=b""))) as service,
        Driver(service.address, request_timeout_ns=1200 * MS) as driver,
    ):
        driver.submit(1)
        driver.start()
        ended = driver.finish()
    assert (ended[0].outcome, has(ended[0], "left_open")) == ("timeout", False)
