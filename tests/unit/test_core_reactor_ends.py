"""How a run and its requests end early: time limits, a connection that never stands, drain and abort."""

import socket
import threading
import time

import numpy as np
import pytest
from driving import MS, OK, Driver, S, drive
from replies import chunk, delta, head, stream
from serving import Service, answering, each_request, finish, read_request, stall

STREAM_HEAD = head("text/event-stream", "Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    ("start", "events"),
    [
        (b"", 0),
        (b"HTTP/1.1 200 OK\r\nContent-", 0),
        (STREAM_HEAD, 0),
        (STREAM_HEAD + chunk(delta("a")) + chunk(delta("b")) + b"5", 2),
    ],
    ids=["silence", "head", "first-token", "mid-stream"],
)
def test_a_request_that_takes_too_long(start: bytes, events: int) -> None:
    """The time limit ends a request wherever it stands, keeps what had come, and frees its slot."""

    def handler(connection: socket.socket, number: int) -> None:
        if number > 0:
            answering(OK)(connection, number)
        elif read_request(connection) is not None:
            connection.sendall(start)
            stall(connection)

    with Service(handler) as service:
        ended = drive(service.address, 2, request_timeout_ns=400 * MS)
    row = ended[0].row
    assert (ended[0].outcome, row["events"]) == ("timeout", events)
    assert ended[0].note == b"no complete response in time"
    assert row["end_ns"] - row["intended_ns"] >= 400 * MS
    assert ended[1].outcome == "ok"
    assert service.connections == 2


def test_the_time_limit_is_the_whole_requests() -> None:
    """A stream that never pauses for long is ended all the same when the request's time is over."""

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(STREAM_HEAD)
        while True:
            connection.sendall(chunk(delta("a")))
            time.sleep(0.005)

    with Service(handler) as service:
        ended = drive(service.address, 1, request_timeout_ns=100 * MS)
    assert ended.outcomes == {"timeout": 1}
    assert ended[0].row["events"] > 0


def test_a_connection_that_never_stands(full_port: int) -> None:
    """A service too busy to accept is refused after the time for connecting, once for each attempt."""
    nowhere = (socket.AF_INET, "127.0.0.1", full_port)
    begun = time.monotonic_ns()
    ended = drive(nowhere, 2, limit=2, retry=1, connect_timeout_ns=100 * MS)
    assert time.monotonic_ns() - begun >= 200 * MS
    assert ended.outcomes == {"refused": 2}
    for result in [*ended.final, *ended.superseded]:
        assert result.note == b"the connection attempt timed out"
    assert len(ended.superseded) == 2
    assert ended.snapshot["connect_failures"] >= 4


def test_a_request_may_time_out_before_it_has_a_connection(full_port: int) -> None:
    """The time limit of the whole request counts while it waits for a connection too, that of an attempt does not."""
    limits = {"request_timeout_ns": 1, "total_timeout_ns": 100 * MS}
    ended = drive((socket.AF_INET, "127.0.0.1", full_port), 1, **limits)
    assert (ended[0].outcome, ended[0].row["sent_ns"]) == ("timeout", 0)
    assert ended[0].note == b"no complete response in time, over all attempts"
    assert ended[0].row["end_ns"] - ended[0].row["tried_ns"] >= 100 * MS


def test_drain_lets_finish_what_was_sent() -> None:
    """After `drain` what was not sent is cancelled at once, and what is in flight comes to its own end."""
    go = threading.Event()

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            assert go.wait(20)
            connection.sendall(OK)

    with Service(handler) as service, Driver(service.address, limit=2, spare=2) as driver:
        driver.submit(6)
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["sent"] == 2)
        driver.reactor.drain()
        driver.pump(lambda: driver.rows() == 4)
        assert driver.reactor.snapshot()["in_flight"] == 2
        go.set()
        ended = driver.finish()
    assert [ended[number].outcome for number in range(6)] == ["ok"] * 2 + ["cancelled"] * 4
    assert all(ended[number].row["sent_ns"] == ended[number].row["tried_ns"] == 0 for number in range(2, 6))
    assert all(ended[number].row["intended_ns"] <= ended[number].row["tried_ns"] for number in range(2))
    assert all(ended[number].note == b"the run ended before it was sent" for number in range(2, 6))


def test_abort_ends_everything_at_once() -> None:
    """After `abort` streams end as cancelled with the events that they had, and the service sees it."""
    left = threading.Semaphore(0)

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(STREAM_HEAD + chunk(delta("a")))
        try:
            stall(connection)
        finally:
            left.release()

    with Service(handler) as service, Driver(service.address, limit=3, spare=3, retry=2) as driver:
        driver.submit(5)
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["output_events"] == 3)
        driver.reactor.abort()
        ended = driver.finish()
        assert all(left.acquire(timeout=120) for _ in range(3))
    assert ended.outcomes == {"cancelled": 5}
    assert ended.column("events").tolist() == [1, 1, 1, 0, 0]
    assert ended.superseded == []


def test_a_second_abort_takes_nothing_back() -> None:
    """What was in flight when the time was over is told so, also where another abort comes right behind the first."""
    with Service(lambda connection, _: stall(connection)) as service, Driver(service.address, limit=64) as driver:
        driver.submit(64)
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["sent"] == 64)
        driver.reactor.abort(out_of_time=True)
        driver.reactor.abort(abandon=True)
        ended = driver.finish()
    assert {result.note for result in ended.final} == {b"in flight when the time to drain was over"}


def test_abort_ends_what_waits_for_a_connection(full_port: int) -> None:
    """Requests in flight that have no connection yet are cancelled too."""
    with Driver((socket.AF_INET, "127.0.0.1", full_port), limit=2) as driver:
        driver.submit(3)
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["in_flight"] == 2)
        driver.reactor.abort()
        assert driver.finish().outcomes == {"cancelled": 3}


def test_drain_before_the_start() -> None:
    """A run that is stopped before it starts cancels all, and ends."""
    with Service(answering(OK)) as service, Driver(service.address, limit=2, spare=2) as driver:
        driver.submit(3)
        driver.reactor.drain()
        ended = driver.finish()
    assert (ended.outcomes, ended.snapshot["sent"]) == ({"cancelled": 3}, 0)


def test_what_comes_after_a_drain_is_cancelled() -> None:
    """A request submitted while what is in flight still goes on is never sent, and has its outcome."""
    go = threading.Event()

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            assert go.wait(20)
            connection.sendall(OK)

    with Service(handler) as service, Driver(service.address, limit=4) as driver:
        driver.submit(1)
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["in_flight"] == 1)
        driver.reactor.drain()
        driver.submit(2)
        driver.pump(lambda: driver.rows() == 2)
        go.set()
        ended = driver.finish()
    assert [ended[number].outcome for number in range(3)] == ["ok", "cancelled", "cancelled"]


def test_the_connections_are_closed_at_the_end() -> None:
    """When the run has ended the service sees every connection close."""
    closed = threading.Semaphore(0)

    def handler(connection: socket.socket, number: int) -> None:
        answering(OK)(connection, number)
        closed.release()

    with Service(handler) as service, Driver(service.address, limit=3, spare=3) as driver:
        driver.pump(lambda: driver.reactor.open_connections == 3)
        driver.submit(9)
        driver.start()
        driver.finish()
        assert all(closed.acquire(timeout=120) for _ in range(3))
        assert driver.reactor.open_connections == 0


def test_an_answer_after_the_time_limit_is_nobodys() -> None:
    """A response that comes when its request has timed out is not taken for that of the next one."""
    late = stream(delta("late"), delta("late", "stop"))

    def handler(connection: socket.socket, number: int) -> None:
        for _request in each_request(connection):
            if number == 0:
                time.sleep(0.3)
                connection.sendall(late)
                finish(connection)
                return
            connection.sendall(OK)

    with Service(handler) as service:
        ended = drive(service.address, 4, request_timeout_ns=S // 10)
    assert [ended[number].outcome for number in range(4)] == ["timeout", "ok", "ok", "ok"]
    assert np.all(ended.column("events")[1:] == 3)
