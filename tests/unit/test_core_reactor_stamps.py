"""Time stamps: the kernel's, whatever the client's own threads do."""

import ctypes
import json
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from certificates import CERTIFICATE, KEY, trusting
from driving import MS, OK, Driver, drive, has
from nursery import Mock
from replies import DONE, LAST_CHUNK, chunk, delta, head
from serving import Service, answering, read_request, send_slowly

HOLD_NS = 300 * MS
STREAMS = 20
TOKENS = 120


def test_stamps_are_the_kernels() -> None:
    """Every read on loopback has the kernel's stamp: rows are flagged so, no read is counted without one."""
    with Service(answering(OK)) as service:
        ended = drive(service.address, 40, limit=4)
    assert all(has(result, "kernel") for result in ended.final)
    assert (ended.snapshot["unstamped_reads"], ended.snapshot["clock_steps"]) == (0, 0)
    assert ended.snapshot["reads"] >= 40


@pytest.mark.alone
def test_stamps_follow_the_services_writes() -> None:
    """Each token's stamp lies behind the service's own write of it, in the median by less than 5 ms."""
    written: list[int] = []

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        connection.sendall(head("text/event-stream", "Transfer-Encoding: chunked"))
        for _event in range(60):
            time.sleep(0.003)
            written.append(time.monotonic_ns())
            connection.sendall(chunk(delta("a")))
        connection.sendall(chunk(delta(None, "stop")) + chunk(DONE) + LAST_CHUNK)

    with Service(handler) as service:
        ended = drive(service.address, 1)
    behind = ended[0].token_ns() - np.array(written)
    assert behind.min() >= -MS, "the two clocks agree to far less than this"
    assert np.median(behind) < 5 * MS
    assert ended[0].row["shared_events"] <= 10


def test_the_clients_own_lag_is_counted_apart() -> None:
    """Every read of a request adds one value to the histogram of `noticed - arrived`."""
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        driver.submit(30)
        driver.start()
        ended = driver.finish()
        lag = driver.reactor.lag
        assert lag.total == ended.snapshot["reads"] >= 30
        assert lag.clipped == 0
        assert lag.value_at_percentile(50) > 0


def test_one_stamp_for_one_read() -> None:
    """Events that come in one segment have one and the same stamp, and are counted as shared."""
    with Service(answering(OK)) as service:
        ended = drive(service.address, 1)
    row = ended[0].row
    assert (row["events"], row["shared_events"]) == (3, 2)
    assert len(set(ended[0].token_ns())) == 1
    assert row["headers_ns"] == row["first_token_ns"] == row["end_ns"]


def test_byte_by_byte() -> None:
    """A reply that comes one byte at a time is the same reply, its moments in order."""

    def handler(connection: socket.socket, _: int) -> None:
        read_request(connection)
        send_slowly(connection, OK, 0.0)

    with Service(handler) as service:
        ended = drive(service.address, 1)
    row = ended[0].row
    assert (ended[0].outcome, row["events"], row["received_bytes"]) == ("ok", 3, len(OK))
    assert row["headers_ns"] < row["first_token_ns"] < row["last_token_ns"] < row["end_ns"]


def ask_of_mock(number: int) -> bytes:
    """The bytes of a request for a stream, with its number as the id."""
    content = [{"role": "user", "content": "hello"}]
    fields = {"model": "mock", "stream": True, "max_tokens": TOKENS, "messages": content, "ignore_eos": True}
    body = json.dumps(fields).encode()
    lines = (
        "POST /v1/chat/completions HTTP/1.1",
        "Host: h",
        f"X-Request-Id: {number}",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.alone
@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
def test_a_thread_that_holds_the_gil_does_not_move_a_stamp(tmp_path: Path, tls: bool) -> None:
    """While Python stands still for 300 ms the gaps recorded stay those of the service's own writes."""
    secure = {"tls_cert": str(CERTIFICATE), "tls_key": str(KEY)} if tls else {}
    beats: list[int] = []
    over = threading.Event()

    def beat() -> None:
        while not over.is_set():
            beats.append(time.monotonic_ns())
            time.sleep(0.005)

    with Mock(ttft_ms=20, itl_ms=5, log=str(tmp_path / "log"), **secure) as mock:
        address = (socket.AF_INET, "127.0.0.1", urlsplit(mock.url).port or 0)
        shape = {"limit": STREAMS, "spare": STREAMS, "tls": trusting() if tls else None}
        with Driver(address, **shape) as driver:
            driver.pump(lambda: driver.reactor.open_connections == STREAMS)
            for number in range(STREAMS):
                driver.reactor.submit(ask_of_mock(number), request=number)
            driver.submitted = STREAMS
            ticker = threading.Thread(target=beat)
            ticker.start()
            driver.start()
            driver.pump(lambda: driver.reactor.snapshot()["output_events"] > STREAMS)
            ctypes.PyDLL(None).usleep(HOLD_NS // 1000)
            ended = driver.finish()
            over.set()
            ticker.join()
        written = {int(entry["id"]): np.array(entry["writes_ns"]) for entry in mock.log_entries(STREAMS)}
    assert np.diff(beats).max() >= HOLD_NS, "the GIL was not held"
    assert ended.outcomes == {"ok": STREAMS}
    assert all(has(result, "kernel") for result in ended.final)
    for number in range(STREAMS):
        gaps, own = np.diff(ended[number].token_ns()), np.diff(written[number])
        assert len(gaps) == TOKENS - 1
        assert np.abs(gaps - own).max() < HOLD_NS // 2
