"""Connections: kept open and used again, opened anew where that is due, never trusted without reason."""

import socket
import threading
import time

import pytest
from driving import MS, OK, Driver, drive, has
from replies import CHAT, delta, document, head, stream
from serving import (
    Handler,
    Service,
    answering,
    answering_once,
    closed_port,
    each_request,
    finish,
    read_request,
    reset,
    stall,
)

CLOSING = OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@pytest.mark.parametrize("slots", [1, 6])
def test_connections_are_used_again(slots: int) -> None:
    """A closed loop uses as many connections as it has slots, for however many requests."""
    with Service(answering(OK)) as service:
        ended = drive(service.address, 50, limit=slots, spare=slots)
    assert ended.outcomes == {"ok": 50}
    assert service.connections == ended.snapshot["connections"] == slots
    assert set(ended.column("connection")) <= set(range(slots))


def test_the_connection_used_last_is_the_first_to_be_used_again() -> None:
    """Requests one at a time use one connection, though more stand ready."""
    with (
        Service(answering(OK)) as service,
        Driver(service.address, limit=4, spare=4, closed_loop=False) as driver,
    ):
        driver.pump(lambda: driver.reactor.open_connections == 4)
        driver.submit(10, every_ns=20 * MS)
        driver.start()
        ended = driver.finish()
    assert len(set(ended.column("connection"))) <= 2, "one more if a reply took longer than 20 ms"


def test_spares_are_opened_before_the_start() -> None:
    """Connections stand before the first send, which waits for none: no time to connect is noted."""
    with Service(answering(OK)) as service, Driver(service.address, limit=8, spare=3) as driver:
        driver.submit(1)
        driver.pump(lambda: driver.reactor.open_connections == 3)
        driver.start()
        ended = driver.finish()
    assert service.connections >= 3
    assert ended[0].row["connect_ns"] == 0


def test_the_time_to_connect_is_noted_where_it_delayed_the_send() -> None:
    """Without spares the first request waits for its connection, later ones do not."""
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        driver.start()
        driver.submit(3)
        ended = driver.finish()
    row = ended[0].row
    assert 0 < row["connect_ns"] <= row["sent_ns"] - row["intended_ns"]
    assert ended.column("connect_ns")[1:].tolist() == [0, 0]


@pytest.mark.parametrize(
    "reply",
    [
        CLOSING,
        OK.replace(b"HTTP/1.1", b"HTTP/1.0", 1).replace(b"Transfer-Encoding: chunked", b"X: y", 1),
        head() + delta("a", "stop"),
    ],
    ids=["close", "http10", "until-eof"],
)
def test_a_service_that_closes_gets_a_new_connection_each(reply: bytes) -> None:
    """A reply that ends its connection, by header, version or framing, is never followed by another."""
    if b"HTTP/1.0" in reply:
        reply = head().replace(b"HTTP/1.1", b"HTTP/1.0") + delta("a", "stop")
    with Service(answering_once(reply, finish)) as service:
        ended = drive(service.address, 8)
    assert (ended.outcomes, service.connections) == ({"ok": 8}, 8)
    assert len(set(ended.column("connection"))) == 8


def test_the_client_closes_where_the_service_says_close_but_waits() -> None:
    """After `Connection: close` the client closes too, and does not wait for the service to do it."""
    left = threading.Event()

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(CLOSING)
        stall(connection)
        left.set()

    with Service(handler) as service, Driver(service.address) as driver:
        driver.submit(2)
        driver.start()
        driver.pump(lambda: driver.rows() == 2)
        assert left.wait(10)
        ended = driver.finish()
    assert (ended.outcomes, service.connections) == ({"ok": 2}, 2)


def test_a_connection_closed_while_idle_is_not_used() -> None:
    """An end of file on an idle connection is noticed, so that the next request goes out on a new one."""
    with Service(answering_once(OK, finish)) as service, Driver(service.address, closed_loop=False) as driver:
        driver.submit(4, every_ns=50 * MS)
        driver.start()
        ended = driver.finish()
    assert (ended.outcomes, service.connections) == ({"ok": 4}, 4)
    assert ended.snapshot["retries"] == 0


@pytest.mark.parametrize("closed", [(0, 1, 2), (5, 4, 3), (2, 4, 0), (1, 5, 3), (0, 5, 1, 4, 2, 3)])
def test_idle_connections_close_in_any_order(closed: tuple[int, ...]) -> None:
    """Whichever idle connections the service closes, and in which order, those that are left are the ones used."""
    count = 6
    all_in = threading.Barrier(count)
    may_close = [threading.Event() for _ in range(count)]

    def handler(connection: socket.socket, number: int) -> None:
        read_request(connection)
        if number < count:
            all_in.wait(20)
        connection.sendall(OK)
        if number in closed:
            assert may_close[number].wait(20)
            return
        while read_request(connection):
            connection.sendall(OK)

    with Service(handler) as service, Driver(service.address, limit=count) as driver:
        driver.submit(count)
        driver.start()
        driver.pump(lambda: driver.rows() == count)
        for gone, number in enumerate(closed, 1):
            may_close[number].set()
            driver.pump(lambda gone=gone: driver.reactor.open_connections == count - gone)
        driver.submit(3)
        ended = driver.finish()
    left = set(range(count)) - set(closed)
    assert ended.outcomes == {"ok": count + 3}
    assert not left or set(ended.column("connection")[count:]) <= left
    assert (service.connections == count) == bool(left)


@pytest.mark.parametrize("end", [finish, reset])
@pytest.mark.parametrize("retry", [0, 2])
def test_a_connection_closed_as_we_send_costs_nothing(end: Handler, retry: int) -> None:
    """A used connection may end without an answer, as keep-alive has it: sent again, no attempt counted."""

    def once_more(connection: socket.socket) -> None:
        read_request(connection)
        end(connection)  # type: ignore[call-arg]

    with Service(answering_once(OK, once_more)) as service:
        ended = drive(service.address, 9, retry=retry)
    assert (ended.outcomes, service.connections) == ({"ok": 9}, 9)
    assert (ended.superseded, ended.snapshot["resent"]) == ([], 8)
    assert [has(result, "resent") for result in ended.final] == [False] + [True] * 8
    assert set(ended.column("attempt")) == {0}


def test_it_is_resent_only_once() -> None:
    """Where the second connection ends as the first did, the request has failed."""
    times: list[int] = []

    def handler(connection: socket.socket, number: int) -> None:
        if number == 0:
            read_request(connection)
            connection.sendall(OK)
        read_request(connection)
        times.append(number)

    with Service(handler) as service:
        ended = drive(service.address, 2)
    assert (ended[1].outcome, ended[1].row["attempt"], times) == ("truncated", 0, [0, 1])
    assert has(ended[1], "resent")


def test_closed_idle_connections_are_nobodys_failure() -> None:
    """Where all idle connections were closed at once, a request goes through them and succeeds on a new one."""
    count = 6
    all_in = threading.Barrier(count)

    def handler(connection: socket.socket, number: int) -> None:
        read_request(connection)
        if number < count:
            all_in.wait(20)
        # The last byte and the end come together: the client may send before it knows.
        connection.sendall(OK)

    with Service(handler) as service:
        ended = drive(service.address, 10 * count, limit=count, spare=count)
    assert ended.outcomes == {"ok": 10 * count}
    assert set(ended.column("attempt")) == {0}


def test_a_new_connection_is_none_that_was_used() -> None:
    """What a connection served before it was closed says nothing of the next one: its failure is a failure."""

    def handler(connection: socket.socket, number: int) -> None:
        read_request(connection)
        if number % 2 == 0:
            connection.sendall(CLOSING)

    with Service(handler) as service:
        ended = drive(service.address, 6)
    assert [ended[number].outcome for number in range(6)] == ["ok", "truncated"] * 3
    assert (service.connections, ended.snapshot["resent"]) == (6, 0)


@pytest.mark.parametrize("rest", [b"\0", OK, b"HTTP/1.1 408 Timeout\r\n\r\n"])
def test_bytes_behind_a_response(rest: bytes) -> None:
    """What comes behind a response belongs to nobody: the outcome stands, the connection is given up."""
    with Service(answering(OK + rest)) as service:
        ended = drive(service.address, 5)
    assert (ended.outcomes, service.connections) == ({"ok": 5}, 5)
    assert set(ended.column("received_bytes")) == {len(OK + rest)}


def test_words_on_an_idle_connection() -> None:
    """A service that speaks unasked is not believed: the next request goes out on a new connection."""
    spoken = threading.Event()

    def speak(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        spoken.set()
        stall(connection)

    with Service(answering_once(OK, speak)) as service, Driver(service.address) as driver:
        for _ in range(3):
            driver.submit(1)
            driver.start() if not driver.start_ns else None
            driver.pump(lambda: driver.rows() == driver.submitted)
            assert spoken.wait(10)
            driver.pump(lambda: driver.reactor.snapshot()["open_connections"] == 0)
            spoken.clear()
        ended = driver.finish()
    assert (ended.outcomes, service.connections) == ({"ok": 3}, 3)


def test_words_before_the_first_request() -> None:
    """A connection on which the service speaks first, as SSH does, never gets a request."""

    def handler(connection: socket.socket, number: int) -> None:
        if number < 2:
            connection.sendall(b"220 ready\r\n")
        for _request in each_request(connection):
            connection.sendall(OK)

    with Service(handler) as service, Driver(service.address, limit=2, spare=2) as driver:
        driver.pump(lambda: service.connections >= 4 and driver.reactor.open_connections == 2)
        driver.submit(6)
        driver.start()
        ended = driver.finish()
    assert ended.outcomes == {"ok": 6}
    assert set(ended.column("connection")) <= {2, 3}


def test_one_connection_may_mix_outcomes() -> None:
    """Failures that leave the framing whole leave the connection in use."""
    replies = [
        document(b'{"error":"slow down"}', status="429 Too Many Requests"),
        stream(delta("a", "stop")),
        stream(b"data: not json\n\n", delta("a", "stop")),
        document(b"<html>", "text/html"),
        stream(delta("a")),
        OK,
    ]

    def handler(connection: socket.socket, _: int) -> None:
        for reply, _request in zip(replies, each_request(connection), strict=False):
            connection.sendall(reply)

    with Service(handler) as service:
        ended = drive(service.address, len(replies))
    outcomes = [result.outcome for result in ended.final]
    assert outcomes == ["http_error", "ok", "malformed", "malformed", "truncated", "ok"]
    assert service.connections == 1


@pytest.mark.parametrize("listening", [False, True], ids=["refused", "closed-at-once"])
def test_spares_are_opened_without_hurry_where_they_fail(listening: bool) -> None:
    """Spares that are refused, or closed before they served, are opened anew only ten times a second."""
    with Service(lambda connection, _: finish(connection)) as service:
        place = service.address if listening else (socket.AF_INET, "127.0.0.1", closed_port())
        begun = time.monotonic()
        with Driver(place, limit=4, spare=4) as driver:
            driver.pump(lambda: time.monotonic() > begun + 0.35)
            counted = driver.reactor.snapshot()
            waves = 2 + (time.monotonic() - begun) / 0.1
    assert 4 <= counted["connections"] + counted["connect_failures"] * (not listening) <= 2 * 4 * waves


def test_it_speaks_ipv6() -> None:
    """The loopback address of IPv6 is connected to as any other."""
    with Service(answering(OK), host="::1") as service:
        assert drive(service.address, 3).outcomes == {"ok": 3}


def test_the_spec_is_the_one_given() -> None:
    """A reactor reads replies by the rules that it was made with."""
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        assert driver.reactor.spec.rules == CHAT.rules
        driver.finish()
