"""Requests larger than a socket's buffer, and services that do not read them whole."""

import hashlib
import socket
import time

import pytest
from driving import MS, OK, drive, post
from replies import delta, document, stream
from serving import Service, answering, content_length, each_request, read_request, reset, stall

MIB = 1 << 20
TOO_LARGE = document(b'{"error":{"message":"too large"}}', status="413 Content Too Large")


def narrow(connection: socket.socket) -> None:
    """Lets the system hold little of what is not read: the client cannot get rid of a large request."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)


def test_a_slow_reader_gets_the_whole_request() -> None:
    """A request of 8 MiB that is read in small pieces arrives whole, written as the socket takes it."""
    seen: list[str] = []

    def handler(connection: socket.socket, _: int) -> None:
        narrow(connection)
        data = bytearray(connection.recv(1000))
        size = data.index(b"\r\n\r\n") + 4 + content_length(data.partition(b"\r\n\r\n")[0])
        while len(data) < size:
            data += connection.recv(1 << 17)
            time.sleep(0.001)
        seen.append(hashlib.sha256(data).hexdigest())
        connection.sendall(OK)

    with Service(handler) as service:
        ended = drive(service.address, 1, size=8 * MIB)
    assert ended.outcomes == {"ok": 1}
    assert seen == [hashlib.sha256(post(0, 8 * MIB)).hexdigest()]
    assert ended[0].row["sent_bytes"] == len(post(0, 8 * MIB))
    assert ended[0].row["headers_ns"] - ended[0].row["sent_ns"] > 10 * MS


def test_large_requests_share_their_connections() -> None:
    """Many requests of 1 MiB over few connections arrive whole and in use of the same connections."""
    sizes: list[int] = []

    def handler(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            sizes.append(len(request))
            connection.sendall(OK)

    with Service(handler) as service:
        ended = drive(service.address, 24, size=MIB, limit=4, spare=4)
    assert ended.outcomes == {"ok": 24}
    assert sorted(sizes) == sorted(len(post(number, MIB)) for number in range(24))
    assert service.connections == 4


@pytest.mark.parametrize("closes", [False, True], ids=["waits", "closes"])
def test_an_answer_before_the_request_was_read(closes: bool) -> None:
    """A service that refuses a large request after its head is heard; the connection is not used again."""

    def handler(connection: socket.socket, _: int) -> None:
        narrow(connection)
        assert b"\r\n\r\n" in connection.recv(1024)
        connection.sendall(TOO_LARGE)
        if not closes:
            time.sleep(0.02)

    with Service(handler) as service:
        ended = drive(service.address, 8, size=8 * MIB)
    assert ended.outcomes == {"http_error": 8}
    assert set(ended.column("status")) == {413}
    assert all(b"too large" in result.note for result in ended.final)
    assert service.connections == 8


def test_a_stream_that_begins_early_is_read_to_its_end() -> None:
    """A whole reply that overtakes its request is ok; its connection serves no other request."""

    def handler(connection: socket.socket, _: int) -> None:
        narrow(connection)
        connection.recv(1024)
        connection.sendall(OK[: len(OK) // 2])
        time.sleep(0.01)
        connection.sendall(OK[len(OK) // 2 :])
        stall(connection)

    with Service(handler) as service:
        ended = drive(service.address, 3, size=8 * MIB)
    assert (ended.outcomes, service.connections) == ({"ok": 3}, 3)
    assert ended.column("events").tolist() == [3, 3, 3]


@pytest.mark.parametrize("pause_s", [0.0, 0.01])
@pytest.mark.parametrize("retry", [0, 1])
def test_a_reset_while_the_request_is_sent(pause_s: float, retry: int) -> None:
    """A connection reset in the middle of a large request is a reset, whichever call of ours noticed it."""

    def handler(connection: socket.socket, _: int) -> None:
        narrow(connection)
        connection.recv(1024)
        time.sleep(pause_s)
        reset(connection)

    with Service(handler) as service:
        ended = drive(service.address, 6, size=8 * MIB, retry=retry)
    assert ended.outcomes == {"reset": 6}
    assert {attempt.outcome for attempt in ended.superseded} == ({"reset"} if retry else set())


def test_a_retry_sends_the_whole_request_again() -> None:
    """After an attempt that broke in the middle of the request the next one begins at its first byte."""
    seen: list[bytes] = []

    def handler(connection: socket.socket, number: int) -> None:
        if number == 0:
            narrow(connection)
            connection.recv(100_000)
            reset(connection)
            return
        seen.append(read_request(connection) or b"")
        connection.sendall(OK)

    with Service(handler) as service:
        ended = drive(service.address, 1, size=8 * MIB, retry=1)
    assert (ended.outcomes, len(ended.superseded)) == ({"ok": 1}, 1)
    assert seen == [post(0, 8 * MIB)]


def test_a_request_that_nobody_reads_times_out() -> None:
    """A write that never comes to its end is bounded by the request's time limit."""

    def handler(connection: socket.socket, _: int) -> None:
        narrow(connection)
        connection.recv(100)
        time.sleep(0.4)

    with Service(handler) as service:
        ended = drive(service.address, 1, size=8 * MIB, request_timeout_ns=150 * MS)
    assert ended.outcomes == {"timeout": 1}


def test_a_large_reply_is_read_whole() -> None:
    """A stream of 20,000 events, far beyond one read, is ok with every event counted."""
    reply = stream(*[delta("some words")] * 19_999, delta("end", "stop"))
    with Service(answering(reply)) as service:
        ended = drive(service.address, 2, limit=2)
    assert ended.outcomes == {"ok": 2}
    assert set(ended.column("events")) == {20_000}
    assert set(ended.column("received_bytes")) == {len(reply)}


def test_an_interim_answer_does_not_stop_the_request() -> None:
    """A service that says 102 Processing before it has read a large request still gets all of it."""
    seen: list[bytes | None] = []

    def handler(connection: socket.socket, _: int) -> None:
        narrow(connection)
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        time.sleep(0.02)
        seen.append(read_request(connection))
        connection.sendall(OK)

    with Service(handler) as service:
        ended = drive(service.address, 1, size=8 * MIB)
    assert ended.outcomes == {"ok": 1}
    assert seen == [post(0, 8 * MIB)]


def test_a_stream_that_begins_early_does_not_stop_the_request() -> None:
    """A service that sends the head of a 200 before it has read a large request still gets all of it."""
    seen: list[bytes | None] = []

    def handler(connection: socket.socket, _: int) -> None:
        narrow(connection)
        connection.sendall(OK[: OK.index(b"\r\n\r\n") + 4])
        time.sleep(0.02)
        seen.append(read_request(connection))
        connection.sendall(OK[OK.index(b"\r\n\r\n") + 4 :])

    with Service(handler) as service:
        ended = drive(service.address, 2, size=8 * MIB)
    assert ended.outcomes == {"ok": 2}
    assert seen == [post(0, 8 * MIB), post(1, 8 * MIB)]
