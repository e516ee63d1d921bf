"""The verdict on real runs: what the client did has cause and remedy, what the service did is not held against it."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nursery import Mock
from running import Running, fastbench_command, perf

TAIL_S = 0.025
STOPPED_S, EACH_S = 0.05, 0.5
LENGTHS = ("--input-len", 8, "--num-warmups", 1, "--warmup-output-len", 1, "-q", "--no-plot")


def chunk(event: str) -> bytes:
    """An event as a chunk of its own."""
    data = f"data: {event}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


def answer(connection: socket.socket) -> None:
    """Answers each request with three tokens in 30 ms and [DONE], and ends the message only later."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connection, connection.makefile("rb") as lines:
        while line := lines.readline():
            size = 0
            while (header := lines.readline()) not in (b"\r\n", b""):
                name, _, value = header.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
            lines.read(size)
            if line.startswith(b"GET"):
                body = b'{"data": [{"id": "m"}]}'
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                continue
            connection.sendall(head)
            for reason in (None, None, "stop"):
                time.sleep(0.01)
                choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": reason}
                connection.sendall(chunk(json.dumps({"choices": [choice]})))
            connection.sendall(chunk("[DONE]"))
            time.sleep(TAIL_S)
            connection.sendall(b"0\r\n\r\n")


@contextlib.contextmanager
def slow_ending_service() -> Iterator[str]:
    """Its URL, for the time of the `with` block."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.alone
def test_a_late_end_of_the_message_is_not_the_clients(tmp_path: Path) -> None:
    """A service that ends its messages 25 ms after [DONE] leaves the client's share of slot time far below that."""
    with slow_ending_service() as url:
        ended = perf(tmp_path, "--url", url, *LENGTHS, "--num-prompts", 20, "--concurrency", 2)
    assert ended.trust["outcomes"] == {"ok": 20}
    # 25 of 55 ms, had it been the client's.
    assert ended.trust["effect"]["slot_share"] < 0.1


@pytest.mark.alone
@pytest.mark.parametrize(
    "load",
    [
        pytest.param(("--concurrency", 50, "--num-prompts", 100), marks=pytest.mark.slow),
        ("--rate", 40, "--num-prompts", 30),
    ],
)
def test_a_client_that_is_stopped_twice_a_second(tmp_path: Path, load: tuple[str | int, ...]) -> None:
    """A client that stands still for 50 ms twice a second is INVALID, because it was stopped, with what helps."""
    with Mock(ttft_ms=200, itl_ms=20) as mock:
        command = ("--url", mock.url, *LENGTHS, "--output-len", 30, *load)
        with Running(tmp_path, *map(str, command)) as running:
            while running.process.poll() is None:
                time.sleep(EACH_S - STOPPED_S)
                running.process.send_signal(signal.SIGSTOP)
                time.sleep(STOPPED_S)
                running.process.send_signal(signal.SIGCONT)
            ended = running.end()
    assert ended.trust["verdict"] == "INVALID"
    for reason in ended.trust["invalid_because"]:
        assert reason["cause"].startswith("the client was stopped or had no processor ")
        assert "a processor of its own" in reason["remedy"]
    assert ended.trust["client"]["stalls"] > 1
    assert ended.code == 0


def test_the_limit_in_flight_is_named(tmp_path: Path) -> None:
    """A rate that one request at a time cannot keep is INVALID by the limit; with --strict the exit code is 4."""
    with Mock(ttft_ms=50, itl_ms=0) as mock:
        load = ("--rate", 100, "--concurrency", 1, "--num-prompts", 30, "--output-len", 2)
        ended = perf(tmp_path, "--url", mock.url, *LENGTHS, *load, "--strict")
    assert ended.code == 4
    # On a busy machine there may be others beside it.
    (reason,) = [
        one for one in ended.trust["invalid_because"] if one["effect"].startswith("Requests were sent late, P99 ")
    ]
    assert reason["cause"] == "the limit of 1 in flight was reached"
    assert reason["remedy"] == "raise --concurrency or lower --rate"
    again = fastbench_command(tmp_path, "recalc", ended.run, "--no-plot")
    assert again.code == 0
