"""The reactor by itself: its arguments, its accounts, its life."""

import os
import socket
import time
from multiprocessing.connection import wait
from typing import Any

import numpy as np
import pytest
from driving import MS, OK, Driver, S, drive, has, post, shape_of
from replies import delta, document, stream
from serving import Service, answering, closed_port, each_request, finish, read_request, reset, stall

from fastbench._core.reactor import Reactor
from fastbench._core.reactor.lateness import HEARTBEAT_MS
from fastbench._core.ring import FLAGS, OUTCOMES
from fastbench._core.wire import OutputSpec
from fastbench.dialects.apis.openai import CHAT_RULES

CUT = stream(delta("a"), last=b"")
# What a service does with a request, and the outcome that this has without a retry.
ENDINGS = {
    "ok": lambda connection: connection.sendall(OK),
    "http_error": lambda connection: connection.sendall(document(b"busy", "text/plain", status="503 Busy")),
    "stream_error": lambda connection: connection.sendall(stream(b'data: {"error":{"message":"no"}}\n\n')),
    "malformed": lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "truncated": lambda connection: (connection.sendall(CUT), connection.shutdown(socket.SHUT_WR)),
    "timeout": stall,
    "reset": reset,
    "empty": lambda connection: connection.sendall(stream(delta(None, "stop"))),
}


def usual(**shape: Any) -> Reactor:
    return Reactor(OutputSpec(CHAT_RULES), **shape_of(request_timeout_ns=S, **shape))


@pytest.mark.parametrize("outcome", ENDINGS)
def test_every_outcome_of_a_connection(outcome: str) -> None:
    """Each way in which a service can treat a request has its one outcome, and all but `ok` have a reason."""

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        ENDINGS[outcome](connection)

    with Service(handler) as service:
        ended = drive(service.address, 1, request_timeout_ns=S if outcome != "timeout" else 100 * MS)
    assert ended.outcomes == {outcome: 1}
    assert bool(ended[0].note) == (outcome != "ok")


def test_every_outcome_without_a_connection() -> None:
    """What has no connection is refused or cancelled; with the others these are all but `dropped`."""
    nowhere = (socket.AF_INET, "127.0.0.1", closed_port())
    refused = drive(nowhere, 1)[0]
    assert (refused.outcome, refused.note) == ("refused", b"connection refused")
    with Driver(nowhere) as driver:
        driver.submit(1)
        driver.reactor.drain()
        cancelled = driver.finish()[0]
    assert (cancelled.outcome, cancelled.note) == ("cancelled", b"the run ended before it was sent")
    assert {*ENDINGS, "refused", "cancelled"} == set(OUTCOMES) - {"none", "dropped"}


def test_requests_submitted_together_are_as_those_submitted_one_by_one() -> None:
    """Each has its own bytes and fields, in the order given, and they go out and are counted as any others."""
    payloads = [post(number, number) for number in range(5)]
    column = np.arange(5)
    columns = [column, column * 0, column + 10, column + 20, column + 30, column % 3]
    ends = np.cumsum([len(payload) for payload in payloads])
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        driver.reactor.submit_many(b"".join(payloads) + b"more", ends, *columns, warmup=True, keep_text=True)
        assert (driver.reactor.backlog, driver.reactor.backlog_bytes) == (5, ends[-1])
        driver.submitted = 5
        driver.start()
        together = driver.finish()
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        for number, payload in enumerate(payloads):
            planned = {"sample": number + 10, "planned_input": number + 20, "planned_output": number + 30}
            options = {**planned, "class_number": number % 3, "warmup": True, "keep_text": True}
            driver.reactor.submit(payload, request=number, **options)
        driver.submitted = 5
        driver.start()
        apart = driver.finish()
    names = ["request", "sample", "planned_input", "planned_output", "class_number", "sent_bytes", "events"]
    for number in range(5):
        fields = [tuple(int(ended[number].row[name]) for name in names) for ended in (together, apart)]
        assert fields[0] == fields[1]
        assert has(together[number], "warmup")
        assert together[number].text == apart[number].text
    assert together.outcomes == apart.outcomes == {"ok": 5}


def test_columns_that_do_not_fit_are_refused() -> None:
    """Nothing is submitted where a column is of another length, or an end is before the one before it or beyond all."""
    reactor, one, two = usual(), np.ones(1, np.int64), np.ones(2, np.int64)
    for ends, columns in (
        (one, [one, one, one, one, one, two]),
        (two, [one] * 6),
        (np.array([3]), [one] * 6),
        (np.array([2, 1]), [two] * 6),
        (-one, [one] * 6),
    ):
        with pytest.raises(ValueError, match=r"column|ends"):
            reactor.submit_many(b"ab", ends, *columns)
    reactor.submit_many(b"", one[:0], *[one[:0]] * 6)
    assert reactor.backlog == 0


def test_a_row_says_what_was_planned_and_what_came() -> None:
    """The fields of a request come back with it, beside sizes, status, counts and moments in their order."""
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        driver.submit(1, sample=7, planned_input=11, planned_output=3, warmup=True, keep_text=True)
        driver.start()
        ended = driver.finish()
    row = ended[0].row
    assert (row["sample"], row["planned_input"], row["planned_output"], row["status"]) == (7, 11, 3, 200)
    assert (row["sent_bytes"], row["received_bytes"]) == (len(post(0)), len(OK))
    assert (row["events"], row["output_tokens"], row["attempt"], row["connection"]) == (3, 3, 0, 0)
    assert ended[0].text == b't"a"\nt"b"\nt"c"\n'
    moments = ("intended_ns", "sent_ns", "headers_ns", "first_token_ns", "last_token_ns", "end_ns")
    assert np.all(np.diff([row[name] for name in moments]) >= 0)
    assert row["intended_ns"] == driver.start_ns


def test_only_the_next_request_wakes_the_reactor() -> None:
    """What stands behind a request that is ready wakes nobody, and goes out at its time all the same."""
    count = 100
    with Service(answering(OK)) as service, Driver(service.address, closed_loop=False, limit=count) as driver:
        driver.start(1_000 * MS)  # a busy machine takes a while to submit them
        driver.submit(1, every_ns=MS)
        driver.pump(lambda: driver.reactor.snapshot()["turns"])
        time.sleep(0.05)
        begun, before = time.monotonic(), driver.reactor.snapshot()["turns"]
        for _ in range(count - 1):
            driver.submit(1, every_ns=MS)
            time.sleep(0.0005)
        woken = driver.reactor.snapshot()["turns"] - before
        heartbeats = (time.monotonic() - begun) * 1000 / HEARTBEAT_MS
        ended = driver.finish()
    assert driver.reactor.snapshot()["sent"] == count
    assert woken < heartbeats + count // 4
    assert ended.outcomes == {"ok": count}
    assert all(not one.row["flags"] & FLAGS["starved"] for one in ended.final)


def test_a_reactor_that_waits_is_woken_by_each_request() -> None:
    """Requests that come one by one to idle slots are all sent at once, however the two threads fall."""
    with Service(answering(OK)) as service, Driver(service.address, limit=2) as driver:
        driver.start()
        for number in range(1, 1001):
            driver.submit(1)
            if number % 3:
                driver.pump(lambda number=number: driver.rows() == number)
        driver.pump(lambda: driver.rows() == 1000)
        ended = driver.finish()
    assert ended.outcomes == {"ok": 1000}


def test_the_request_arrives_as_it_was_submitted() -> None:
    """A service reads each request byte for byte, in the order of submission."""
    seen: list[bytes] = []

    def handler(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            seen.append(request)
            connection.sendall(OK)

    with Service(handler) as service:
        drive(service.address, 30, size=100)
    assert seen == [post(number, 100) for number in range(30)]


def test_the_backlog_is_what_was_not_sent() -> None:
    """Requests and bytes of the backlog rise with each submission and fall with each send or cancellation."""
    with (
        Service(lambda connection, _: stall(connection)) as service,
        Driver(service.address, limit=2) as driver,
    ):
        driver.submit(5, size=10)
        size = len(post(0, 10))
        assert (driver.reactor.backlog, driver.reactor.backlog_bytes) == (5, 5 * size)
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["sent"] == 2)
        assert (driver.reactor.backlog, driver.reactor.backlog_bytes) == (3, 3 * size)
        driver.reactor.abort()
        ended = driver.finish()
        assert (driver.reactor.backlog, driver.reactor.backlog_bytes) == (0, 0)
    assert ended.outcomes == {"cancelled": 5}


def test_nothing_to_do_is_an_end_too() -> None:
    """Without a request the reactor ends when its input is closed, started or not."""
    for started in (False, True):
        with Driver((socket.AF_INET, "127.0.0.1", closed_port())) as driver:
            if started:
                driver.start()
            assert driver.finish().final == []


def test_the_descriptor_tells_of_results_and_of_the_end() -> None:
    """`fileno` is readable when a request has finished, no more after `take`, and again at the end."""
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        reactor = driver.reactor
        assert not wait([reactor.fileno()], 0)
        assert reactor.take() is None
        driver.submit(1)
        driver.start()
        assert wait([reactor.fileno()], 10)
        driver.serve()
        assert not wait([reactor.fileno()], 0)
        reactor.close_input()
        assert wait([reactor.fileno()], 10)
        driver.finish()


def test_a_reactor_runs_once() -> None:
    """A second `run` is refused, while the first goes on and after it."""
    with Driver((socket.AF_INET, "127.0.0.1", closed_port())) as driver:
        driver.pump(lambda: driver.reactor.running)
        with pytest.raises(RuntimeError, match="runs once"):
            driver.reactor.run()
        driver.finish()
        with pytest.raises(RuntimeError, match="runs once"):
            driver.reactor.run()


@pytest.mark.parametrize("shape", [{"limit": 0}, {"limit": -1}, {"spare": -1}, {"retry": -1}, {"row_tokens": 0}])
def test_impossible_shapes_are_refused(shape: dict[str, int]) -> None:
    """A limit below 1, fewer than no spares or retries, a row without room: no such reactor is made."""
    with pytest.raises(ValueError, match="at least"):
        usual(**shape)


@pytest.mark.parametrize(
    "place",
    [
        (socket.AF_INET, "localhost", 80),
        (socket.AF_INET, "::1", 80),
        (socket.AF_INET6, "127.0.0.1", 80),
        (socket.AF_INET, "127.0.0.1", 0),
        (socket.AF_INET, "127.0.0.1", 65536),
        (socket.AF_UNIX, "127.0.0.1", 80),
    ],
)
def test_only_numeric_addresses_are_taken(place: tuple[int, str, int]) -> None:
    """A name, an address of another family, or a port out of range is refused before anything is sent."""
    with pytest.raises(ValueError, match="not a numeric address"):
        usual().connect_to(*place, timeout_ns=S, tls=False)


def test_a_request_is_bytes() -> None:
    """Anything else is refused when it is submitted, and nothing is counted for it."""
    reactor = usual()
    for payload in ("text", None, 5):
        with pytest.raises(TypeError):
            reactor.submit(payload, request=0)  # type: ignore[arg-type]
    assert (reactor.backlog, reactor.backlog_bytes) == (0, 0)


def test_a_reactor_that_never_ran_is_freed() -> None:
    """What was submitted to it goes with it, and its descriptors are closed."""
    reactor = usual()
    reactor.submit(post(0), request=0)
    number = reactor.fileno()
    del reactor
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_many_streams_at_once() -> None:
    """300 requests over 40 slots are all ok, each with its own three output events."""
    with Service(answering(OK)) as service:
        ended = drive(service.address, 300, limit=40, spare=40)
    assert ended.outcomes == {"ok": 300}
    assert set(ended.column("events")) == {3}
    assert ended.snapshot["output_events"] == 900
    assert ended.snapshot["peak_in_flight"] <= 40


def test_streams_longer_than_their_row() -> None:
    """A stream of more output events than its row has room for keeps every stamp, and the move is counted."""
    long = stream(*[delta("x")] * 199, delta("y", "stop"))
    with Service(answering(long)) as service:
        ended = drive(service.address, 4, limit=2, row_tokens=10)
    assert ended.outcomes == {"ok": 4}
    assert [len(result.token_ns()) for result in ended.final] == [200] * 4
    assert ended.snapshot["spilled_rows"] >= 4


def test_handlers_that_close_in_order_leave_no_trace() -> None:
    """A service that closes each connection after its reply causes neither a retry nor a failure."""

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        finish(connection)

    with Service(handler) as service:
        ended = drive(service.address, 10, retry=2)
    assert (ended.outcomes, ended.superseded) == ({"ok": 10}, [])
