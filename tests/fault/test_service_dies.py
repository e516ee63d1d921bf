"""A service that dies, comes back, or stands still in the middle of a run."""

import os
import signal
import socket
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from driving import MS, OK, Driver, S, number_of
from nursery import Mock
from replies import chunk, delta, head
from serving import Service, answering, each_request, stall

HEAD = head("text/event-stream", "Transfer-Encoding: chunked")
MESSAGE = b'{"model":"mock","stream":true,"max_tokens":%d,"messages":[{"role":"user","content":"hi"}]}'


def ask_of_mock(number: int, tokens: int) -> bytes:
    body = MESSAGE % tokens
    lines = (b"POST /v1/chat/completions HTTP/1.1", b"Host: h", b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", b""]) + body


@pytest.mark.parametrize("retry", [0, 1])
def test_a_service_that_dies_mid_run(retry: int) -> None:
    """What had ended stays ok, what was streaming is cut, and all the rest is refused."""

    def handler(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            if number_of(request) < 10:
                connection.sendall(OK)
                continue
            connection.sendall(HEAD + chunk(delta("a")))
            stall(connection)

    with Service(handler) as service, Driver(service.address, limit=6, spare=6, retry=retry) as driver:
        driver.submit(16)
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["output_events"] == 10 * 3 + 6)
        driver.submit(30)
        service.stop()
        ended = driver.finish()
    outcomes = [ended[number].outcome for number in range(46)]
    assert outcomes[:10] == ["ok"] * 10
    assert set(outcomes[10:16]) <= {"truncated", "reset"}
    assert outcomes[16:] == ["refused"] * 30
    assert set(ended.column("attempt")[16:]) == {retry}
    assert len(ended.superseded) == 30 * retry


def test_a_service_that_restarts() -> None:
    """Requests in the gap are refused, and those after it are served again."""
    with (
        Service(answering(OK)) as first,
        Driver(first.address, closed_loop=False, limit=4, spare=1) as driver,
    ):
        driver.submit(60, every_ns=10 * MS)
        driver.start()
        driver.pump(lambda: driver.rows() >= 15)
        first.stop()
        driver.pump(lambda: driver.reactor.snapshot()["outcomes"]["refused"] >= 5)
        with Service(answering(OK), port=first.port):
            ended = driver.finish()
    outcomes = [ended[number].outcome for number in range(60)]
    assert outcomes[:10] == ["ok"] * 10
    assert outcomes[-5:] == ["ok"] * 5
    assert ended.outcomes["refused"] >= 5


def mock_driver(mock: Mock, streams: int) -> Driver:
    address = (socket.AF_INET, "127.0.0.1", urlsplit(mock.url).port or 0)
    return Driver(address, limit=streams, spare=streams, retry=1)


def test_a_service_killed_mid_stream() -> None:
    """Of streams whose service is killed none is ok, each keeps the tokens it had, and none is begun anew."""
    with Mock(itl_ms=5) as mock, mock_driver(mock, 20) as driver:
        for number in range(20):
            driver.reactor.submit(ask_of_mock(number, 10_000), request=number)
        driver.submitted = 20
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["output_events"] > 100)
        os.kill(mock.pid, signal.SIGKILL)
        ended = driver.finish()
    assert set(ended.outcomes) <= {"truncated", "reset"}
    assert ended.column("events").sum() > 100
    assert ended.superseded == []


def test_a_service_that_stands_still() -> None:
    """Streams of a service stopped for 300 ms all carry that gap, and come to their end."""
    stopped_s = 0.3
    with Mock(itl_ms=5) as mock, mock_driver(mock, 10) as driver:
        for number in range(10):
            driver.reactor.submit(ask_of_mock(number, 60), request=number)
        driver.submitted = 10
        driver.start()
        driver.pump(lambda: driver.reactor.snapshot()["output_events"] > 100)
        os.kill(mock.pid, signal.SIGSTOP)
        time.sleep(stopped_s)
        os.kill(mock.pid, signal.SIGCONT)
        ended = driver.finish()
    assert ended.outcomes == {"ok": 10}
    longest = [np.diff(result.token_ns()).max() for result in ended.final]
    assert min(longest) >= 0.9 * stopped_s * S
