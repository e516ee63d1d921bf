"""The closed loop: a request goes out when a slot is free."""

import socket
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from driving import MS, OK, Driver, S, drive, has
from nursery import Mock
from serving import Gauge, Service, answering, each_request, read_request

from fastbench.plan.shapes.slots import SLOT_STEP

COUNT = 60


def gauged(gauge: Gauge, work_s: float) -> Service:
    """A service that works a while for each request, and knows how many it has at once."""

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            with gauge:
                time.sleep(work_s)
            connection.sendall(OK)

    return Service(handler)


def test_never_more_in_flight_than_slots() -> None:
    """The service sees all slots filled, and never more; the reactor's own peak says the same."""
    gauge = Gauge()
    with gauged(gauge, 0.01) as service:
        ended = drive(service.address, COUNT, limit=7, spare=7)
    assert ended.outcomes == {"ok": COUNT}
    assert (gauge.most, ended.snapshot["peak_in_flight"]) == (7, 7)


def test_the_first_requests_are_intended_when_the_slots_open() -> None:
    """As many requests as there are slots are intended from the start on, `SLOT_STEP` apart; the others later."""
    with gauged(Gauge(), 0.01) as service, Driver(service.address, limit=5, spare=5) as driver:
        driver.submit(COUNT)
        driver.start(20 * MS)
        ended = driver.finish()
    intended = ended.column("intended_ns")
    assert np.all(np.sort(intended)[:5] == driver.start_ns + SLOT_STEP * np.arange(5))
    assert np.all(np.sort(intended)[5:] > driver.start_ns + 10 * MS)


def test_nothing_is_sent_before_the_start() -> None:
    """No request is sent before its intended time, which is never before the start."""
    with Service(answering(OK)) as service, Driver(service.address, limit=4, spare=4) as driver:
        driver.submit(COUNT)
        driver.pump(lambda: driver.reactor.open_connections == 4)
        assert driver.reactor.snapshot()["sent"] == 0
        driver.start(50 * MS)
        ended = driver.finish()
    assert np.all(ended.column("sent_ns") >= ended.column("intended_ns"))
    assert ended.column("intended_ns").min() == driver.start_ns


def test_a_request_is_intended_when_its_slot_became_free() -> None:
    """With one slot, each request is intended when the last byte of the reply before came, however late it is sent."""
    gauge = Gauge()
    with gauged(gauge, 0.002) as service:
        ended = drive(service.address, COUNT)
    intended, sent, end = (ended.column(name) for name in ("intended_ns", "sent_ns", "end_ns"))
    assert np.array_equal(end[:-1], intended[1:])
    assert np.all(intended <= sent)


def test_slots_are_used_in_the_order_in_which_they_became_free() -> None:
    """With several slots, each request after the first ones is intended at the end of one other, no two at the same."""
    gauge = Gauge()
    with gauged(gauge, 0.003) as service:
        ended = drive(service.address, COUNT, limit=6)
    intended, end = ended.column("intended_ns"), np.sort(ended.column("end_ns"))
    assert np.array_equal(np.sort(intended[6:]), end[:-6])


def test_a_slot_that_is_free_again_does_not_wait_for_those_to_come() -> None:
    """Where replies come before the last slot has opened, slots that are free again are used first."""
    limit = 200
    opening_over = np.arange(limit) * MS
    with Mock() as mock:
        address = (socket.AF_INET, "127.0.0.1", urlsplit(mock.url).port or 0)
        with Driver(address, limit=limit, spare=limit, openings=opening_over) as driver:
            driver.pump(lambda: driver.reactor.open_connections == limit)
            driver.submit(2 * limit)
            driver.start(5 * MS)
            ended = driver.finish()
    # But for how late replies are noticed, a small part of the time in which the slots open.
    assert np.all(np.diff(ended.column("intended_ns")) > -limit * MS // 2)


def test_a_slot_that_finds_no_request_is_starvation() -> None:
    """A request submitted after its slot became free is flagged and counted; one submitted in time is not."""
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        driver.submit(1)
        driver.start()
        driver.pump(driver.rows)
        assert driver.reactor.snapshot()["starved"] == 0
        time.sleep(0.02)
        driver.submit(1)
        ended = driver.finish()
    assert [has(ended[number], "starved") for number in (0, 1)] == [False, True]
    assert ended.snapshot["starved"] == 1
    row = ended[1].row
    assert row["sent_ns"] - row["intended_ns"] >= 20 * MS, "the wait for the request stays visible"


def test_a_late_submission_fills_all_slots() -> None:
    """Requests that come long after the start still find every slot, and the start as intended time."""
    gauge = Gauge()
    with gauged(gauge, 0.05) as service, Driver(service.address, limit=3, spare=3) as driver:
        driver.start()
        driver.pump(lambda: driver.reactor.open_connections == 3)
        driver.submit(3)
        ended = driver.finish()
    assert gauge.most == 3
    assert np.all(ended.column("intended_ns") == driver.start_ns + SLOT_STEP * np.arange(3))


def test_a_failure_frees_its_slot() -> None:
    """A run whose requests all fail goes on to its end, one slot at a time."""

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)

    with Service(handler) as service:
        ended = drive(service.address, 40, limit=2, request_timeout_ns=10 * S)
    assert ended.outcomes == {"truncated": 40}
    assert ended.snapshot["peak_in_flight"] == 2


def test_slots_change_while_it_runs() -> None:
    """More slots are in use as soon as they are asked for, over connections that stay; fewer once their requests have
    ended; requests that were prepared for the load before are not sent."""
    gauge = Gauge()
    with (
        gauged(gauge, 0.02) as service,
        Driver(service.address, limit=8, spare=2, openings=np.zeros(2, np.int64)) as driver,
    ):
        driver.submit(200)
        with pytest.raises(RuntimeError, match="once it has a start"):
            driver.reactor.ask_for_slots(3, 0)
        driver.start()
        driver.pump(lambda: driver.rows() >= 10)
        assert gauge.most == 2
        driver.submit(300)
        asked_ns = time.monotonic_ns()
        driver.reactor.ask_for_slots(6, 200)
        driver.pump(lambda: driver.reactor.slots_ns is not None)
        assert driver.reactor.slots_ns is not None
        assert asked_ns <= driver.reactor.slots_ns <= time.monotonic_ns()
        driver.pump(lambda: driver.rows() >= 60)
        assert gauge.most == 6
        rows = np.concatenate([batch.rows for batch in driver.batches])
        assert not np.any((rows["request"] < 200) & (rows["sent_ns"] > driver.reactor.slots_ns))
        assert driver.reactor.snapshot()["withdrawn"] > 0
        driver.reactor.ask_for_slots(1, 0)
        driver.pump(lambda: driver.reactor.snapshot()["in_flight"] <= 1)
        gauge.most = 0
        before = driver.rows()
        driver.pump(lambda: driver.rows() >= before + 5)
        assert gauge.most == 1
        for wanted in (-1, 9):
            with pytest.raises(ValueError, match="0 to 8"):
                driver.reactor.ask_for_slots(wanted, 0)
        assert driver.reactor.snapshot()["connections"] <= 7


def test_what_is_known_has_ended() -> None:
    """All requests that went out before `known_ns` are among those that were taken since."""
    with gauged(Gauge(), 0.005) as service, Driver(service.address, limit=4, spare=4) as driver:
        driver.submit(COUNT)
        driver.start()
        for stop in range(10, COUNT, 10):
            driver.pump(lambda stop=stop: driver.rows() >= stop)
            known = driver.reactor.known_ns
            driver.serve()
            taken = {int(row["request"]) for batch in driver.batches for row in batch.rows}
            driver.pump(lambda known=known: driver.reactor.known_ns > known + 20 * MS or driver.rows() == COUNT)
            rows = np.concatenate([batch.rows for batch in driver.batches])
            assert {int(row["request"]) for row in rows if row["tried_ns"] < known} <= taken
        driver.finish()
