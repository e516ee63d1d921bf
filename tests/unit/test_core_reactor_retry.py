"""Retries: up to N attempts after the first, for failures before any byte of the response, each recorded."""

import socket
from collections.abc import Callable

import numpy as np
import pytest
from driving import MS, OK, Driver, S, drive, has
from replies import delta, stream
from serving import Handler, Service, answering, closed_port, each_request, finish, read_request, reset, stall

FAILURES: dict[str, Handler] = {"reset": lambda c, _: reset(c), "truncated": lambda c, _: finish(c)}


def failing(times: int, fail: Handler) -> Handler:
    """Fails the first connections after their request has been read, then serves."""

    def handler(connection: socket.socket, number: int) -> None:
        if number < times:
            read_request(connection)
            fail(connection, number)
            return
        for _request in each_request(connection):
            connection.sendall(OK)

    return handler


@pytest.mark.parametrize("outcome", FAILURES)
def test_a_failed_attempt_is_recorded_and_followed_by_another(outcome: str) -> None:
    """The attempt is a superseded row with its own outcome; the final row counts it and keeps the first send."""
    with Service(failing(1, FAILURES[outcome])) as service:
        ended = drive(service.address, 1, retry=3)
    (attempt,), final = ended.superseded, ended[0]
    assert (attempt.outcome, attempt.row["attempt"], has(attempt, "superseded")) == (outcome, 0, True)
    assert attempt.note
    assert (final.outcome, final.row["attempt"], final.note) == ("ok", 1, b"")
    assert final.row["sent_ns"] == attempt.row["sent_ns"] < attempt.row["end_ns"] <= final.row["headers_ns"]
    assert final.row["intended_ns"] == attempt.row["intended_ns"]
    assert final.row["connection"] != attempt.row["connection"]


def test_each_attempt_has_its_own_send() -> None:
    """Attempts follow each other: every one's send lies after the end of the one before."""
    with Service(failing(4, FAILURES["reset"])) as service:
        ended = drive(service.address, 1, retry=4)
    sent = np.array([attempt.row["sent_ns"] for attempt in ended.superseded])
    end = np.array([attempt.row["end_ns"] for attempt in ended.superseded])
    assert [int(attempt.row["attempt"]) for attempt in ended.superseded] == [0, 1, 2, 3]
    assert np.all(sent < end)
    assert np.all(end[:-1] < sent[1:])
    assert (ended[0].outcome, ended[0].row["attempt"], ended[0].row["sent_ns"]) == ("ok", 4, sent[0])


@pytest.mark.parametrize("retry", [0, 1, 3])
def test_the_last_attempt_is_final(retry: int) -> None:
    """A service that always fails sees 1 + retry attempts; the last one's outcome is the request's."""
    with Service(failing(100, FAILURES["reset"])) as service:
        ended = drive(service.address, 2, retry=retry)
    assert service.connections == 2 * (1 + retry)
    assert ended.outcomes == {"reset": 2}
    assert set(ended.column("attempt")) == {retry}
    assert len(ended.superseded) == 2 * retry


@pytest.mark.parametrize("retry", [0, 2])
def test_refused_connections_are_tried_again(retry: int) -> None:
    """Where nobody listens each request is refused after 1 + retry attempts, with the reason, never sent."""
    ended = drive((socket.AF_INET, "127.0.0.1", closed_port()), 5, limit=2, spare=2, retry=retry)
    assert ended.outcomes == {"refused": 5}
    assert len(ended.superseded) == 5 * retry
    for result in [*ended.final, *ended.superseded]:
        assert (result.outcome, result.note) == ("refused", b"connection refused")
        assert (result.row["sent_ns"], result.row["received_bytes"]) == (0, 0)
    assert set(ended.column("attempt")) == {retry}
    assert ended.snapshot["sent"] == 0


def test_a_refused_request_was_tried() -> None:
    """The first attempt's moment stands in each row of the request, also where nothing could be sent."""
    ended = drive((socket.AF_INET, "127.0.0.1", closed_port()), 3, retry=1)
    for result in ended.final:
        row, (before,) = (
            result.row,
            [one.row for one in ended.superseded if one.row["request"] == result.row["request"]],
        )
        assert row["intended_ns"] <= row["tried_ns"] == before["tried_ns"] <= before["end_ns"] <= row["end_ns"]
        assert row["sent_ns"] == 0


@pytest.mark.parametrize(
    "start", [b"H", b"HTTP/1.1 200 OK\r\n", stream(delta("a"), last=b"")], ids=["byte", "head", "event"]
)
@pytest.mark.parametrize("outcome", FAILURES)
def test_no_retry_after_the_first_byte(start: bytes, outcome: str) -> None:
    """Once a single byte of the response has come the failure stands, whatever attempts are allowed."""

    def fail(connection: socket.socket, number: int) -> None:
        connection.sendall(start)
        FAILURES[outcome](connection, number)

    with Service(failing(1, fail)) as service:
        ended = drive(service.address, 3, retry=5)
    assert [ended[number].outcome for number in range(3)] == [outcome, "ok", "ok"]
    assert (ended.superseded, ended.snapshot["retries"]) == ([], 0)


def test_no_retry_of_an_answer() -> None:
    """An HTTP error is an answer: it is not asked for again."""
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            connection.sendall(busy)

    with Service(handler) as service:
        ended = drive(service.address, 3, retry=5)
    assert (ended.outcomes, ended.superseded) == ({"http_error": 3}, [])


def test_no_retry_after_a_timeout() -> None:
    """What the time limit ends is not begun anew."""

    def handler(connection: socket.socket, number: int) -> None:
        read_request(connection)
        if number == 0:
            reset(connection)
        else:
            stall(connection)

    with Service(handler) as service:
        ended = drive(service.address, 1, retry=5, request_timeout_ns=200 * MS)
    assert [attempt.outcome for attempt in ended.superseded] == ["reset"]
    row = ended[0].row
    assert (ended[0].outcome, row["attempt"]) == ("timeout", 1)
    assert row["end_ns"] - row["intended_ns"] >= 200 * MS


def test_a_retry_holds_its_slot() -> None:
    """An attempt after the first needs no slot of its own: the limit holds."""
    with Service(failing(10, FAILURES["reset"])) as service:
        ended = drive(service.address, 20, limit=3, spare=3, retry=10)
    assert ended.outcomes == {"ok": 20}
    assert ended.snapshot["peak_in_flight"] == 3
    intended = ended.column("intended_ns")
    assert np.all(intended[3:] >= np.sort(ended.column("end_ns"))[:-3])


def test_retries_stop_with_the_user() -> None:
    """An abort ends the attempts of a service that fails for ever, whatever number was asked for."""
    with (
        Service(failing(10**9, FAILURES["reset"])) as service,
        Driver(service.address, retry=10**6) as driver,
    ):
        driver.submit(1)
        driver.start()
        driver.pump(lambda: driver.rows() > 3)
        driver.reactor.abort()
        ended = driver.finish()
    assert ended[0].outcome in ("cancelled", "reset"), "a reset may have come just before the abort"
    assert {attempt.outcome for attempt in ended.superseded} == {"reset"}


def test_many_attempts_are_counted_up_to_what_a_row_holds() -> None:
    """A row's attempt ends at 255; the counters go on."""
    ended = drive((socket.AF_INET, "127.0.0.1", closed_port()), 1, retry=300, retry_pause_ns=10_000)
    assert (ended[0].row["attempt"], len(ended.superseded), ended.snapshot["retries"]) == (255, 300, 300)


NOWHERE = (socket.AF_INET, "127.0.0.1")


def test_the_limit_over_all_attempts() -> None:
    """A request whose attempts fail for ever ends when its whole time is over, while it waits for the next one."""
    with Service(failing(10**9, FAILURES["reset"])) as service:
        ended = drive(service.address, 1, retry=1000, total_timeout_ns=400 * MS)
    row = ended[0].row
    assert (ended[0].outcome, ended[0].note) == ("timeout", b"no complete response in time, over all attempts")
    assert row["end_ns"] - row["tried_ns"] >= 400 * MS
    assert 1 <= len(ended.superseded) <= 4, "50 + 100 + 200 ms of pauses, a quarter less"


def test_attempts_outlive_a_restart() -> None:
    """A service that comes back while requests wait for their next attempt serves them all."""
    port = closed_port()
    with Driver((*NOWHERE, port), limit=4, spare=4, retry=8) as driver:
        driver.submit(4)
        driver.start()
        driver.pump(lambda: driver.rows() >= 4)
        with Service(answering(OK), port=port):
            ended = driver.finish()
    assert ended.outcomes == {"ok": 4}
    assert set(ended.column("attempt")) <= {1, 2, 3, 4, 5, 6, 7, 8}
    assert ended.snapshot["peak_in_flight"] == 4


STOPS: dict[str, Callable[[Driver], None]] = {
    "drain": lambda driver: driver.reactor.drain(),
    "withdraw": lambda driver: driver.reactor.withdraw(),
    "abort": lambda driver: driver.reactor.abort(),
    "time over": lambda driver: driver.reactor.abort(out_of_time=True),
}


@pytest.mark.parametrize("stop", STOPS)
def test_what_waits_for_an_attempt_ends_with_the_run(stop: str) -> None:
    """Requests that pause between attempts end as cancelled at once, with the reason, and free what they held."""
    with Driver((*NOWHERE, closed_port()), limit=8, spare=2, retry=1000, retry_pause_ns=60 * S) as driver:
        driver.submit(8)
        driver.start()
        driver.pump(lambda: driver.rows() == 8)
        STOPS[stop](driver)
        ended = driver.finish()
    assert ended.outcomes == {"cancelled": 8}
    assert len(ended.superseded) == 8
    notes = {"abort": b"cancelled by the user", "time over": b"in flight when the time to drain was over"}
    assert {result.note for result in ended.final} == {notes.get(stop, b"the run ended before it was sent again")}


def test_pauses_of_many_end_in_the_middle() -> None:
    """Whole-request limits take requests out of the middle of those that pause, and leave the others in order."""
    with Driver(
        (*NOWHERE, closed_port()), limit=200, retry=2, retry_pause_ns=150 * MS, total_timeout_ns=160 * MS
    ) as driver:
        driver.submit(200)
        driver.start()
        ended = driver.finish()
    assert set(ended.outcomes) <= {"timeout", "refused"}
    assert ended.outcomes["timeout"] > 0
