"""The mock as an HTTP service: connections, requests in pieces, errors, metrics, the log, TLS."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from mock_client import (
    CHAT,
    COMPLETIONS,
    Answer,
    Json,
    ask,
    ask_on,
    chat,
    connect,
    get,
    read_all,
    request_bytes,
)
from nursery import Mock

from fastbench.errors import ServiceError

SHORT = chat(stream=True, max_tokens=3)


def read_replies(connection: socket.socket, count: int) -> bytes:
    """The bytes of `count` streamed replies."""
    reply = b""
    while reply.count(b"\r\n0\r\n\r\n") < count:
        data = connection.recv(65536)
        assert data, reply
        reply += data
    return reply


def test_one_connection_serves_many_requests() -> None:
    """Keep-alive: streams, bodies and pages take turns on one connection."""
    with Mock() as mock:
        connection = http.client.HTTPConnection(mock.url.removeprefix("http://"), timeout=120)
        for _ in range(20):
            assert len(ask_on(connection, SHORT).outputs) == 3
            sock = connection.sock
            assert ask_on(connection, chat(max_tokens=2)).json["usage"]["completion_tokens"] == 2
            assert ask_on(connection, b"{bad").status == 400
            assert connection.sock is sock
        connection.close()


def test_a_request_may_come_byte_by_byte() -> None:
    """Head and body split everywhere are the same request, and what follows is the next one."""
    with Mock() as mock, connect(mock.url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request_bytes(SHORT) + b"\r\n" + request_bytes(SHORT, CHAT, "X-Filler: " + "x" * 300):
            connection.sendall(bytes([byte]))
        assert read_replies(connection, 2).count(b"HTTP/1.1 200 OK") == 2


def test_pipelined_requests_are_answered_in_order() -> None:
    """Requests that lie ahead wait for the replies before them; also when they arrive while a reply runs."""
    bodies = [chat(stream=True, max_tokens=k) for k in range(1, 40)]
    with Mock(itl_ms=0.1) as mock, connect(mock.url) as connection:
        connection.sendall(b"".join(map(request_bytes, bodies)))
        reply = read_replies(connection, len(bodies))
    parts = reply.split(b"\r\n0\r\n\r\n")[: len(bodies)]
    assert [part.count(b'"token_ids":null') for part in parts] == list(range(1, 40))


def test_a_large_body_is_taken_in(tmp_path: Path) -> None:
    """A body of 8 MB, sent in pieces, is read whole and its tokens are counted."""
    words = 1_000_000
    with Mock(max_model_len=2_000_000, log=tmp_path / "log") as mock:
        body = chat("wordword" + " wordwor" * (words - 1), max_tokens=1)
        answer = ask(mock.url, body, headers={"X-Request-Id": "of the large one"})
        assert answer.json["usage"]["prompt_tokens"] == words
        assert mock.log_entries(1)[0]["id"] == "of the large one"


def test_expect_100_continue() -> None:
    """A client that asks first is told to go on."""
    head, _, body = request_bytes(SHORT, CHAT, "Expect: 100-continue").partition(b"\r\n\r\n")
    with Mock() as mock, connect(mock.url) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_replies(connection, 1).startswith(b"HTTP/1.1 200 OK")


def test_connection_close_is_obeyed() -> None:
    """After a reply to `Connection: close`, and after each kind of answer, comes FIN."""
    requests = [
        request_bytes(SHORT, CHAT, "Connection: close"),
        request_bytes(chat(), CHAT, "Connection: keep-alive, Close"),
        b"GET /health HTTP/1.0\r\n\r\n",
        b"GET /nowhere HTTP/1.1\r\nconnection: close\r\n\r\n",
    ]
    with Mock() as mock:
        for request in requests:
            with connect(mock.url) as connection:
                connection.sendall(request)
                assert b"connection: close" in b"".join(read_all(connection))


@pytest.mark.parametrize(
    ("path", "body", "status", "part"),
    [
        (CHAT, b"{bad", 400, "JSON decode error at byte 1"), (CHAT, b"", 400, "JSON decode error"),
        (CHAT, b"{}", 400, "messages"), (COMPLETIONS, b'{"prompt":5}', 400, "prompt"),
        (CHAT, json.dumps(chat(max_tokens=0)).encode(), 400, "max_tokens"),
        (CHAT, json.dumps(chat(max_tokens=2000)).encode(), 400, "maximum context length is 1000 tokens"),
        (CHAT, json.dumps({**chat(), "model": 'a"b'}).encode(), 404, 'The model `a"b` does not exist.'),
        ("/v1/nowhere", b"{}", 404, "Not Found"), ("/health", b"{}", 405, "Method Not Allowed"),
    ],
)  # fmt: skip
def test_bad_requests_get_json_errors(path: str, body: bytes, status: int, part: str) -> None:
    """Each mistake has its status and an error object that says what is wrong."""
    with Mock(max_model_len=1000) as mock:
        answer = ask(mock.url, body, path)
    assert answer.status == status
    assert answer.json["error"]["code"] == status
    assert part in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"nonsense\r\n\r\n", 400), (b"GET /health HTTP/2.0\r\n\r\n", 400), (b"GET  HTTP/1.1\r\n\r\n", 400),
        (b"POST /v1/completions HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nno\r\n\r\n", 400),
        (b"POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST /v1/completions HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"GET /health HTTP/1.1\r\nx: " + b"y" * 70000, 413),
    ],
)  # fmt: skip
def test_what_is_not_http_is_refused_and_closed(request_text: bytes, status: int) -> None:
    """A request that cannot be read gets an answer, and the connection ends."""
    with Mock() as mock, connect(mock.url) as connection:
        connection.sendall(request_text)
        reply = b"".join(read_all(connection))
        assert reply.startswith(b"HTTP/1.1 %d " % status)
        assert get(mock.url, "/health").status == 200


def test_models_and_health() -> None:
    """The model list names the model that is served; health is an empty 200."""
    with Mock(model="org/name") as mock:
        assert [card["id"] for card in get(mock.url, "/v1/models").json["data"]] == ["org/name"]
        assert (get(mock.url, "/health?x=1").status, get(mock.url, "/health").body) == (200, b"")


def metrics(mock: Mock) -> dict[str, float]:
    lines = get(mock.url, "/metrics").body.decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def test_metrics_count() -> None:
    """Running, waiting, tokens and endings are those of the requests sent, under vLLM's names."""
    label = 'model_name="mock"'
    with Mock(itl_ms=20, max_num_seqs=2) as mock:
        long = [connect(mock.url) for _ in range(3)]
        for connection in long:
            connection.sendall(request_bytes(chat(stream=True, max_tokens=500)))
        give_up = time.monotonic() + 120
        while metrics(mock)[f"vllm:num_requests_running{{{label}}}"] < 2 and time.monotonic() < give_up:
            pass
        assert metrics(mock)[f"vllm:num_requests_waiting{{{label}}}"] == 1
        for connection in long:
            connection.close()
        ask(mock.url, chat(stream=True, max_tokens=3))
        found = metrics(mock)
    assert found[f"vllm:num_requests_running{{{label}}}"] == found[f"vllm:num_requests_waiting{{{label}}}"] == 0
    assert found[f'vllm:request_success_total{{finished_reason="length",{label}}}'] == 1
    assert found[f'vllm:request_success_total{{finished_reason="abort",{label}}}'] == 3
    assert found[f"vllm:prompt_tokens_total{{{label}}}"] == 8
    assert found[f"vllm:generation_tokens_total{{{label}}}"] >= 3


def test_the_log_has_the_times_of_every_output_event(tmp_path: Path) -> None:
    """Stamps of CLOCK_MONOTONIC lie between request and reply, never before they are due, one for each output event."""
    ttft, itl = 30_000_000, 5_000_000
    with Mock(ttft_ms=30, itl_ms=5, tokens_per_event=2, log=tmp_path / "log") as mock:
        before = time.monotonic_ns()
        ask(mock.url, chat("a b c", stream=True, max_tokens=6, n=2), headers={"X-Request-Id": 'r"1\\'})
        after = time.monotonic_ns()
        (entry,) = mock.log_entries(1)
    writes = entry.pop("writes_ns")
    assert before <= entry.pop("accepted_ns") <= entry["received_ns"]
    arrived = entry.pop("arrived_ns")
    assert before <= arrived <= entry.pop("received_ns")
    assert len(writes) == 8
    for k, stamp in enumerate(writes):
        tokens = (0, 2, 4, 5)[k // 2] if k < 6 else 6
        assert stamp >= arrived + ttft + tokens * itl
    assert writes == sorted(writes)
    assert writes[-1] == entry.pop("end_ns") < after
    assert entry == {
        "id": 'r"1\\', "path": CHAT, "status": 200, "prompt_tokens": 3, "output_tokens": 12, "aborted": False,
        "fault": None,
    }  # fmt: skip


def test_the_log_tells_how_requests_ended(tmp_path: Path) -> None:
    """Errors, faults and clients that left are logged too; those that run when the service stops are aborted."""
    with Mock(itl_ms=20, log=tmp_path / "log") as mock:
        ask(mock.url, b"{", COMPLETIONS)
        ask(mock.url, SHORT, headers={"X-Mock-Fault": "error-event=2"})
        for k in range(2):
            connection = connect(mock.url)
            connection.sendall(request_bytes(chat(stream=True, max_tokens=10_000), CHAT, f"X-Request-Id: {k}"))
            while b'"content":" ' not in connection.recv(65536):
                pass
            if k == 0:
                connection.close()
                mock.log_entries(3)
        running = connection
    running.close()
    wrong, faulty, left, stopped = mock.log_entries(4)
    assert (wrong["status"], wrong["id"], wrong["output_tokens"]) == (400, None, 0)
    assert (faulty["fault"], faulty["output_tokens"], faulty["aborted"]) == ("error-event=2", 2, False)
    assert (left["id"], left["aborted"], stopped["id"], stopped["aborted"]) == ("0", True, "1", True)
    assert left["output_tokens"] == len(left["writes_ns"]) >= 1


def test_a_slow_reader_gets_every_event() -> None:
    """A full socket blocks only its own stream; nothing is lost when the client reads on, timed or not."""
    variants: tuple[dict[str, Any], ...] = ({}, {"itl_ms": 0.01}, {"decode_ms": 0.01})
    for options in variants:
        with Mock(**options) as mock, socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            host, port = mock.url.removeprefix("http://").split(":")
            connection.connect((host, int(port)))
            connection.sendall(request_bytes(chat(stream=True, max_tokens=30_000), CHAT, "connection: close"))
            time.sleep(0.5)
            assert len(ask(mock.url, SHORT).outputs) == 3
            connection.settimeout(20)
            reply = b"".join(read_all(connection))
        assert reply.count(b'"token_ids":null') == 30_000
        assert reply.endswith(b"0\r\n\r\n")


def test_many_streams_at_once(tmp_path: Path) -> None:
    """400 timed streams all come whole, in order, none before it is due."""
    body = chat(stream=True, max_tokens=20)
    with Mock(ttft_ms=100, itl_ms=10, log=tmp_path / "log") as mock:
        connections = [connect(mock.url) for _ in range(400)]
        for connection in connections:
            connection.sendall(request_bytes(body))
        for connection in connections:
            assert read_replies(connection, 1).count(b'"token_ids":null') == 20
            connection.close()
        entries = mock.log_entries(400)
    for entry in entries:
        for k, stamp in enumerate(entry["writes_ns"]):
            assert stamp >= entry["arrived_ns"] + 100_000_000 + k * 10_000_000


def test_the_engine_model_is_the_one_on_paper(tmp_path: Path) -> None:
    """A lone request: prefill of 100 tokens at 1000/s, then steps of 5 + 1 ms."""
    with Mock(prefill_rate=1000, decode_ms=5, decode_ms_per_seq=1, log=tmp_path / "log") as mock:
        ask(mock.url, chat("w " * 100, stream=True, max_tokens=5))
        (entry,) = mock.log_entries(1)
    for k, stamp in enumerate(entry["writes_ns"]):
        late = stamp - entry["arrived_ns"] - 100_000_000 - k * 6_000_000
        assert 0 <= late < 50_000_000


def test_ipv6() -> None:
    """The service listens on ::1 and names itself with brackets."""
    with Mock(host="::1") as mock:
        assert mock.url.startswith("http://[::1]:")
        assert len(ask(mock.url, SHORT).outputs) == 3


def test_a_vanished_client_does_no_harm() -> None:
    """Clients that reset, or send half a request and leave, at every moment, leave the service working."""
    request = request_bytes(chat(stream=True, max_tokens=1000))
    with Mock(itl_ms=0.05) as mock:
        for cut in range(0, len(request) + 40, 7):
            connection = connect(mock.url)
            connection.sendall(request[:cut])
            if cut > len(request):
                connection.recv(100)
            if cut % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        assert len(ask(mock.url, SHORT).outputs) == 3


def test_random_clients_leave_nothing_behind() -> None:
    """After thousands of random requests, faults, cuts and garbage nothing runs or waits, and requests are served."""
    rng = random.Random(7)
    faults = ["cut=2", "reset=3", "stall=1", "error-event=2", "empty", "html", "http=500", "cut=-1", "stall=-1"]
    options: dict[str, Any] = {
        "prefill_rate": 1e6,
        "decode_ms": 0.1,
        "max_num_seqs": 8,
        "tokens_per_event": 3,
        "heartbeat_ms": 1,
    }

    def act(connection: socket.socket) -> None:
        choice = rng.random()
        if choice < 0.6:
            body = chat("w " * rng.randint(1, 900), stream=rng.random() < 0.8, n=rng.randint(1, 3), max_tokens=50)
            more = ["X-Mock-Fault: " + rng.choice(faults)] if rng.random() < 0.3 else []
            request = bytearray(request_bytes(body, CHAT, *more))
            if rng.random() < 0.2:
                request[rng.randrange(len(request))] = rng.randrange(256)
            connection.send(request[: rng.choice([len(request), rng.randint(0, len(request))])])
        elif choice < 0.9:
            if not connection.recv(65536):
                raise ConnectionError
        else:
            raise ConnectionError

    with Mock(eos_rate=0.05, **options) as mock:
        connections: list[socket.socket] = []
        for _ in range(4000):
            while len(connections) < 20:
                connections.append(connect(mock.url))
                connections[-1].setblocking(False)
            connection = rng.choice(connections)
            try:
                act(connection)
            except BlockingIOError:
                continue
            except OSError:
                connection.close()
                connections.remove(connection)
        for connection in connections:
            connection.close()
        give_up = time.monotonic() + 120
        while any(value for name, value in metrics(mock).items() if "num_requests" in name):
            assert time.monotonic() < give_up
        assert len(ask(mock.url, {**SHORT, "ignore_eos": True}).events) == 3


def make_certificate(folder: Path) -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1."""
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", key, "-out", cert, "-subj", "/CN=mock", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def test_https(tmp_path: Path) -> None:
    """With a certificate the service speaks TLS; streams, keep-alive and cuts pass through."""
    cert, key = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=cert)

    def answer_on(connection: http.client.HTTPSConnection, body: Json) -> Answer:
        return ask_on(connection, body)

    with Mock(tls_cert=cert, tls_key=key) as mock:
        assert mock.url.startswith("https://127.0.0.1:")
        connection = http.client.HTTPSConnection(mock.url.removeprefix("https://"), timeout=120, context=context)
        for _ in range(3):
            assert len(answer_on(connection, SHORT).outputs) == 3
        with pytest.raises(http.client.IncompleteRead):
            ask_on(connection, SHORT, headers={"X-Mock-Fault": "cut=1"})
        connection.close()


def test_hot_streams_share_the_loop() -> None:
    """While streams without gaps run, a new request is still served."""
    with Mock() as mock:
        stop = threading.Event()

        def drain() -> None:
            with connect(mock.url) as connection:
                connection.sendall(request_bytes(chat(stream=True, max_tokens=900_000)))
                while not stop.is_set():
                    connection.recv(1 << 20)

        threads = [threading.Thread(target=drain) for _ in range(2)]
        for thread in threads:
            thread.start()
        answers = [ask(mock.url, SHORT) for _ in range(20)]
        stop.set()
        for thread in threads:
            thread.join()
    assert all(len(answer.outputs) == 3 for answer in answers)


def test_ctrl_c_is_not_for_the_service() -> None:
    """The service is in no process group of its caller, so Ctrl-C at a terminal does not end it under a client."""
    with Mock() as mock:
        assert os.getpgid(mock.pid) != os.getpgid(0)


def test_the_current_directory_is_not_searched_for_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of the same name in the current directory, such as an unbuilt source tree, is not what runs."""
    (tmp_path / "fastbench").mkdir()
    (tmp_path / "fastbench" / "__init__.py").write_text("raise RuntimeError('the wrong package')")
    monkeypatch.chdir(tmp_path)
    with Mock() as mock:
        assert mock.url.startswith("http://127.0.0.1:")


def test_no_file_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service starts where nothing can be written, and an error of its start is told all the same."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with Mock() as mock:
        assert mock.url.startswith("http://")
        port = int(mock.url.rpartition(":")[2])
        with pytest.raises(ServiceError, match=r"before it was ready: \S"), Mock(port=port):
            pass
