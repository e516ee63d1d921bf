"""What else a load may ask of the reactor: dropping, slots that come and go, requests that follow."""

import socket
import time
from collections.abc import Callable

import numpy as np
from driving import MS, OK, Driver, has, number_of
from serving import Gauge, Handler, Service, answering, each_request

from fastbench.plan.shapes.slots import Level, stepped


def slowly(gauge: Gauge, seconds: float) -> Handler:
    """Answers each request after a while, and measures how many wait at once."""

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            with gauge:
                time.sleep(seconds)
            connection.sendall(OK)

    return handler


def test_what_finds_the_limit_reached_is_dropped() -> None:
    """With `drop_when_full` a request that is due while the limit is reached is not sent, and keeps its time."""
    shape = {"closed_loop": False, "limit": 2, "spare": 2, "drop_when_full": True}
    gauge = Gauge()
    with Service(slowly(gauge, 0.1)) as service, Driver(service.address, **shape) as driver:
        driver.submit(10, every_ns=MS)
        driver.start(20 * MS)
        ended = driver.finish()
    assert ended.outcomes == {"ok": 2, "dropped": 8}
    assert gauge.most == 2
    assert np.array_equal(ended.column("intended_ns"), driver.start_ns + MS * np.arange(10))
    assert set(ended.column("sent_ns")[2:]) == {0}
    assert ended.snapshot["outcomes"]["dropped"] == 8
    ended.check_accounts(10)


def test_slots_come_and_go() -> None:
    """A closed loop whose slots open and close at steps has the number of each step in flight."""
    slots = stepped([Level(1, 200 * MS), Level(4, 200 * MS), Level(2, 400 * MS)])
    gauge = Gauge()
    shape = {"limit": 4, "spare": 4, "openings": slots.openings, "closings": slots.closings}
    with Service(slowly(gauge, 0.02)) as service, Driver(service.address, **shape) as driver:
        driver.submit(200)
        driver.start()
        driver.pump(lambda: time.monotonic_ns() > driver.start_ns + 800 * MS)
        driver.reactor.withdraw()
        ended = driver.finish()
    sent, end = ended.column("sent_ns"), ended.column("end_ns")
    in_flight = [int(((sent <= t) & (end > t)).sum()) for t in driver.start_ns + MS * np.arange(20, 780, 2)]
    first, second, third = in_flight[:85], in_flight[95:185], in_flight[205:]
    assert [max(part) for part in (first, second, third)] == [1, 4, 2]
    assert [round(float(np.median(part))) for part in (first, second, third)] == [1, 4, 2]


def test_a_request_that_follows_has_its_own_time_and_no_slot() -> None:
    """A request that follows another goes out at its moment though all slots are taken, and is never starved."""
    with Service(answering(OK)) as service, Driver(service.address, limit=1, spare=1) as driver:
        driver.submit(1, session=1, more=True)
        driver.submit(1, session=2)
        driver.start()
        driver.pump(driver.rows)
        due = time.monotonic_ns() + 50 * MS
        driver.submit(1, session=1, turn=1, due_ns=due)
        ended = driver.finish()
    assert ended[2].row["intended_ns"] == due <= ended[2].row["sent_ns"]
    assert (ended[2].row["session"], ended[2].row["turn"]) == (1, 1)
    assert not has(ended[2], "starved")
    assert ended[1].row["intended_ns"] >= ended[2].row["end_ns"], "the slot is the conversation's to its end"
    ended.check_accounts(3)


def test_requests_that_follow_go_out_by_their_times() -> None:
    """Whatever order they are submitted in, those that follow go out in the order of their moments."""
    with Service(answering(OK)) as service, Driver(service.address, limit=8, spare=8) as driver:
        for session in range(1, 9):
            driver.submit(1, session=session, more=True)
        driver.start()
        driver.pump(lambda: driver.rows() == 8)
        now = time.monotonic_ns()
        delays = [50, 20, 70, 10, 80, 40, 30, 60]
        for session, delay in enumerate(delays, 1):
            driver.submit(1, session=session, turn=1, due_ns=now + delay * MS)
        ended = driver.finish()
    sent = ended.column("sent_ns")[8:]
    assert np.argsort(sent).tolist() == np.argsort(delays).tolist()
    assert np.all(sent >= now + np.array(delays) * MS)


def test_a_conversation_keeps_its_slot_until_it_is_released() -> None:
    """While nobody has answered for a conversation the next does not begin, nor does the run end."""
    with Service(answering(OK)) as service, Driver(service.address, limit=1, spare=1) as driver:
        driver.submit(1, session=1, more=True)
        driver.submit(1)
        driver.start()
        driver.reactor.close_input()
        driver.pump(driver.rows)
        driver.pump(lambda: time.monotonic_ns() > driver.start_ns + 60 * MS)
        assert (driver.reactor.snapshot()["sent"], driver.reactor.ended) == (1, False)
        driver.reactor.release()
        ended = driver.finish()
    assert ended.outcomes == {"ok": 2}


def test_a_skipped_request_is_counted_and_not_sent() -> None:
    """What is skipped ends as cancelled, without ever having been sent."""
    seen: list[int] = []

    def handler(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            seen.append(number_of(request))
            connection.sendall(OK)

    with Service(handler) as service, Driver(service.address) as driver:
        driver.submit(1)
        driver.submit(2, skip=True, session=3, turn=1)
        driver.start()
        ended = driver.finish()
    assert ended.outcomes == {"ok": 1, "cancelled": 2}
    assert seen == [0]
    assert ended[1].row["sent_ns"] == 0
    ended.check_accounts(3)


def abandoned(end: Callable[[Driver], None]) -> dict[str, int]:
    """How requests end when a run with conversations does: one in flight, one to follow, one not begun."""
    gauge = Gauge()

    def handler(connection: socket.socket, number: int) -> None:
        for request in each_request(connection):
            if number_of(request) == 1:
                with gauge:
                    time.sleep(0.2)
            connection.sendall(OK)

    with Service(handler) as service, Driver(service.address, limit=2, spare=2) as driver:
        driver.submit(1, session=1, more=True)
        driver.submit(1, session=2, more=True)
        driver.submit(1, session=3, more=True)
        driver.start()
        driver.pump(driver.rows)
        driver.submit(1, session=1, turn=1, more=True, due_ns=time.monotonic_ns() + 10_000 * MS)
        driver.pump(lambda: gauge.most)
        end(driver)
        driver.pump(lambda: driver.reactor.ended)
        return dict(driver.finish().outcomes)


def test_a_run_with_conversations_drains() -> None:
    """Draining, what is in flight ends by itself and the rest is cancelled, once all conversations are answered for."""

    def end(driver: Driver) -> None:
        driver.reactor.drain()
        driver.pump(lambda: driver.rows() == 4)
        assert not driver.reactor.ended
        for _ in range(3):
            driver.reactor.release()

    assert abandoned(end) == {"ok": 2, "cancelled": 2}


def test_a_run_with_conversations_can_be_abandoned() -> None:
    """When nobody will answer for conversations, an abort ends the run all the same."""
    assert abandoned(lambda driver: driver.reactor.abort(abandon=True)) == {"ok": 1, "cancelled": 3}
