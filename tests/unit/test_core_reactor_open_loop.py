"""The open loop: a request goes out at its own time, whatever became of the others."""

import socket
import time

import numpy as np
import pytest
from driving import MS, OK, Driver, has
from serving import Gauge, Service, answering, each_request

EVERY_NS = 1_234_567


@pytest.mark.parametrize("precise", [False, True])
def test_requests_go_out_at_their_planned_times(precise: bool) -> None:
    """The intended time is start + offset to the nanosecond, and nothing is sent before it."""
    with (
        Service(answering(OK)) as service,
        Driver(service.address, closed_loop=False, limit=64, spare=8, precise=precise) as driver,
    ):
        driver.submit(200, every_ns=EVERY_NS)
        driver.start(5 * MS)
        ended = driver.finish()
    intended = ended.column("intended_ns")
    assert np.array_equal(intended, driver.start_ns + EVERY_NS * np.arange(200))
    lateness = ended.column("sent_ns") - intended
    assert lateness.min() >= 0
    assert ended.outcomes == {"ok": 200}


def test_equal_times_keep_their_order() -> None:
    """Requests of one and the same time go out in the order of submission."""
    with Service(answering(OK)) as service, Driver(service.address, closed_loop=False, limit=50) as driver:
        driver.submit(50)
        driver.start()
        ended = driver.finish()
    assert np.all(ended.column("intended_ns") == driver.start_ns)
    assert np.all(np.diff(ended.column("sent_ns")) >= 0)


def test_a_service_behind_does_not_move_the_plan() -> None:
    """What waits for a slot keeps its intended time and goes out late; the limit holds."""
    gauge = Gauge()

    def handler(connection: socket.socket, _: int) -> None:
        for _request in each_request(connection):
            with gauge:
                time.sleep(0.02)
            connection.sendall(OK)

    with Service(handler) as service, Driver(service.address, closed_loop=False, limit=2, spare=2) as driver:
        driver.submit(20, every_ns=MS)
        driver.start()
        ended = driver.finish()
    intended, sent = ended.column("intended_ns"), ended.column("sent_ns")
    assert np.array_equal(intended, driver.start_ns + MS * np.arange(20))
    assert gauge.most == 2
    # Nine pairs of 20 ms each stand before the last pair, which was planned for the 19th ms.
    assert sent[-1] - intended[-1] >= 9 * 20 * MS - 19 * MS
    assert ended.snapshot["starved"] == 0


def test_a_request_prepared_too_late_is_starvation() -> None:
    """A request submitted after its time goes out at once, flagged; its intended time stays."""
    with Service(answering(OK)) as service, Driver(service.address, closed_loop=False) as driver:
        driver.start()
        time.sleep(0.03)
        driver.submit(2, every_ns=5 * 60_000 * MS)
        driver.pump(driver.rows)
        driver.reactor.drain()
        ended = driver.finish()
    late = ended[0].row
    assert has(ended[0], "starved")
    assert late["intended_ns"] == driver.start_ns
    assert late["sent_ns"] - late["intended_ns"] >= 30 * MS
    assert not has(ended[1], "starved")
    assert ended.snapshot["starved"] == 1


def test_waiting_costs_little() -> None:
    """A reactor that waits half a second for a send uses a small part of it, even with `precise`."""
    with (
        Service(answering(OK)) as service,
        Driver(service.address, closed_loop=False, spare=1, precise=True) as driver,
    ):
        driver.submit(1)
        driver.start(500 * MS)
        ended = driver.finish()
    assert ended.snapshot["cpu_ns"] < 200 * MS
    assert ended.outcomes == {"ok": 1}


def test_a_send_far_away_is_not_forgotten() -> None:
    """Sends of very different distances, the far one beyond several heartbeats, each go out at their time."""
    offsets = [0, MS // 2, 3 * MS, 400 * MS]
    with Service(answering(OK)) as service, Driver(service.address, closed_loop=False, limit=4) as driver:
        for offset in offsets:
            driver.submit(1, offset_ns=offset)
        driver.start()
        ended = driver.finish()
    assert (ended.column("intended_ns") - driver.start_ns).tolist() == offsets
    assert (ended.column("sent_ns") - ended.column("intended_ns")).min() >= 0
